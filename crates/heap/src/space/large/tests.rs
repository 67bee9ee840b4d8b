//! Tests of `large.rs`.

use super::*;
use crate::memory::Offset32;
use crate::object::header::SlotKind;
use crate::space::tests::{accounted_bytes, heap, is_chosen, limited_heap, limits};
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

proptest! {
    #[test]
    fn runs_are_where_the_model_says(
        ops in proptest::collection::vec(op(), 1..40),
        limit_bytes in limits(4..60),
    ) {
        let heap = limited_heap(limit_bytes);
        let mut space = LargeSpace::new(&heap);
        let mut live: Vec<(ObjectReference, u32, u64)> = Vec::new();
        for op in ops {
            match op {
                Op::Alloc(slots) => {
                    let layout = Layout::array(SlotKind::Shared, slots, 0).unwrap();
                    let blocks = layout.bytes().div_ceil(BLOCK_BYTES);
                    let Some(object) = space.alloc(layout, 0, |_| true) else {
                        prop_assert!(limit_bytes.is_some(), "no limit, no room");
                        continue;
                    };
                    prop_assert!(heap.memory().has(object, LARGE));
                    let (start, end) = (object.block(), object.block() + blocks);
                    for &(other, its_blocks, _) in &live {
                        let (its_start, its_end) = (other.block(), other.block() + its_blocks);
                        prop_assert!(end <= its_start || its_end <= start);
                    }
                    // Cleared from the first slot to the last.
                    let some = || (0..slots).step_by(997).chain([slots - 1]);
                    let mut words = some().map(|slot| Offset32::word(4 + slot));
                    prop_assert!(words.all(|word| heap.memory().read(object, word) == 0));
                    let words = some().map(|slot| Offset32::word(4 + slot));
                    words.for_each(|word| heap.memory().write(object, word, !0));
                    let pages = u64::from(layout.bytes()).div_ceil(PAGE_BYTES as u64);
                    live.push((object, blocks, pages));
                }
                Op::Free(which) if !live.is_empty() => {
                    let (object, ..) = live.swap_remove(which.index(live.len()));
                    prop_assert!(space.free(object));
                    prop_assert!(!space.free(object), "it is freed twice");
                    prop_assert!(!space.is_allocated(object));
                }
                Op::Free(_) => {}
                Op::Sweep(share) => {
                    space.sweep(|object| is_chosen(object.block(), share));
                    live.retain(|&(object, ..)| is_chosen(object.block(), share));
                }
            }
            let pages: u64 = live.iter().map(|&(.., pages)| pages).sum();
            let bytes = pages * PAGE_BYTES as u64;
            prop_assert_eq!(space.allocated(), Occupancy { objects: live.len() as u64, bytes });
            prop_assert!(live.iter().all(|&(object, ..)| space.is_allocated(object)));
            let inside = live.iter().filter_map(|run| ObjectReference::from_bits(run.0.bits() + 2));
            prop_assert!(inside.into_iter().all(|inside| !space.is_allocated(inside)));
            let blocks: u64 = live.iter().map(|&(_, blocks, _)| u64::from(blocks)).sum();
            prop_assert_eq!(heap.reserved_bytes(), blocks * u64::from(BLOCK_BYTES));
            prop_assert_eq!(heap.budget().committed_bytes(), accounted_bytes(&heap, &[&space]));
        }
    }
}

#[test]
fn an_object_that_no_table_reaches_leaves_no_trace() {
    let heap = heap();
    let mut space = LargeSpace::new(&heap);
    // Of one block, which is retained.
    let layout = Layout::array(SlotKind::Shared, BLOCK_BYTES / 8, 0).unwrap();
    let word = Offset32::word(0);
    let first = space.alloc(layout, 0, |_| true).unwrap();
    heap.memory().write(first, word, 77);
    let reserved_bytes = space.reserved_bytes();
    assert!(space.free(first));
    let committed_bytes = heap.budget().committed_bytes();
    let mut offered = None;
    let refuses = |object| {
        offered = Some(object);
        false
    };
    assert_eq!(space.alloc(layout, 0, refuses), None);
    assert_eq!(offered, Some(first), "the same place");
    // The address sanitizer would report that it is read.
    assert!(cfg!(gcw_asan) || heap.memory().read(first, word) == 77, "it was written to");
    assert!(!space.is_allocated(first));
    assert_eq!((space.reserved_bytes(), heap.budget().committed_bytes()), (0, committed_bytes));
    assert_eq!(space.alloc(layout, 0, |_| true), Some(first));
    assert_eq!(space.reserved_bytes(), reserved_bytes);
}
