//! Parallel marking against a serial reachability, at every number of threads.

use super::*;
use crate::memory::os::PAGE_BYTES;
use crate::object::header::{Layout, SlotKind};
use crate::space::Space;
use crate::space::cells::ParallelMarks;
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::{accounted_bytes, alloc, heap, reachable, set};
use proptest::prelude::*;

const NODE: Layout = Layout::shape(0, 2, 0, 0);

/// A heap, its space, and its markers.
struct Marking {
    heap: Heap,
    space: NonMovingSpace<ParallelMarks>,
    marker: ParallelMarker,
}

impl Marking {
    fn on(threads: usize, threshold: u64) -> Self {
        let heap = heap();
        let marker = ParallelMarker::new(&heap, 16, threads, threshold).unwrap();
        let space = NonMovingSpace::marked_by(&heap, &marker).unwrap();
        Self { heap, space, marker }
    }

    fn alloc(&mut self, layout: Layout) -> ObjectReference {
        alloc(&mut self.space, layout)
    }

    fn nodes(&mut self, count: usize) -> Vec<ObjectReference> {
        (0..count).map(|_| self.alloc(NODE)).collect()
    }

    fn array(&mut self, slots: u32) -> ObjectReference {
        self.alloc(Layout::array(SlotKind::Shared, slots, 0).unwrap())
    }

    fn link(&self, from: ObjectReference, slot: u32, to: ObjectReference) {
        set(&self.space, from, slot, to);
    }

    /// Marks from the root and sweeps; the tables must agree afterwards.
    fn collect(&mut self, root: ObjectReference) {
        self.marker.push(root);
        self.space.trace_in_parallel(&mut self.marker);
        self.space.sweep();
        assert_eq!(self.space.verify(), Ok(()));
        assert!(self.marker.markers.iter().all(|marker| marker.stack.is_empty()));
        let bytes = accounted_bytes(&self.heap, &[&self.space]) + self.marker.metadata_bytes();
        assert_eq!(self.heap.budget().committed_bytes(), bytes, "the account is wrong");
    }

    /// Peak bytes of the stacks.
    fn stack_bytes(&self) -> u64 {
        self.marker.markers.iter().map(|marker| marker.stack.committed_bytes()).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Nodes, arrays and large objects; marked twice, for the first trace must leave no state.
    #[test]
    fn any_number_of_threads_marks_the_reachable_objects(
        slots in proptest::collection::vec(prop_oneof![8 => Just(2u32), 2 => 3u32..100, 1 => 4100u32..9000], 1..150),
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..400),
        threads in 1usize..5,
        threshold in prop_oneof![Just(0u64), 1u64..50, Just(u64::MAX)],
    ) {
        let mut marking = Marking::on(threads, threshold);
        let alloc = |&slots: &u32| if slots == 2 { marking.alloc(NODE) } else { marking.array(slots) };
        let objects: Vec<_> = slots.iter().map(alloc).collect();
        for (from, slot, to) in edges {
            let from = from.index(objects.len());
            marking.link(objects[from], slot % slots[from], *to.get(&objects));
        }
        let reached = reachable(marking.heap.memory(), &objects[..1]);
        for _ in 0..2 {
            marking.collect(objects[0]);
            for object in &objects {
                prop_assert_eq!(marking.space.is_allocated(*object), reached.contains(object));
            }
        }
    }
}

#[test]
fn a_list_stays_with_one_marker() {
    const LENGTH: usize = 300_000;
    let mut marking = Marking::on(3, 1000);
    let list = marking.nodes(LENGTH);
    list.windows(2).for_each(|pair| marking.link(pair[0], 1, pair[1]));
    marking.collect(list[0]);
    assert_eq!(marking.space.allocated().objects as usize, LENGTH);
    assert_eq!(marking.marker.most_threads(), 3);
    assert_eq!(marking.stack_bytes(), PAGE_BYTES as u64, "another marker has taken the list");
}

#[test]
fn the_stacks_of_a_long_array_stay_short() {
    const LENGTH: usize = 200_000;
    let mut marking = Marking::on(2, 0);
    let array = marking.array(LENGTH as u32);
    let nodes = marking.nodes(LENGTH);
    for (node, index) in nodes.iter().zip(0..) {
        marking.link(array, index, *node);
    }
    marking.collect(array);
    assert_eq!(marking.space.allocated().objects as usize, LENGTH + 1);
    assert!(marking.stack_bytes() <= 6 * PAGE_BYTES as u64, "{} bytes", marking.stack_bytes());
}

#[test]
fn a_small_heap_is_marked_serially_and_has_no_bytes() {
    let mut marking = Marking::on(4, 10_000);
    let list = marking.nodes(900);
    list.windows(2).for_each(|pair| marking.link(pair[0], 1, pair[1]));
    marking.collect(list[0]);
    assert_eq!(marking.space.allocated().objects, 900);
    assert_eq!(marking.marker.most_threads(), 1);
    let mut threshold = Marking::on(1, 0);
    threshold.nodes(900);
    let table_bytes = |marking: &Marking| marking.space.metadata_bytes();
    assert_eq!(table_bytes(&marking), table_bytes(&threshold));
}

#[test]
fn a_heap_that_grows_past_the_threshold_is_marked_in_parallel() {
    let mut marking = Marking::on(2, 10_000);
    let tree = marking.nodes(50_000);
    for (index, &node) in tree.iter().enumerate() {
        for (slot, child) in [(0, 2 * index + 1), (1, 2 * index + 2)] {
            tree.get(child).inspect(|&&child| marking.link(node, slot, child));
        }
    }
    marking.collect(tree[0]);
    assert_eq!(marking.space.allocated().objects, 50_000);
    assert_eq!(marking.marker.most_threads(), 2);
    marking.collect(tree[1]);
    // The left half: 15 whole levels, for the last of the tree's 16 fills it and continues in the right half.
    assert_eq!(marking.space.allocated().objects, (1 << 15) - 1);
}
