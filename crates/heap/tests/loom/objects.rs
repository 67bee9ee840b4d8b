//! Publishing an object to another thread: its header is written plainly (`Memory::initialise`) before a
//! slot refers to it.
//!
//! Slots are stored and loaded `Relaxed` where mutator and collector are one thread. With a concurrent
//! marker the store releases (`Memory::publish`) and the load acquires (`GreyQueue`). The marker of a
//! snapshot does not scan new objects, but must recognise them: a bit marks an object as new
//! (`SweeperBits::trace`), and is stored before its reference is.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicU32, AtomicU64};

const HEADER: u64 = 7;
const REFERENCE: u32 = 2;

struct Shared {
    slot: AtomicU32,
    header: Plain,
    store: Ordering,
    load: Ordering,
}

/// The mutator makes an object and stores it in a slot; the marker scans the slot.
fn a_concurrent_marker(store: Ordering, load: Ordering) {
    let shared = Shared { slot: AtomicU32::new(0), header: Plain::default(), store, load };
    on_two_threads(shared, |shared, thread| {
        if thread == 0 {
            shared.header.set(HEADER);
            shared.slot.store(REFERENCE, shared.store);
        } else if shared.slot.load(shared.load) == REFERENCE {
            assert_eq!(shared.header.get(), HEADER, "the object is not initialised");
        }
    });
}

#[test]
fn release_and_acquire_publish_an_object() {
    holds(|| a_concurrent_marker(Release, Acquire));
}

#[test]
fn a_relaxed_store_publishes_an_uninitialised_object() {
    is_refuted(RACE, || a_concurrent_marker(Relaxed, Acquire));
}

#[test]
fn a_relaxed_load_sees_an_uninitialised_object() {
    is_refuted(RACE, || a_concurrent_marker(Release, Relaxed));
}

const NEW: u64 = 1 << 9;

struct Snapshot {
    slot: AtomicU32,
    new: AtomicU64,
    store: Ordering,
    load: Ordering,
}

/// The mutator reserves a cell, sets its new bit, and stores a reference to it; the marker of a snapshot
/// loads the slot and tests the bit.
fn a_marker_of_a_snapshot(store: Ordering, load: Ordering) {
    let shared = Snapshot { slot: AtomicU32::new(0), new: AtomicU64::new(0), store, load };
    on_two_threads(shared, |shared, thread| {
        if thread == 0 {
            shared.new.store(shared.new.load(Relaxed) | NEW, Relaxed);
            shared.slot.store(REFERENCE, shared.store);
        } else if shared.slot.load(shared.load) == REFERENCE {
            assert!(shared.new.load(Relaxed) & NEW != 0, "a new object is scanned");
        }
    });
}

#[test]
fn a_marker_that_sees_a_new_object_sees_its_new_bit() {
    holds(|| a_marker_of_a_snapshot(Release, Acquire));
}

#[test]
fn a_relaxed_store_publishes_an_object_without_its_new_bit() {
    is_refuted("a new object is scanned", || a_marker_of_a_snapshot(Relaxed, Acquire));
}

#[test]
fn a_relaxed_load_sees_an_object_without_its_new_bit() {
    is_refuted("a new object is scanned", || a_marker_of_a_snapshot(Release, Relaxed));
}
