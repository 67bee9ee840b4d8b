//! A thread beside the program: the heap's own `Background` with work of which nothing may be lost, and
//! the protocol of `SnapshotTracer` on top: what is handed over while the thread works, and who may say
//! that all is done.

use crate::{Plain, RACE, holds, is_refuted, on_two_threads};
use heap::{ALL_SLICES, Background};
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use loom::sync::{Arc, Mutex};

type Inbox = Arc<Mutex<Vec<u32>>>;

/// Numbers to be looked at: as grey objects without slots.
struct Work {
    inbox: Inbox,
    greys: Vec<u32>,
    sum: u32,
}

/// Takes in what has been handed over and looks at one number. As `Work::do_slice` of the tracer.
fn do_slice(work: &mut Work) -> bool {
    work.greys.append(&mut work.inbox.lock().expect("nobody panics"));
    work.sum += work.greys.pop().unwrap_or(0);
    !work.greys.is_empty()
}

fn background(greys: &[u32]) -> (Background<Work>, Inbox) {
    let inbox = Inbox::default();
    let work = Work { inbox: Arc::clone(&inbox), greys: greys.to_vec(), sum: 0 };
    (Background::new(work, do_slice, 0), inbox)
}

fn hand_over(inbox: &Inbox, number: u32) {
    inbox.lock().expect("nobody panics").push(number);
}

/// As `SnapshotTracer::mark_some` at a remark: what is left is looked at by the owner.
fn remark(background: &Background<Work>) -> u32 {
    background.with(|work| {
        while do_slice(work) {}
        work.sum
    })
}

#[test]
fn what_is_handed_over_beside_the_thread_is_looked_at_once() {
    holds(|| {
        let (mut background, inbox) = background(&[1]);
        background.set_credit(ALL_SLICES);
        hand_over(&inbox, 2);
        assert_eq!(remark(&background), 3, "a reference is lost");
    });
}

#[test]
fn without_a_remark_what_was_handed_over_last_is_lost() {
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
        assert!(background.is_dry(), "it has run dry");
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
        assert_eq!(before, after, "it goes on");
    });
}

#[test]
fn who_sees_that_the_thread_is_dry_sees_what_it_has_done() {
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

/// A flag beside plain memory, as `Background::is_dry`.
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
fn a_flag_releases_what_was_done() {
    holds(|| a_flag(Release, Acquire));
    is_refuted(RACE, || a_flag(Relaxed, Acquire));
    is_refuted(RACE, || a_flag(Release, Relaxed));
}
