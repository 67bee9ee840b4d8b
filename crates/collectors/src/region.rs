//! Regions (Tofte and Talpin, "Region-based memory management", 1997): objects are bump-allocated in
//! the region that the program names and go all at once when it ends.
//!
//! 1. *Allocate* in a region: bump its chunk.
//! 2. *End* a region: give its chunks back, in time proportional to their number. No object is
//!    touched, and nothing is dropped.
//! 3. Objects that the program puts in no region live in one that lasts as long as the run. So a
//!    program without regions shows the price of having no owner but the computation: its peak is
//!    its whole allocation volume.
//!
//! No barrier. It cannot free an object before its region.

use heap::{
    Caps, Cause, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference, Occupancy,
    OutOfMemory, Regions,
};
use std::io;

/// Frees whole regions.
#[derive(Debug)]
pub struct Region {
    regions: Regions,
    whole_run: u32,
    heap: Heap,
}

impl Collector for Region {
    const CAPS: Caps = Caps { regions: true, ..Caps::NONE };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let mut regions = Regions::new(heap);
        let whole_run = regions.begin();
        Ok(Self { regions, whole_run, heap: heap.clone() })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.regions.alloc(self.whole_run, layout, 0).ok_or_else(|| self.heap.refuse(layout))
    }

    fn footprint(&self) -> Footprint {
        self.regions.footprint()
    }

    fn occupied(&self) -> Occupancy {
        self.regions.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.regions.is_allocated(object)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        &self.heap
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        if cause == Cause::End {
            self.regions.end(cx, self.whole_run);
            self.whole_run = self.regions.begin();
        }
    }

    fn region_begin(&mut self, _: &mut Context) -> u32 {
        self.regions.begin()
    }

    #[inline(always)]
    fn region_alloc(
        &mut self,
        _: &mut Context,
        region: u32,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        self.regions.alloc(region, layout, 0).ok_or_else(|| self.heap.refuse(layout))
    }

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        self.regions.end(cx, region);
    }
}
