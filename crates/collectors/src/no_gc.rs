//! No collector at all: bump allocation, nothing is ever reclaimed.
//!
//! The control. Prefaulted, it shows what allocation costs when reclaiming costs nothing; it is not
//! a lower bound on time, for its objects never come back into a warm cache. It cannot run a program
//! whose allocation volume exceeds the heap.

use heap::{
    BumpSpace, Caps, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference,
    Occupancy, OutOfMemory,
};
use std::io;

/// The collector that never collects.
#[derive(Debug)]
pub struct NoGc {
    space: BumpSpace,
}

impl Collector for NoGc {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { space: BumpSpace::new(heap) })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.space.alloc(layout)
    }

    fn footprint(&self) -> Footprint {
        self.space.footprint()
    }

    fn occupied(&self) -> Occupancy {
        self.space.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.space.is_allocated(object)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.space.heap()
    }
}
