//! The smallest collector there can be, so that programs can be compiled to the end.

use heap::*;

/// Allocates in one arena and reclaims nothing.
pub struct Bump {
    arena: Arena,
    pool: ChunkPool,
    heap: Heap,
}

impl Collector for Bump {
    const CAPS: Caps = Caps::NONE;

    fn new(heap: &Heap, _: &Config) -> std::io::Result<Self> {
        Ok(Self { arena: Arena::heap(), pool: ChunkPool::new(heap), heap: heap.clone() })
    }

    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        if !self.arena.grow(layout, &mut self.pool) {
            return Err(self.heap.refuse(layout));
        }
        Ok(self.arena.alloc(layout, 0, &self.heap).expect("it has grown"))
    }

    fn footprint(&self) -> Footprint {
        Footprint::default()
    }

    fn occupied(&self) -> Occupancy {
        self.arena.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.arena.is_allocated(object)
    }

    fn heap(&self) -> &Heap {
        &self.heap
    }
}
