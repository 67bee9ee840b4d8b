//! Tests of `background.rs`.

use super::*;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst, fence};

fn count_down(left: &mut u64) -> bool {
    *left = left.saturating_sub(1);
    *left > 0
}

#[test]
fn the_thread_does_the_slices_credited_and_no_more() {
    let mut background = Background::new(10, count_down, 0);
    assert!(background.thread.is_none(), "it has nothing to do yet");
    background.set_credit(3);
    background.wait();
    assert_eq!(background.with(|left| *left), 7);
    assert!(!background.is_dry());
    background.set_credit(ALL_SLICES);
    background.wait();
    assert!(background.is_dry());
    assert_eq!(background.with(|left| *left), 0);
    background.with(|left| *left = 5);
    background.set_credit(1);
    background.wait();
    assert_eq!(background.with(|left| *left), 4);
    assert!(!background.is_dry(), "it was given more");
}

#[test]
fn the_owner_gets_the_lock_from_a_thread_that_always_wants_it() {
    let slices = Arc::new(AtomicU64::new(0));
    let count = |slices: &mut Arc<AtomicU64>| {
        slices.fetch_add(1, SeqCst);
        true
    };
    let mut background = Background::new(Arc::clone(&slices), count, 0);
    background.set_credit(ALL_SLICES);
    let mut seen = 0;
    for _ in 0..10 {
        // The thread goes on after each turn of the owner.
        while slices.load(SeqCst) == seen {
            std::thread::yield_now();
        }
        // As `lock` does first.
        background.shared.is_wanted.store(true, SeqCst);
        fence(SeqCst);
        let before = slices.load(SeqCst);
        // A slice that had begun by then may not have been counted yet; then the thread waits.
        for _ in 0..5 {
            std::thread::yield_now();
            seen = slices.load(SeqCst);
            assert!(seen - before <= 1, "{} slices in between", seen - before);
        }
        seen = background.with(|slices| slices.load(SeqCst));
        assert!(seen - before <= 1, "{} slices in between", seen - before);
    }
}

#[test]
fn a_lock_that_is_taken_is_not_waited_for() {
    let background = Background::new(7, count_down, 0);
    assert_eq!(background.with_if_free(|left| *left), Some(7));
    let state = sync::lock(&background.shared.state);
    assert_eq!(background.with_if_free(|left| *left), None);
    drop(state);
}

#[test]
fn the_owner_resumes_a_panic_of_the_thread() {
    let broken = || {
        let mut background = Background::new((), |()| panic!("a slice is broken"), 0);
        background.set_credit(1);
        background
    };
    let message = |panic: Box<dyn Any + Send>| *panic.downcast::<&str>().expect("a literal");
    let waited = catch_unwind(|| broken().wait()).expect_err("it panics");
    assert_eq!(message(waited), "a slice is broken");
    let taken = catch_unwind(|| {
        let background = broken();
        while !background.is_dry() {
            std::thread::yield_now();
        }
        background.with(|()| ());
    });
    assert_eq!(message(taken.expect_err("it panics")), "a slice is broken");
    let dropped = catch_unwind(|| {
        let background = broken();
        while !background.is_dry() {
            std::thread::yield_now();
        }
    });
    assert_eq!(message(dropped.expect_err("it panics")), "a slice is broken");
}

#[test]
fn an_owner_without_a_thread_does_the_slices_itself() {
    let background = Background::new(10, count_down, 0);
    sync::lock(&background.shared.state).credit_slices = ALL_SLICES;
    background.wait();
    assert!(background.is_dry());
    assert_eq!(background.with(|left| *left), 0);
}
