//! `my-gc`: bump allocation, nothing is reclaimed yet. Say here what it is, who described it first,
//! and when.
//!
//! 1. *Allocate*: take the next bytes of a block, or of a new one when it is full.
//! 2. *Trigger*: none yet. Say what starts a collection: an allocation, a store, a call.
//! 3. *Find*: nothing yet. Say how what is dead is told from what lives.
//! 4. *Reclaim*: nothing yet. Say what becomes of the dead, and when their memory is used again.
//!
//! No barrier yet. Say last what it cannot do, and how its pauses grow.

use heap::{
    BumpSpace, Caps, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference,
    Occupancy, OutOfMemory,
};
use std::io;

/// A collector that does not collect yet.
#[derive(Debug)]
pub struct MyGc {
    // Next: a `heap::ObjectSpace` in its place, whose objects can be reclaimed one by one.
    space: BumpSpace,
}

impl Collector for MyGc {
    // Next: what it can do, as soon as it can. `gcw verify` and the plan of a run believe this.
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { space: BumpSpace::new(heap) })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        // Next: collect when the limit has no room, then try again.
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

    // Next: `collect` if it traces; `store`, `moved`, `orphan`, `retain` and `release` if it counts or
    // needs a barrier; `free` if the author frees. `heap::Collector` says when each is called.
}
