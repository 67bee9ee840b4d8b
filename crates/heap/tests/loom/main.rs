//! Concurrent uses of a heap under a model checker, which executes every interleaving of their steps and
//! every value that a load may return in the memory model.
//!
//! Each kernel has a version that holds and at least one faulty twin, since a checker that refutes nothing
//! proves nothing. `background`, `blocks` and `packets` run the heap's own code. The others work on words in
//! mapped memory, which the checker cannot follow: they are models, and name the code that they model.
//! The correct kernel depends on the number of threads: the heap's words today are for one.
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

/// Maximum preemptions in one run: nearly all known races need two (Musuvathi and Qadeer, PLDI 2007).
const PREEMPTIONS: usize = 3;

/// Runs `model` in every interleaving. Returns the message of the first failed assertion, or of the checker
/// itself; `None` if all hold.
fn refutation(model: impl Fn() + Send + Sync + 'static) -> Option<String> {
    // In a thread of its own: the checker's state is thread-local, and a panic leaves it behind.
    let checked = std::thread::spawn(move || {
        let mut checker = loom::model::Builder::new();
        checker.preemption_bound = Some(PREEMPTIONS);
        checker.check(model);
    });
    let Err(panic) = checked.join() else { return None };
    let literal = panic.downcast_ref::<&str>().map(|message| (*message).to_owned());
    let message = literal.or_else(|| panic.downcast_ref::<String>().cloned());
    // A panic without a message is no verdict.
    Some(message.unwrap_or_else(|| resume_unwind(panic)))
}

/// Asserts that the model holds in every interleaving.
fn holds(model: impl Fn() + Send + Sync + 'static) {
    assert_eq!(refutation(model), None);
}

/// Asserts that some interleaving breaks the model for the given reason.
fn is_refuted(reason: &str, model: impl Fn() + Send + Sync + 'static) {
    let found = refutation(model);
    assert!(
        found.as_ref().is_some_and(|found| found.contains(reason)),
        "expected a run in which \"{reason}\", but: {found:?}"
    );
}

/// The checker's message for concurrent plain accesses to one place.
const RACE: &str = "Causality violation";

/// Runs `body` on two threads, each with its number. Returns their results.
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

// SAFETY: the checker follows every access and ends the run before a race.
unsafe impl Sync for Plain {}

impl Plain {
    fn get(&self) -> u64 {
        // SAFETY: the checker has established that no thread writes meanwhile.
        self.0.with(|word| unsafe { *word })
    }

    fn set(&self, value: u64) {
        // SAFETY: the checker has established that no thread reads or writes meanwhile.
        self.0.with_mut(|word| unsafe { *word = value });
    }
}
