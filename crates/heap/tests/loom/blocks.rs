//! Blocks and the account of committed bytes: the heap's own code, on two threads.
//!
//! Spaces belong to one thread each; they share only the table of blocks, behind a lock, and the budget,
//! of atomics. The twins are the table without the lock held throughout and the budget without its
//! read-modify-write, each reduced to the error.

use crate::{holds, is_refuted, on_two_threads};
use heap::{
    BLOCK_BYTES, Heap, HeapConfig, LargeSpace, Layout, NoMarks, Offset64, SegregatedSpace,
    SlotKind, Space,
};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

fn heap(limit_bytes: Option<u64>) -> Heap {
    Heap::new(HeapConfig { limit_bytes, ..HeapConfig::default() }).expect("address space")
}

/// An array that fills a block.
fn block_sized() -> Layout {
    Layout::array(SlotKind::Own, 0, BLOCK_BYTES / 8 - 2).expect("it is short")
}

/// Each thread acquires a block, releases it, and acquires one again.
#[test]
fn no_block_is_handed_out_twice() {
    holds(|| {
        let (heap, held) = on_two_threads(heap(None), |heap, thread| {
            let mut space = LargeSpace::new(heap);
            let mut kept = None;
            for round in 0..2 {
                let object = space.alloc(block_sized(), 0, |_| true).expect("there is no limit");
                let stamp = heap.memory().word64(object, Offset64::word(2));
                assert_eq!(
                    stamp.swap(1 + thread as u64, Relaxed),
                    0,
                    "another thread holds the block"
                );
                thread::yield_now();
                assert_eq!(stamp.load(Relaxed), 1 + thread as u64, "another thread took the block");
                if round == 0 {
                    assert!(space.free(object));
                } else {
                    kept = Some(object);
                }
            }
            (space, kept)
        });
        assert_ne!(held[0].1, held[1].1);
        let tables: u64 = held.iter().map(|(space, _)| space.metadata_bytes()).sum();
        let parts = heap.reserved_bytes() + heap.retained_bytes() + heap.metadata_bytes();
        assert_eq!(heap.reserved_bytes(), 2 * u64::from(BLOCK_BYTES));
        assert_eq!(heap.budget().committed_bytes(), parts + tables, "the account is wrong");
    });
}

/// Two spaces grow at once where the limit has room for one. The bitmaps and tables of both charge without
/// the lock.
#[test]
fn two_spaces_never_overdraw_their_limit() {
    const ONE_AND_A_HALF: u64 = BLOCK_BYTES as u64 * 3 / 2;
    holds(|| {
        // The table of blocks cannot fail, so it may overdraw.
        let (heap, grown) = on_two_threads(heap(Some(ONE_AND_A_HALF)), |heap, _| {
            let mut space = SegregatedSpace::<NoMarks>::new(heap).expect("address space");
            let grown = space.grow(Layout::shape(2, 0, 0, 0));
            (space, grown)
        });
        assert!(!(grown[0].1 && grown[1].1), "two blocks where there is room for one");
        assert!(
            heap.budget().peak_bytes() <= ONE_AND_A_HALF + heap.metadata_bytes(),
            "the limit is overdrawn"
        );
        let spaces: u64 = grown.iter().map(|(space, _)| space.metadata_bytes()).sum();
        let parts = heap.reserved_bytes() + heap.retained_bytes() + heap.metadata_bytes();
        assert_eq!(heap.budget().committed_bytes(), parts + spaces, "the account is wrong");
    });
}

/// Finds the lowest free block under one lock and takes it under another.
#[test]
fn a_table_unlocked_between_finding_and_taking_hands_a_block_out_twice() {
    is_refuted("handed out twice", || {
        let (_, taken) = on_two_threads(Mutex::new([false; 2]), |table, _| {
            let found = table.lock().expect("not poisoned").iter().position(|&used| !used);
            let block = found.expect("there are as many blocks as threads");
            table.lock().expect("not poisoned")[block] = true;
            block
        });
        assert_ne!(taken[0], taken[1], "a block is handed out twice");
    });
}

/// Checks for room and charges afterwards.
#[test]
fn a_budget_that_checks_before_it_charges_is_overdrawn() {
    is_refuted("overdrawn", || {
        let (held, _) = on_two_threads(AtomicU64::new(0), |held, _| {
            if held.load(Relaxed) + 2 <= 3 {
                held.fetch_add(2, Relaxed);
            }
        });
        assert!(held.load(Relaxed) <= 3, "the limit is overdrawn");
    });
}

/// Adds by a load and a store.
#[test]
fn a_budget_that_loads_and_stores_loses_a_charge() {
    is_refuted("a charge is lost", || {
        let (held, _) = on_two_threads(AtomicU64::new(0), |held, _| {
            held.store(held.load(Relaxed) + 1, Relaxed);
        });
        assert_eq!(held.load(Relaxed), 2, "a charge is lost");
    });
}
