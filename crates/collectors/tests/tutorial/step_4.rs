//! `my-gc`: mark-sweep that collects when it is asked to.

use heap::{
    Caps, Cause, Collector, Config, Context, Footprint, Heap, Layout, Marker, ObjectReference,
    ObjectSpace, Occupancy, OutOfMemory, PREFETCH, PauseKind,
};
use std::io;

/// Marks what is reachable and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: ObjectSpace,
    marker: Marker,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, ..Caps::NONE };

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(layout),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.marker.metadata_bytes())
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

    fn collect(&mut self, cx: &mut Context, _: Cause) {
        let pause = cx.log.begin_pause();
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
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
