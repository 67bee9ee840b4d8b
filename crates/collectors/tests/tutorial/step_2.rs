//! `my-gc`: cells and large objects, nothing is reclaimed yet.

use heap::contract::*;
use heap::{NoMarks, NonMovingSpace};

/// A collector that does not collect yet.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<NoMarks>,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { objects: NonMovingSpace::new(heap)? })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        self.objects.alloc_or_grow(layout, Self::NEW)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.objects], 0)
    }
}

impl Inspect for MyGc {}
