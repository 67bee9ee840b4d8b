//! Tests of `nursery.rs`.

use super::*;
use crate::memory::Offset64;
use crate::object::header::SlotKind;
use crate::object::size_class::MAX_CELL_BYTES;
use crate::space::tests::{accounted_bytes, alloc, limited_heap};
use proptest::prelude::*;
use std::sync::atomic::Ordering::Relaxed;

const BLOCK: u64 = BLOCK_BYTES as u64;

fn parts(limit_bytes: Option<u64>) -> (Heap, Nursery, NonMovingSpace<MarkBits>) {
    let heap = limited_heap(limit_bytes);
    (heap.clone(), Nursery::new(&heap), NonMovingSpace::new(&heap).unwrap())
}

fn layout(words: u32) -> Layout {
    Layout::array(SlotKind::Own, 0, words + 1).unwrap()
}

/// Mostly a few small sizes; up to the largest young one.
fn words() -> impl Strategy<Value = u32> {
    let most = (MAX_CELL_BYTES - 16) / 8 - 1;
    prop_oneof![8 => 0u32..4, 2 => 4u32..200, 1 => 200..=most]
}

proptest! {
    /// In any order of copying and over any old space, each object has a cell and the limit holds.
    #[test]
    fn everything_may_survive_and_no_copy_is_refused(
        before in proptest::collection::vec(words(), 0..200),
        young in proptest::collection::vec(words(), 0..600),
        stride in 1usize..7,
        limit_blocks in 12u64..60,
        rounds in 1usize..3,
    ) {
        let (heap, mut nursery, mut old) = parts(Some(limit_blocks * BLOCK));
        for words in before {
            let _ = old.alloc_or_grow(layout(words), 0);
        }
        nursery.resize(heap.available_bytes() / 2, &old);
        for _ in 0..rounds {
            let mut made = Vec::new();
            for (&words, number) in young.iter().zip(1..) {
                let object = nursery.alloc(layout(words));
                let object = object.or_else(|| nursery.alloc_reserving(layout(words), &mut old, true));
                let Some(object) = object else { break };
                heap.memory().word64(object, Offset64::word(2)).store(number, Relaxed);
                made.push((object, number));
            }
            let walked: Vec<_> = nursery.objects().collect();
            prop_assert_eq!(walked, made.iter().map(|&(object, _)| object).collect::<Vec<_>>());
            prop_assert_eq!(nursery.verify_reserve(&old), Ok(()));
            for &(object, _) in &made {
                prop_assert!(nursery.contains(object) && nursery.is_allocated(object));
                let inside = ObjectReference::from_granule(object.granule() + 1);
                prop_assert!(!nursery.is_allocated(inside), "no object begins there");
            }
            made.sort_by_key(|&(object, _)| object.granule() as usize % stride);
            for &(object, number) in &made {
                let copy = old.copy(object).expect("a cell is reserved");
                prop_assert!(!nursery.contains(copy) && old.is_allocated(copy));
                let copied = heap.memory().word64(copy, Offset64::word(2)).load(Relaxed);
                prop_assert_eq!(copied, number);
            }
            nursery.clear(&old);
            prop_assert_eq!(nursery.allocated(), Occupancy::default());
            prop_assert_eq!((nursery.verify_reserve(&old), old.verify()), (Ok(()), Ok(())));
            let held = heap.budget().committed_bytes();
            prop_assert_eq!(held, accounted_bytes(&heap, &[&nursery, &old]));
            // Small tables are charged beyond the limit.
            let tables_bytes = heap.metadata_bytes() + nursery.metadata_bytes();
            prop_assert!(heap.budget().peak_bytes() <= limit_blocks * BLOCK + tables_bytes);
        }
    }
}

#[test]
fn free_cells_are_reserved_before_a_block() {
    let (_, mut nursery, mut old) = parts(None);
    let cells = cells_per_block(usize::from(layout(0).class()));
    for _ in 0..cells - 3 {
        alloc(&mut old, layout(0));
    }
    nursery.resize(4 * BLOCK, &old);
    for _ in 0..3 {
        let object = nursery.alloc(layout(0));
        object.or_else(|| nursery.alloc_reserving(layout(0), &mut old, false)).unwrap();
    }
    assert_eq!(nursery.alloc_reserving(layout(0), &mut old, false), None, "no fourth cell");
    assert_eq!(old.small.reserved_blocks(), 0);
    assert!(nursery.alloc_reserving(layout(0), &mut old, true).is_some());
    assert_eq!(old.small.reserved_blocks(), 1);
    assert_eq!(nursery.verify_reserve(&old), Ok(()));
    old.sweep();
    let error = nursery.verify_reserve(&old).unwrap_err();
    assert!(error.contains("blocks are needed"), "the sweep took them: {error}");
    assert_eq!(old.small.reserved_blocks(), 0);
}

#[test]
fn a_nursery_takes_whole_blocks_and_gives_the_last_ones_back() {
    let (heap, mut nursery, old) = parts(Some(20 * BLOCK));
    let sizes = [(3 * BLOCK + 1, 3), (2 * BLOCK, 2), (9 * BLOCK, 9), (99 * BLOCK, 0)];
    for (requested, blocks) in sizes {
        nursery.resize(requested, &old);
        assert_eq!(nursery.reserved_bytes(), blocks * BLOCK);
        assert_eq!(heap.budget().committed_bytes(), accounted_bytes(&heap, &[&nursery, &old]));
    }
}

#[test]
fn old_objects_large_ones_and_addresses_beyond_the_end_are_not_young() {
    let (_, mut nursery, mut old) = parts(None);
    let other = old.alloc_growing(layout(0), 0).unwrap();
    assert!(!nursery.contains(other) && !nursery.is_allocated(other));
    nursery.resize(BLOCK, &old);
    assert!(!nursery.contains(other) && !nursery.is_allocated(other));
    let large = layout(MAX_CELL_BYTES / 8);
    assert_eq!(nursery.alloc_reserving(large, &mut old, true), None);
    let mut made = 0;
    while nursery.alloc_reserving(layout(0), &mut old, true).is_some() {
        made += 1;
    }
    assert_eq!(made, BLOCK_BYTES / layout(0).bytes());
    let end = nursery.start + nursery.units;
    assert!(!nursery.contains(ObjectReference::from_granule(end >> 1)));
}

#[test]
fn copies_are_found_through_their_originals_the_latest_first() {
    let (heap, mut nursery, mut old) = parts(None);
    nursery.resize(BLOCK, &old);
    let memory = heap.memory();
    let mut grey = GreyList::default();
    let node = Layout::shape(1, 1, 0, 0);
    let mut made = Vec::new();
    for _ in 0..5 {
        let object = nursery.alloc_reserving(node, &mut old, true).unwrap();
        let copy = old.copy(object).unwrap();
        memory.forward(object, copy);
        grey.push(memory, object);
        made.push((object, copy));
    }
    made.reverse();
    let found: Vec<_> = std::iter::from_fn(|| grey.pop(memory)).collect();
    assert_eq!(found, made);
}
