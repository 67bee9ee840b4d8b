//! The smallest collector there can be, so that programs can be compiled to the end.

use heap::*;

/// Keeps everything.
pub struct Keeper(ObjectSpace);

impl Collector for Keeper {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> std::io::Result<Self> {
        ObjectSpace::new(heap).map(Self)
    }

    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        let object = self.0.alloc(layout, 0).or_else(|| self.0.alloc_growing(layout, 0));
        object.ok_or_else(|| self.0.heap().out_of_memory(layout))
    }

    fn footprint(&self) -> Footprint {
        self.0.footprint(0)
    }

    fn allocated(&self) -> Occupancy {
        self.0.allocated()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.0.is_allocated(object)
    }

    fn heap(&self) -> &Heap {
        self.0.heap()
    }
}
