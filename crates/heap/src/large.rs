//! The large-object space: objects above half a block, each on a run of blocks of its own.

use crate::block::{BLOCK_BYTES, Block};
use crate::cells::Occupancy;
use crate::header::{LARGE, Layout};
use crate::heap::Heap;
use crate::value::ObjectReference;

#[derive(Clone, Copy, Debug)]
struct Run {
    object: ObjectReference,
    blocks: u32,
}

/// Large objects, sorted by address.
#[derive(Debug)]
pub struct LargeSpace {
    runs: Vec<Run>,
    used_blocks: u64,
    heap: Heap,
}

impl LargeSpace {
    /// An empty space.
    pub fn new(heap: &Heap) -> Self {
        Self { runs: Vec::new(), used_blocks: 0, heap: heap.clone() }
    }

    /// A new object, its slots null and its payload zero; `None` if the limit has no room.
    pub fn alloc(&mut self, layout: Layout, collector_bits: u32) -> Option<ObjectReference> {
        let blocks = layout.bytes().div_ceil(BLOCK_BYTES);
        let start = self.heap.acquire(blocks)?;
        let object = ObjectReference::from_granule(start.first_granule());
        layout.install(self.heap.memory(), object, collector_bits | LARGE);
        let place = self.runs.partition_point(|run| run.object < object);
        let before = self.metadata_bytes();
        self.runs.insert(place, Run { object, blocks });
        self.heap.budget().charge(self.metadata_bytes() - before);
        self.used_blocks += u64::from(blocks);
        Some(object)
    }

    /// Frees an object. Tells whether it was allocated here.
    pub fn free(&mut self, object: ObjectReference) -> bool {
        let Ok(place) = self.runs.binary_search_by_key(&object, |run| run.object) else {
            return false;
        };
        let run = self.runs.remove(place);
        self.give_back(run);
        true
    }

    /// Frees every object that `keep` does not want.
    pub fn sweep(&mut self, mut keep: impl FnMut(ObjectReference) -> bool) {
        let mut runs = std::mem::take(&mut self.runs);
        runs.retain(|&run| {
            let kept = keep(run.object);
            if !kept {
                self.give_back(run);
            }
            kept
        });
        self.runs = runs;
    }

    fn give_back(&mut self, run: Run) {
        self.used_blocks -= u64::from(run.blocks);
        self.heap.release(Block::of(run.object), run.blocks);
    }

    /// Whether the object is allocated now.
    pub fn is_allocated(&self, object: ObjectReference) -> bool {
        self.runs.binary_search_by_key(&object, |run| run.object).is_ok()
    }

    /// Bytes of the blocks in this space.
    pub fn used_bytes(&self) -> u64 {
        self.used_blocks * u64::from(BLOCK_BYTES)
    }

    /// Objects and the bytes of their runs.
    pub fn occupied(&self) -> Occupancy {
        Occupancy { objects: self.runs.len() as u64, bytes: self.used_bytes() }
    }

    /// Bytes of the table of objects.
    pub fn metadata_bytes(&self) -> u64 {
        (self.runs.capacity() * size_of::<Run>()) as u64
    }
}

impl Drop for LargeSpace {
    fn drop(&mut self) {
        self.heap.budget().discharge(self.metadata_bytes());
    }
}
