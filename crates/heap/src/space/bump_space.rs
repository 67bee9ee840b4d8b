//! Bump allocation over the whole heap, for a collector that frees nothing.

use crate::blocks::heap::Heap;
use crate::memory::budget::AllocResult;
use crate::memory::footprint::Occupancy;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;
use crate::space::Space;
use crate::space::arena::{Arena, ChunkPool};

/// One arena over the whole heap.
#[derive(Debug)]
pub struct BumpSpace {
    arena: Arena,
    pool: ChunkPool,
    heap: Heap,
}

impl BumpSpace {
    /// An empty space.
    pub fn new(heap: &Heap) -> Self {
        Self { arena: Arena::heap(), pool: ChunkPool::new(heap), heap: heap.clone() }
    }

    /// A new object, its slots null and its payload zero.
    ///
    /// # Errors
    /// If the heap limit has no room.
    #[inline(always)]
    pub fn alloc(&mut self, layout: Layout) -> AllocResult {
        match self.arena.alloc(layout, 0, &self.heap) {
            Some(object) => Ok(object),
            None => self.alloc_growing(layout),
        }
    }

    #[cold]
    #[inline(never)]
    fn alloc_growing(&mut self, layout: Layout) -> AllocResult {
        let grown = self.arena.grow(layout, &mut self.pool);
        let object = grown.then(|| self.arena.alloc(layout, 0, &self.heap)).flatten();
        object.ok_or_else(|| self.heap.out_of_memory(layout))
    }
}

impl Space for BumpSpace {
    fn reserved_bytes(&self) -> u64 {
        self.pool.reserved_bytes()
    }

    fn metadata_bytes(&self) -> u64 {
        self.pool.metadata_bytes() + self.arena.metadata_bytes()
    }

    fn allocated(&self) -> Occupancy {
        self.arena.allocated(self.heap.memory())
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.arena.is_allocated(object)
    }
}
