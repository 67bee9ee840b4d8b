//! `my-gc`: bump allocation, nothing is reclaimed yet. Describe it here, with the first publication
//! and its year.
//!
//! 1. *Allocate*: take the next bytes of a block, or of a new one when it is full.
//! 2. *Trigger*: none yet. Say what starts a collection: an allocation, a store, a call.
//! 3. *Find*: nothing yet. Say how dead objects are distinguished from live ones.
//! 4. *Reclaim*: nothing yet. Say how dead objects are reclaimed, and when their memory is reused.
//!
//! No barrier yet. Say last what it cannot do, and how its pauses grow.

use heap::BumpSpace;
use heap::contract::*;

/// A collector that does not collect yet.
#[derive(Debug)]
pub struct MyGc {
    // Next: a `heap::NonMovingSpace` in its place, whose objects can be reclaimed one by one.
    space: BumpSpace,
}

impl Collector for MyGc {
    // Next: its capabilities, as soon as it has them. `gcw verify` and the plan of a run rely on this.
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { space: BumpSpace::new(heap) })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        // Next: collect when the limit has no room, then try again.
        self.space.alloc(layout)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.space], 0)
    }

    // Next: `collect` if it traces; `store` if it has a barrier; `root_added`, `root_removed` and
    // `owner_lost` if it counts; `free` if the program frees. `heap::Collector` says when each is called.
}

impl Inspect for MyGc {}
