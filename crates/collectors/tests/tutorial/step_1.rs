//! `my-gc`: bump allocation, nothing is reclaimed yet. Say here what it is, who described it first,
//! and when.
//!
//! 1. *Allocate*: take the next bytes of the arena's chunk, or of a new chunk when it is full.
//! 2. *Trigger*: none yet. Say what starts a collection: an allocation, a store, a call.
//! 3. *Find*: nothing yet. Say how what is dead is told from what lives.
//! 4. *Reclaim*: nothing yet. Say what becomes of the dead, and when their memory is used again.
//!
//! No barrier yet. Say last what it cannot do, and how its pauses grow.

use heap::{
    Arena, Caps, ChunkPool, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference,
    Occupancy, OutOfMemory,
};
use std::io;

/// A collector that does not collect yet.
#[derive(Debug)]
pub struct MyGc {
    // Next: `heap::ObjectSpace` in the place of both, whose objects can be reclaimed one by one.
    arena: Arena,
    pool: ChunkPool,
    heap: Heap,
}

impl Collector for MyGc {
    // Next: what it can do, as soon as it can. `gcw verify` and the plan of a run believe this.
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let pool = ChunkPool::new(heap);
        Ok(Self { arena: Arena::heap(), pool, heap: heap.clone() })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.arena.alloc(layout, 0, &self.heap) {
            Some(object) => Ok(object),
            None => self.alloc_slow(layout),
        }
    }

    fn footprint(&self) -> Footprint {
        Footprint {
            used_bytes: self.pool.used_bytes(),
            retained_bytes: 0,
            metadata_bytes: self.pool.metadata_bytes() + self.arena.metadata_bytes(),
        }
    }

    fn occupied(&self) -> Occupancy {
        self.arena.occupied(self.heap.memory())
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.arena.is_allocated(object)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        &self.heap
    }

    // Next: `collect` if it traces; `store`, `moved`, `orphan`, `retain` and `release` if it counts or
    // needs a barrier; `free` if the author frees. `heap::Collector` says when each is called.
}

impl MyGc {
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        // Next: collect here when the limit has no room, then try again.
        let grown = self.arena.grow(layout, &mut self.pool);
        let object = grown.then(|| self.arena.alloc(layout, 0, &self.heap)).flatten();
        object.ok_or_else(|| self.heap.refuse(layout))
    }
}
