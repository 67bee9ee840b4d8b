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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::SlotKind;
    use crate::heap::HeapConfig;
    use crate::memory::Offset32;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Op {
        /// An array of this many slots.
        Alloc(u32),
        Free(prop::sample::Index),
        /// Keeps about this many in 256.
        Sweep(u8),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            5 => (4090u32..50_000).prop_map(Op::Alloc),
            3 => any::<prop::sample::Index>().prop_map(Op::Free),
            1 => any::<u8>().prop_map(Op::Sweep),
        ]
    }

    fn is_kept(object: ObjectReference, share: u8) -> bool {
        object.block().wrapping_mul(0x9e37_79b1) >> 24 < u32::from(share)
    }

    proptest! {
        #[test]
        fn runs_are_where_the_model_says(
            ops in proptest::collection::vec(op(), 1..40),
            limit_blocks in prop_oneof![Just(None), (4u64..60).prop_map(Some)],
        ) {
            let limit_bytes = limit_blocks.map(|blocks| blocks * u64::from(BLOCK_BYTES));
            let heap = Heap::new(HeapConfig { limit_bytes, ..HeapConfig::default() }).unwrap();
            let mut space = LargeSpace::new(&heap);
            let mut live: Vec<(ObjectReference, u32)> = Vec::new();
            for op in ops {
                match op {
                    Op::Alloc(slots) => {
                        let layout = Layout::array(SlotKind::Shared, slots, 0).unwrap();
                        let blocks = layout.bytes().div_ceil(BLOCK_BYTES);
                        let Some(object) = space.alloc(layout, 0) else {
                            prop_assert!(limit_blocks.is_some(), "no limit, no room");
                            continue;
                        };
                        prop_assert!(heap.memory().has(object, LARGE));
                        let (start, end) = (object.block(), object.block() + blocks);
                        for &(other, its_blocks) in &live {
                            let (its_start, its_end) = (other.block(), other.block() + its_blocks);
                            prop_assert!(end <= its_start || its_end <= start);
                        }
                        // Cleared from the first slot to the last, whatever was there before.
                        for slot in (0..slots).step_by(997).chain([slots - 1]) {
                            let word = Offset32::word(4 + slot);
                            prop_assert_eq!(heap.memory().read(object, word), 0);
                            heap.memory().write(object, word, !0);
                        }
                        live.push((object, blocks));
                    }
                    Op::Free(which) if !live.is_empty() => {
                        let (object, _) = live.swap_remove(which.index(live.len()));
                        prop_assert!(space.free(object));
                        prop_assert!(!space.free(object), "it is freed twice");
                        prop_assert!(!space.is_allocated(object));
                    }
                    Op::Free(_) => {}
                    Op::Sweep(share) => {
                        space.sweep(|object| is_kept(object, share));
                        live.retain(|&(object, _)| is_kept(object, share));
                    }
                }
                let blocks: u64 = live.iter().map(|&(_, blocks)| u64::from(blocks)).sum();
                let bytes = blocks * u64::from(BLOCK_BYTES);
                prop_assert_eq!(space.occupied(), Occupancy { objects: live.len() as u64, bytes });
                prop_assert!(live.iter().all(|&(object, _)| space.is_allocated(object)));
                let inside = live.iter().filter_map(|run| ObjectReference::from_bits(run.0.bits() + 2));
                prop_assert!(inside.into_iter().all(|inside| !space.is_allocated(inside)));
                let parts = heap.used_bytes() + heap.retained_bytes() + heap.metadata_bytes();
                prop_assert_eq!(heap.used_bytes(), bytes);
                prop_assert_eq!(heap.budget().held_bytes(), parts + space.metadata_bytes());
            }
        }
    }
}
