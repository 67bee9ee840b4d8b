//! A background thread: the heap's own `Background` with work that may not be lost, and the protocol of
//! `SnapshotTracer` on top: references handed over while the thread works, and termination.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use heap::{ALL_SLICES, Background};
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use loom::sync::{Arc, Mutex};

type Inbox = Arc<Mutex<Vec<u32>>>;

/// Numbers to be added up: as grey objects without slots.
struct Work {
    inbox: Inbox,
    grey: Vec<u32>,
    sum: u32,
}

/// Moves the inbox to the grey numbers and adds one of them. As `Work::do_slice` of the tracer.
fn do_slice(work: &mut Work) -> bool {
    work.grey.append(&mut work.inbox.lock().expect("no thread panics"));
    work.sum += work.grey.pop().unwrap_or(0);
    !work.grey.is_empty()
}

fn background(grey: &[u32]) -> (Background<Work>, Inbox) {
    let inbox = Inbox::default();
    let work = Work { inbox: Arc::clone(&inbox), grey: grey.to_vec(), sum: 0 };
    (Background::new(work, do_slice, 0), inbox)
}

fn hand_over(inbox: &Inbox, number: u32) {
    inbox.lock().expect("no thread panics").push(number);
}

/// As `SnapshotTracer::mark_some` at a remark: the owner processes the rest.
fn remark(background: &Background<Work>) -> u32 {
    background.with(|work| {
        while do_slice(work) {}
        work.sum
    })
}

#[test]
fn references_handed_over_concurrently_are_processed_once() {
    holds(|| {
        let (mut background, inbox) = background(&[1]);
        background.set_credit(ALL_SLICES);
        hand_over(&inbox, 2);
        assert_eq!(remark(&background), 3, "a reference is lost");
    });
}

#[test]
fn without_a_remark_the_references_handed_over_last_are_lost() {
    is_refuted("a reference is lost", || {
        let (mut background, inbox) = background(&[1]);
        background.set_credit(ALL_SLICES);
        hand_over(&inbox, 2);
        if background.is_dry() {
            assert_eq!(background.with(|work| work.sum), 3, "a reference is lost");
        }
    });
}

#[test]
fn waiting_ends_when_the_slices_are_done() {
    holds(|| {
        let (mut background, _) = background(&[1, 2]);
        background.set_credit(1);
        background.wait();
        assert_eq!(background.with(|work| work.sum), 2);
        assert!(!background.is_dry());
        background.set_credit(ALL_SLICES);
        background.wait();
        assert!(background.is_dry(), "the thread has run dry");
        assert_eq!(background.with(|work| work.sum), 3);
    });
}

#[test]
fn a_thread_that_is_stopped_at_any_time_ends_with_its_owner() {
    holds(|| {
        let (mut background, _) = background(&[1, 2]);
        background.set_credit(ALL_SLICES);
        background.set_credit(0);
        let (before, after) = (background.with(|work| work.sum), background.with(|work| work.sum));
        assert_eq!(before, after, "the thread continues");
    });
}

#[test]
fn an_owner_that_sees_the_thread_dry_sees_its_work() {
    holds(|| {
        let found = Arc::new(Plain::default());
        let work = Arc::clone(&found);
        let set = |found: &mut Arc<Plain>| {
            found.set(7);
            false
        };
        let mut background = Background::new(work, set, 0);
        background.set_credit(1);
        if background.is_dry() {
            assert_eq!(found.get(), 7);
        }
    });
}

/// A flag that publishes plain memory, as `Background::is_dry`.
fn a_flag(store: Ordering, load: Ordering) {
    let shared = (AtomicBool::new(false), Plain::default(), store, load);
    on_two_threads(shared, |(is_dry, found, store, load), thread| {
        if thread == 0 {
            found.set(7);
            is_dry.store(true, *store);
        } else if is_dry.load(*load) {
            assert_eq!(found.get(), 7);
        }
    });
}

#[test]
fn a_flag_releases_the_work_done() {
    holds(|| a_flag(Release, Acquire));
    is_refuted(RACE, || a_flag(Relaxed, Acquire));
    is_refuted(RACE, || a_flag(Release, Relaxed));
}
