//! Handing an object to another thread: its header is written plainly (`Memory::initialise`) while
//! nobody else knows the object, and a slot then tells where it is.
//!
//! Slots are stored and loaded `Relaxed` where mutator and collector are one thread. Where a marker runs
//! beside the mutator, the store releases (`Memory::publish`) and the load acquires (`GreyQueue`). The
//! marker of a snapshot does not even look at new objects, but it must know them: a bit says that an
//! object is new (`SweeperBits::trace`), and is stored before its reference is.

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
fn a_marker_beside_the_mutator(store: Ordering, load: Ordering) {
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
fn release_and_acquire_hand_an_object_over() {
    holds(|| a_marker_beside_the_mutator(Release, Acquire));
}

#[test]
fn a_relaxed_store_hands_over_what_is_not_initialised() {
    is_refuted(RACE, || a_marker_beside_the_mutator(Relaxed, Acquire));
}

#[test]
fn a_relaxed_load_sees_what_is_not_initialised() {
    is_refuted(RACE, || a_marker_beside_the_mutator(Release, Relaxed));
}

const NEW: u64 = 1 << 9;

struct Snapshot {
    slot: AtomicU32,
    new: AtomicU64,
    store: Ordering,
    load: Ordering,
}

/// The mutator reserves a cell, notes it as new, and stores a reference to it; the marker of a snapshot
/// loads the slot and asks for the note.
fn a_marker_of_a_snapshot(store: Ordering, load: Ordering) {
    let shared = Snapshot { slot: AtomicU32::new(0), new: AtomicU64::new(0), store, load };
    on_two_threads(shared, |shared, thread| {
        if thread == 0 {
            shared.new.store(shared.new.load(Relaxed) | NEW, Relaxed);
            shared.slot.store(REFERENCE, shared.store);
        } else if shared.slot.load(shared.load) == REFERENCE {
            assert!(shared.new.load(Relaxed) & NEW != 0, "a new object is looked at");
        }
    });
}

#[test]
fn who_sees_a_new_object_knows_that_it_is_new() {
    holds(|| a_marker_of_a_snapshot(Release, Acquire));
}

#[test]
fn a_relaxed_store_hands_over_what_is_not_known_as_new() {
    is_refuted("a new object is looked at", || a_marker_of_a_snapshot(Relaxed, Acquire));
}

#[test]
fn a_relaxed_load_sees_what_is_not_known_as_new() {
    is_refuted("a new object is looked at", || a_marker_of_a_snapshot(Release, Relaxed));
}
