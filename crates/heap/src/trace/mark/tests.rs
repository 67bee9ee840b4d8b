//! Tests of `mark.rs`.

use super::*;
use crate::object::header::{Layout, SlotKind};
use crate::space::Space;
use crate::space::cells::MarkBits;
use crate::space::tests::{alloc, set, space};
use proptest::prelude::*;
use std::collections::HashSet;

const NODE: Layout = Layout::shape(1, 1, 1, 0);

/// The reachable nodes, found without prefetching.
fn reachable(edges: &[Vec<usize>], roots: &[usize]) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut pending = roots.to_vec();
    while let Some(node) = pending.pop() {
        if found.insert(node) {
            pending.extend(&edges[node]);
        }
    }
    found
}

proptest! {
    /// Nodes, arrays of each kind and large objects; cycles, self-loops, integers, edges pushed
    /// twice.
    #[test]
    fn every_distance_marks_exactly_what_is_reachable(
        sizes in proptest::collection::vec(prop_oneof![8 => Just(0u32), 3 => 1u32..100, 1 => 4100u32..9000], 1..120),
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u16>(), any::<prop::sample::Index>()), 0..300),
        roots in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut space = space::<MarkBits>();
        let kinds = [SlotKind::Own, SlotKind::Shared, SlotKind::Borrow];
        let layout = |(index, &slots): (usize, &u32)| match slots {
            0 => NODE,
            slots => Layout::array(kinds[index % 3], slots, 1).unwrap(),
        };
        let layouts: Vec<Layout> = sizes.iter().enumerate().map(layout).collect();
        let objects: Vec<_> = layouts.iter().map(|&layout| alloc(&mut space, layout)).collect();
        let mut slots: Vec<HashSet<(u32, usize)>> = vec![HashSet::new(); objects.len()];
        for (from, slot, to) in edges {
            let (from, to) = (from.index(objects.len()), to.index(objects.len()));
            let slot = u32::from(slot) % layouts[from].slots();
            slots[from].retain(|&(other, _)| other != slot);
            if layouts[from].slots_of(SlotKind::Shared) > 1 && to % 5 == 0 {
                set(&space, objects[from], slot, Value::int(to as i32).unwrap());
            } else {
                set(&space, objects[from], slot, objects[to]);
                slots[from].insert((slot, to));
            }
        }
        let edges: Vec<Vec<usize>> =
            slots.iter().map(|slots| slots.iter().map(|&(_, to)| to).collect()).collect();
        let roots: Vec<usize> = roots.iter().map(|root| root.index(objects.len())).collect();
        let expected = reachable(&edges, &roots);
        for distance in [0, 1, 2, 3, 8, 16, 64, 1000] {
            let mut marker = Marker::new(space.heap(), distance).unwrap();
            prop_assert!(marker.distance <= MAX_PREFETCH && marker.distance <= distance);
            roots.iter().chain(&roots).for_each(|&root| marker.push(objects[root]));
            let mut marked = HashSet::new();
            let count = marker.trace(space.heap(), |_| false, |object| marked.insert(object));
            let found: HashSet<usize> =
                (0..objects.len()).filter(|&index| marked.contains(&objects[index])).collect();
            prop_assert_eq!(&found, &expected, "distance {}", distance);
            prop_assert_eq!((count as usize, marked.len()), (expected.len(), expected.len()));
            prop_assert!(marker.stack.is_empty());
        }
        let mut marker = Marker::new(space.heap(), 16).unwrap();
        roots.iter().for_each(|&root| marker.push(objects[root]));
        space.trace(&mut marker);
        space.sweep();
        for (index, &object) in objects.iter().enumerate() {
            prop_assert_eq!(space.is_allocated(object), expected.contains(&index));
        }
    }
}

#[test]
fn an_array_needs_a_word_of_stack_for_each_slot_and_no_more() {
    const SLOTS: u32 = 100_000;
    let mut space = space::<MarkBits>();
    let array = alloc(&mut space, Layout::array(SlotKind::Shared, SLOTS, 0).unwrap());
    for slot in 0..SLOTS {
        let node = alloc(&mut space, NODE);
        set(&space, array, slot, node);
        // Edges to marked objects take stack as well.
        set(&space, node, 0, array);
    }
    let mut marker = Marker::new(space.heap(), 16).unwrap();
    marker.push(array);
    assert_eq!(space.trace(&mut marker), u64::from(SLOTS) + 1);
    let bound = u64::from(SLOTS * 4).next_multiple_of(crate::memory::os::PAGE_BYTES as u64);
    assert_eq!(marker.metadata_bytes(), bound);
    assert_eq!(space.heap().budget().queue_peak_bytes(), Some(bound));
}

#[test]
fn a_long_list_needs_a_page_of_stack() {
    const LENGTH: u64 = 1_000_000;
    let mut space = space::<MarkBits>();
    let mut list = alloc(&mut space, NODE);
    for _ in 1..LENGTH {
        let node = alloc(&mut space, NODE);
        set(&space, node, 0, list);
        list = node;
    }
    for distance in [0, 16] {
        let mut marker = Marker::new(space.heap(), distance).unwrap();
        marker.push(list);
        assert_eq!(space.trace(&mut marker), LENGTH);
        space.sweep();
        assert_eq!(space.allocated().objects, LENGTH);
        assert_eq!(marker.metadata_bytes(), crate::memory::os::PAGE_BYTES as u64);
    }
}
