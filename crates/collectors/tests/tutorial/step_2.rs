//! `my-gc`: cells and large objects, nothing is reclaimed yet.

use heap::{
    Caps, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference, ObjectSpace,
    Occupancy, OutOfMemory,
};
use std::io;

/// A collector that does not collect yet.
#[derive(Debug)]
pub struct MyGc {
    objects: ObjectSpace,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { objects: ObjectSpace::new(heap)? })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(layout),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(0)
    }

    fn allocated(&self) -> Occupancy {
        self.objects.allocated()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }
}

impl MyGc {
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        let object = self.objects.alloc_growing(layout, 0);
        object.ok_or_else(|| self.heap().out_of_memory(layout))
    }
}
