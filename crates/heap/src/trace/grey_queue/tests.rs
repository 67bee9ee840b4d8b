//! Tests of `grey_queue.rs`.

use super::*;
use crate::object::header::{Layout, SlotKind};
use crate::space::cells::MarkBits;
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::{alloc, reachable, set, space};
use proptest::prelude::*;
use std::collections::HashSet;

fn alloc_array(space: &mut NonMovingSpace<MarkBits>, slots: u32) -> ObjectReference {
    let layout = match slots {
        0..=2 => Layout::shape(0, slots, 0, 0),
        _ => Layout::array(SlotKind::Shared, slots, 0).unwrap(),
    };
    alloc(space, layout)
}

proptest! {
    /// Slices of any size mark all reachable objects, and scan each once, also in two queues that give in turn.
    #[test]
    fn slices_mark_what_is_reachable(
        slots in proptest::collection::vec(prop_oneof![4 => 0u32..3, 1 => 3u32..6000], 1..40),
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..80),
        budget in 1u64..300,
        distance in 0usize..70,
        given in 0u32..5,
    ) {
        let mut space = space();
        let objects: Vec<_> = slots.iter().map(|&slots| alloc_array(&mut space, slots)).collect();
        let heap = space.heap().clone();
        let memory = heap.memory();
        for (from, slot, to) in edges {
            let from = from.index(objects.len());
            if let Some(slot) = slot.checked_rem(slots[from]) {
                set(&space, objects[from], slot, *to.get(&objects));
            }
        }
        let reached = reachable(memory, &objects[..1]);
        let [mut greys, mut others] = [0, 1].map(|_| GreyQueue::new(&heap, distance).unwrap());
        prop_assert!(space.shade(objects[0]) && !space.shade(objects[0]));
        greys.push(objects[0]);
        let mut done = 0;
        while !greys.is_empty() {
            let slice = space.trace_some(&mut greys, budget);
            prop_assert!((1..=budget + 1 + u64::from(PIECE_SLOTS)).contains(&slice));
            done += slice;
            greys.give(given, &others);
            if greys.is_empty() {
                others.give(u32::MAX, &greys);
            }
            prop_assert!(given > 0 || others.is_empty());
            if done % 2 == 0 && !others.is_empty() {
                std::mem::swap(&mut greys, &mut others);
            }
        }
        // Each further piece of an array counts as an object.
        let slots = reached.iter().map(|&object| Extent::of(memory, object).borrow_end);
        let work = slots.map(|slots| u64::from(1 + slots + slots.saturating_sub(1) / PIECE_SLOTS));
        prop_assert_eq!(done, work.sum::<u64>());
        let marked = objects.iter().copied().filter(|&object| space.is_marked(object));
        prop_assert_eq!(marked.collect::<HashSet<_>>(), reached);
    }
}

#[test]
fn an_array_is_grey_until_its_last_piece() {
    let mut space = space();
    let array = alloc_array(&mut space, 3 * PIECE_SLOTS);
    let mut greys = GreyQueue::new(space.heap(), 16).unwrap();
    assert!(space.shade(array));
    greys.push(array);
    for _ in 0..2 {
        space.trace_some(&mut greys, 1);
        assert!(greys.contains(array));
    }
    space.trace_some(&mut greys, 1);
    assert!(!greys.contains(array) && greys.is_empty());
}

#[test]
fn an_array_needs_stack_for_a_piece() {
    let mut space = space();
    let array = alloc_array(&mut space, 100 * PIECE_SLOTS);
    for slot in 0..100 * PIECE_SLOTS {
        let node = alloc_array(&mut space, 0);
        set(&space, array, slot, node);
    }
    let mut greys = GreyQueue::new(space.heap(), 16).unwrap();
    assert!(space.shade(array));
    greys.push(array);
    space.trace_some(&mut greys, u64::MAX);
    assert!(greys.is_empty());
    let page_bytes = crate::memory::os::PAGE_BYTES as u64;
    let bound = (u64::from(PIECE_SLOTS + 2) * 4).next_multiple_of(page_bytes);
    assert_eq!(space.heap().budget().queue_peak_bytes(), Some(bound));
}
