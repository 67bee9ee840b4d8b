//! What several threads may do to a heap, under a model checker that plays every order of their
//! steps, and every value that a load may see in the memory model.
//!
//! Each kernel has a version that holds and at least one twin that does not, for a checker that
//! refutes nothing proves nothing. `background` and `blocks` play the heap's own code. The others work on words
//! in mapped memory, which the checker cannot follow: they are models, and name what they model.
//! Which kernel is right depends on the number of threads: what the heap does today is meant for one.
//!
//! Run by `conformance/scripts/loom.sh`, in a build of its own.

#![cfg(loom)]

mod background;
mod blocks;
mod counts;
mod marks;
mod objects;
mod packets;
mod stealing;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::panic::resume_unwind;

/// Switches between threads that can go either way are tried up to this many in one run: nearly all
/// known races need two (Musuvathi and Qadeer, PLDI 2007).
const PREEMPTIONS: usize = 3;

/// Plays `model` in every order: the message of the first assertion that fails in one of them, or of
/// the checker itself; `None` if all hold.
fn refutation(model: impl Fn() + Send + Sync + 'static) -> Option<String> {
    // In a thread of its own, for the checker keeps its state in the thread, and a panic leaves it there.
    let checked = std::thread::spawn(move || {
        let mut checker = loom::model::Builder::new();
        checker.preemption_bound = Some(PREEMPTIONS);
        checker.check(model);
    });
    let Err(panic) = checked.join() else { return None };
    let literal = panic.downcast_ref::<&str>().map(|message| (*message).to_owned());
    let message = literal.or_else(|| panic.downcast_ref::<String>().cloned());
    // Not a message of an assertion: no verdict either.
    Some(message.unwrap_or_else(|| resume_unwind(panic)))
}

/// Asserts that the model holds in every order.
fn holds(model: impl Fn() + Send + Sync + 'static) {
    assert_eq!(refutation(model), None);
}

/// Asserts that some order breaks the model, and for the reason given.
fn is_refuted(reason: &str, model: impl Fn() + Send + Sync + 'static) {
    let found = refutation(model);
    assert!(
        found.as_ref().is_some_and(|found| found.contains(reason)),
        "expected a run in which \"{reason}\", but: {found:?}"
    );
}

/// What the checker says of plain accesses to one place that may happen at the same time.
const RACE: &str = "Causality violation";

/// Runs `body` on two threads at once, each with its number. Returns their results.
fn on_two_threads<S, R>(shared: S, body: fn(&S, usize) -> R) -> (Arc<S>, [R; 2])
where
    S: Send + Sync + 'static,
    R: Send + 'static,
{
    let shared = Arc::new(shared);
    let other = Arc::clone(&shared);
    let other = thread::spawn(move || body(&other, 1));
    let mine = body(&shared, 0);
    let theirs = other.join().expect("a panic of a thread ends the run before it is joined");
    (shared, [mine, theirs])
}

/// A word of memory that is read and written plainly, as `Memory::initialise` writes a new object.
#[derive(Debug, Default)]
struct Plain(UnsafeCell<u64>);

// SAFETY: the checker follows every access and ends the run before one that would race.
unsafe impl Sync for Plain {}

impl Plain {
    fn get(&self) -> u64 {
        // SAFETY: the checker has found that nobody writes meanwhile.
        self.0.with(|word| unsafe { *word })
    }

    fn set(&self, value: u64) {
        // SAFETY: the checker has found that nobody reads or writes meanwhile.
        self.0.with_mut(|word| unsafe { *word = value });
    }
}
