//! No collector: bump allocation, nothing is ever reclaimed.
//!
//! The control. With a prefaulted heap it shows the cost of allocation when reclaiming costs nothing. It is
//! not a lower bound on time, because its objects never reuse memory that is warm in the cache. It cannot
//! run a program whose allocation volume exceeds the heap.

use heap::BumpSpace;
use heap::contract::*;

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
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        self.space.alloc(layout)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.space], 0)
    }
}

impl Inspect for NoGc {}
