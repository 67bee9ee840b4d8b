//! Reference counts in the header: `Count::increment` and `Count::decrement` are a load and a store,
//! for one thread. Two threads need one read-modify-write that also respects where a count sticks, and an
//! order between the last access of one holder and the freeing by another.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use heap::Count;
use loom::sync::atomic::Ordering::{AcqRel, Relaxed};
use loom::sync::atomic::{AtomicU32, Ordering};

const STRONG: Count = Count::STRONG;
const WEAK: Count = Count::WEAK;

/// Where the strong count sticks.
const STUCK: u32 = WEAK.one() - 1;

type Increment = fn(&AtomicU32);

/// As `Count::increment`.
fn increment_by_load_and_store(word: &AtomicU32) {
    let bits = word.load(Relaxed);
    word.store(bits + u32::from(!STRONG.is_stuck(STRONG.of(bits))), Relaxed);
}

/// Tests first and adds afterwards: a plausible but faulty optimisation.
fn increment_by_test_and_add(word: &AtomicU32) {
    if !STRONG.is_stuck(STRONG.of(word.load(Relaxed))) {
        word.fetch_add(STRONG.one(), Relaxed);
    }
}

fn increment_by_update(word: &AtomicU32) {
    let one_more = |bits| (!STRONG.is_stuck(STRONG.of(bits))).then_some(bits + STRONG.one());
    // A stuck count stays as it is.
    let _ = word.fetch_update(Relaxed, Relaxed, one_more);
}

/// An object with `before` holders and one borrow gets two more holders.
fn two_more_holders(before: u32, increment: Increment) -> u32 {
    let word = AtomicU32::new(before | WEAK.one());
    let (shared, _) = on_two_threads((word, increment), |(word, increment), _| increment(word));
    let bits = shared.0.load(Relaxed);
    assert_eq!(WEAK.of(bits), 1, "the strong count spills into the weak one");
    STRONG.of(bits)
}

#[test]
fn two_threads_count_up_by_update() {
    holds(|| assert_eq!(two_more_holders(1, increment_by_update), 3));
    holds(|| assert_eq!(two_more_holders(STUCK - 1, increment_by_update), STUCK));
}

#[test]
fn two_threads_that_load_and_store_lose_a_count() {
    is_refuted("a count is lost", || {
        assert_eq!(two_more_holders(1, increment_by_load_and_store), 3, "a count is lost");
    });
}

#[test]
fn two_threads_that_test_before_they_add_exceed_the_maximum() {
    is_refuted("spills", || {
        two_more_holders(STUCK - 1, increment_by_test_and_add);
    });
}

/// Decrements a count; returns whether it was the last.
type Decrement = fn(&AtomicU32) -> bool;

/// As `Count::decrement`.
fn decrement_by_load_and_store(word: &AtomicU32) -> bool {
    let bits = word.load(Relaxed);
    word.store(bits - STRONG.one(), Relaxed);
    STRONG.of(bits) == 1
}

fn decrement_by_update(word: &AtomicU32, order: Ordering) -> bool {
    let one_less = |bits| {
        let count = STRONG.of(bits);
        (count != 0 && !STRONG.is_stuck(count)).then(|| bits - STRONG.one())
    };
    word.fetch_update(order, Relaxed, one_less).is_ok_and(|bits| STRONG.of(bits) == 1)
}

/// Two holders release an object at once: one of them frees it.
fn two_holders_release(decrement: Decrement) {
    let word = AtomicU32::new(2);
    let (_, last) = on_two_threads((word, decrement), |(word, decrement), _| decrement(word));
    assert!(last[0] || last[1], "no holder frees the object");
    assert!(!(last[0] && last[1]), "the object is freed twice");
}

#[test]
fn two_threads_count_down_by_update() {
    holds(|| two_holders_release(|word| decrement_by_update(word, Relaxed)));
}

#[test]
fn two_threads_that_load_and_store_free_nothing() {
    is_refuted("no holder frees", || two_holders_release(decrement_by_load_and_store));
}

/// Each of two holders reads the object and releases it; the last one's thread reuses the cell for a new
/// object, initialised with plain stores.
fn the_last_holder_frees(decrement: Decrement) {
    let object = (AtomicU32::new(2), Plain::default(), decrement);
    on_two_threads(object, |(word, contents, decrement), _| {
        assert_eq!(contents.get(), 0, "a holder reads the next object");
        if decrement(word) {
            contents.set(1);
        }
    });
}

#[test]
fn freeing_comes_after_every_holders_last_access() {
    holds(|| the_last_holder_frees(|word| decrement_by_update(word, AcqRel)));
}

#[test]
fn relaxed_counting_frees_an_object_that_is_still_read() {
    is_refuted(RACE, || the_last_holder_frees(|word| decrement_by_update(word, Relaxed)));
}
