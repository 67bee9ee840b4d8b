//! Handing an object to another thread: its header is written plainly (`Memory::initialise`) while
//! nobody else knows the object, and a slot then tells where it is.
//!
//! Slots are stored and loaded `Relaxed` today, for mutator and collector are one thread. Once a
//! marker runs beside the mutator, the store must release and the load acquire.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

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
