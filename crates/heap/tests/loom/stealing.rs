//! Sharing the work of marking: a marker with surplus edges offers a chunk of them in a mailbox, and an
//! idle marker takes it.
//!
//! A model without a lock; the heap's code takes one per chunk (`packets`). A chunk is plain memory that
//! belongs to the thread that holds its number.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

const EDGE: u64 = 7;
const EMPTY: u32 = 0;
const CHUNK: u32 = 1;

/// Empties the mailbox; returns its content.
type Take = fn(&AtomicU32) -> u32;

struct Shared {
    mailbox: AtomicU32,
    chunk: Plain,
    offer: Ordering,
    take: Take,
}

fn take_by_swap(mailbox: &AtomicU32) -> u32 {
    mailbox.swap(EMPTY, Acquire)
}

fn take_by_relaxed_swap(mailbox: &AtomicU32) -> u32 {
    mailbox.swap(EMPTY, Relaxed)
}

fn take_by_load_and_store(mailbox: &AtomicU32) -> u32 {
    let chunk = mailbox.load(Acquire);
    mailbox.store(EMPTY, Relaxed);
    chunk
}

/// One marker fills a chunk, offers it, and takes it back when it runs out of edges; the other tries to
/// steal it.
fn an_owner_and_a_thief(offer: Ordering, take: Take) {
    let shared = Shared { mailbox: AtomicU32::new(EMPTY), chunk: Plain::default(), offer, take };
    let (shared, taken) = on_two_threads(shared, |shared, marker| {
        if marker == 0 {
            shared.chunk.set(EDGE);
            // Only an empty mailbox accepts an offer.
            let offered = shared.mailbox.compare_exchange(EMPTY, CHUNK, shared.offer, Relaxed);
            assert_eq!(offered, Ok(EMPTY), "another marker offers");
        }
        let taken = (shared.take)(&shared.mailbox);
        if taken == CHUNK {
            assert_eq!(shared.chunk.get(), EDGE, "the chunk is not filled");
        }
        taken
    });
    let left = shared.mailbox.load(Relaxed);
    let holders = [taken[0], taken[1], left].into_iter().filter(|&chunk| chunk == CHUNK).count();
    assert!(holders > 0, "a chunk is lost");
    assert!(holders < 2, "a chunk is traced twice");
}

#[test]
fn a_chunk_changes_hands_by_release_and_swap() {
    holds(|| an_owner_and_a_thief(Release, take_by_swap));
}

#[test]
fn a_relaxed_offer_hands_over_an_empty_chunk() {
    is_refuted(RACE, || an_owner_and_a_thief(Relaxed, take_by_swap));
}

#[test]
fn a_relaxed_theft_sees_an_empty_chunk() {
    is_refuted(RACE, || an_owner_and_a_thief(Release, take_by_relaxed_swap));
}

#[test]
fn a_chunk_taken_by_load_and_store_is_traced_twice() {
    is_refuted("traced twice", || an_owner_and_a_thief(Release, take_by_load_and_store));
}
