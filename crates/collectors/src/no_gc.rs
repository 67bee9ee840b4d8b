//! No collector at all: bump allocation, nothing is ever reclaimed.
//!
//! The control. Prefaulted, it shows what allocation costs when reclaiming costs nothing; it is not
//! a lower bound on time, for its objects never come back into a warm cache. It cannot run a program
//! whose allocation volume exceeds the heap.

use heap::{
    Arena, Caps, ChunkPool, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference,
    Occupancy, OutOfMemory,
};
use std::io;

/// The collector that never collects.
#[derive(Debug)]
pub struct NoGc {
    arena: Arena,
    pool: ChunkPool,
    heap: Heap,
}

impl Collector for NoGc {
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
}

impl NoGc {
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        let grown = self.arena.grow(layout, &mut self.pool);
        let object = grown.then(|| self.arena.alloc(layout, 0, &self.heap)).flatten();
        object.ok_or_else(|| self.heap.refuse(layout))
    }
}
