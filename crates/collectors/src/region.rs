//! Regions (Tofte and Talpin, "Region-based memory management", 1997): objects are bump-allocated in
//! the region that the program names and freed together when it ends.
//!
//! 1. *Allocate* in a region: bump its chunk.
//! 2. *End* a region: return its chunks, in time proportional to their number. No object is touched or
//!    dropped.
//! 3. Objects without a region live in one that lasts as long as the run. So a program without regions
//!    shows the price of one owner for the whole computation: its peak is its allocation volume.
//!
//! No barrier. It cannot free an object before its region.

use heap::contract::*;
use heap::{Regions, allocates_in_regions};

/// Frees whole regions.
#[derive(Debug)]
pub struct Region {
    regions: Regions,
    whole_run: u32,
}

impl Collector for Region {
    const CAPS: Caps = Caps { regions: true, ..Caps::NONE };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let mut regions = Regions::new(heap);
        let whole_run = regions.begin();
        Ok(Self { regions, whole_run })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        self.region_alloc(cx, self.whole_run, layout)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.regions], 0)
    }

    fn collect(&mut self, _: &mut Context, cause: Cause) {
        if cause == Cause::End {
            self.regions.end(self.whole_run);
            self.whole_run = self.regions.begin();
        }
    }

    allocates_in_regions!(regions);

    fn region_end(&mut self, _: &mut Context, region: u32) {
        self.regions.end(region);
    }
}

impl Inspect for Region {}
