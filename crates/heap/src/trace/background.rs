//! A background thread, and the work that it and the program do in turns.
//!
//! 1. *The work* is shared state under a lock. The thread that holds the lock owns all of it.
//! 2. *The thread* does a slice of work, releases the lock, and takes it again, for as many slices as
//!    its owner has credited. A slice that leaves no work runs it dry, and it sleeps.
//! 3. *The owner* may take the lock at any time. It sets a flag first, so that the thread does not
//!    take the lock again before it, and waits for one slice at most.
//! 4. *Start and end*: the thread starts with the first credit, and has ended when its owner is dropped.
//!    If the system refuses a thread, the owner does the slices it waits for itself.
//! 5. *Panic*: a slice that panics ends the thread. The owner resumes the panic, with the same message,
//!    when it next takes the lock or is dropped.
//!
//! All shared state changes hands under the lock, so nothing here depends on the order of single
//! stores. `tests/loom/background.rs` runs this code in every order.

use crate::memory::parameter::{Parameter, Values};
use crate::memory::sync::{self, AtomicBool, Condvar, Mutex, MutexGuard, thread};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// Random delay of hand-overs, so that tests see rare orders of events.
pub const DELAY: Parameter = Parameter {
    key: "delay",
    values: Values::Whole(0, 10_000),
    default: 0.0,
    summary: "microseconds, at most, of random delay at hand-overs between threads: for tests",
};

/// Unlimited credit.
pub const ALL_SLICES: u64 = u64::MAX;

/// A thread that does slices of work.
#[derive(Debug)]
pub struct Background<W> {
    shared: Arc<Shared<W>>,
    thread: Option<thread::JoinHandle<()>>,
    delay_us: u64,
}

#[derive(Debug)]
struct Shared<W> {
    state: Mutex<State<W>>,
    /// The owner waits for the lock.
    is_wanted: AtomicBool,
    /// The thread has found no more work, or has ended.
    is_dry: AtomicBool,
    to_thread: Condvar,
    to_owner: Condvar,
}

#[derive(Debug)]
struct State<W> {
    work: W,
    /// Does a part of the work; returns whether there is more.
    slice: fn(&mut W) -> bool,
    credit_slices: u64,
    is_over: bool,
    panic: Option<Box<dyn Any + Send>>,
}

impl<W> State<W> {
    /// Returns whether there is more to do.
    fn do_slice(&mut self) -> bool {
        let has_more = (self.slice)(&mut self.work);
        self.credit_slices = if has_more { self.credit_slices.saturating_sub(1) } else { 0 };
        has_more
    }
}

impl<W: Send + 'static> Background<W> {
    /// Work to be done by `slice`, and no thread yet. Each hand-over is delayed by `delay_us` at most.
    pub fn new(work: W, slice: fn(&mut W) -> bool, delay_us: u64) -> Self {
        let state = State { work, slice, credit_slices: 0, is_over: false, panic: None };
        let shared = Shared {
            state: Mutex::new(state),
            is_wanted: AtomicBool::new(false),
            is_dry: AtomicBool::new(false),
            to_thread: Condvar::new(),
            to_owner: Condvar::new(),
        };
        Self { shared: Arc::new(shared), thread: None, delay_us }
    }

    /// Lets the thread do up to `slices` slices from now on; with 0 it stops after the current one.
    pub fn set_credit(&mut self, slices: u64) {
        let mut state = self.lock();
        state.credit_slices = slices;
        self.shared.is_dry.store(false, Relaxed);
        drop(state);
        if slices == 0 {
            return;
        }
        if self.thread.is_none() {
            let (shared, delay_us) = (Arc::clone(&self.shared), self.delay_us);
            let thread = thread::Builder::new().name("collector".to_owned());
            self.thread = thread.spawn(move || serve(&shared, Delay::new(delay_us))).ok();
        }
        self.shared.to_thread.notify_one();
    }

    /// Waits until the credit is used up or no work is left.
    pub fn wait(&self) {
        let mut state = self.lock();
        while state.credit_slices > 0 {
            if self.thread.is_none() || state.is_over {
                let has_more = state.do_slice();
                self.shared.is_dry.store(!has_more, Release);
            } else {
                // It may have yielded the lock to this thread.
                self.shared.to_thread.notify_one();
                state = sync::wait(&self.shared.to_owner, &self.shared.state, state);
            }
        }
        drop(resume(state));
    }

    /// Whether the thread has found no more work since it was last given credit.
    pub fn is_dry(&self) -> bool {
        self.shared.is_dry.load(Acquire)
    }

    /// Runs `work` under the lock.
    pub fn with<R>(&self, work: impl FnOnce(&mut W) -> R) -> R {
        self.run(self.lock(), work)
    }

    /// Runs `work` unless the thread holds the lock: for work that can wait, as the thread may be delayed
    /// in the middle of a slice.
    pub fn with_if_free<R>(&self, work: impl FnOnce(&mut W) -> R) -> Option<R> {
        let state = sync::try_lock(&self.shared.state)?;
        Some(self.run(state, work))
    }

    fn run<R>(&self, state: MutexGuard<'_, State<W>>, work: impl FnOnce(&mut W) -> R) -> R {
        let mut state = resume(state);
        let result = work(&mut state.work);
        let has_yielded = state.credit_slices > 0;
        drop(state);
        if has_yielded {
            self.shared.to_thread.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.shared.is_wanted.store(true, Relaxed);
        let state = sync::lock(&self.shared.state);
        self.shared.is_wanted.store(false, Relaxed);
        state
    }
}

/// Resumes the panic that has ended the thread, if any.
fn resume<W>(mut state: MutexGuard<'_, State<W>>) -> MutexGuard<'_, State<W>> {
    let Some(panic) = state.panic.take() else { return state };
    drop(state);
    resume_unwind(panic)
}

/// The loop of the thread.
fn serve<W>(shared: &Shared<W>, mut delay: Delay) {
    let mut state = sync::lock(&shared.state);
    loop {
        while !state.is_over && (state.credit_slices == 0 || shared.is_wanted.load(Relaxed)) {
            state = sync::wait(&shared.to_thread, &shared.state, state);
        }
        if state.is_over {
            return;
        }
        let has_more =
            catch_unwind(AssertUnwindSafe(|| state.do_slice())).unwrap_or_else(|panic| {
                (state.credit_slices, state.is_over, state.panic) = (0, true, Some(panic));
                false
            });
        if !has_more {
            shared.is_dry.store(true, Release);
        }
        if state.credit_slices == 0 {
            shared.to_owner.notify_one();
        }
        drop(state);
        delay.hold_up();
        state = sync::lock(&shared.state);
    }
}

impl<W> Drop for Background<W> {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        sync::lock(&self.shared.state).is_over = true;
        self.shared.to_thread.notify_one();
        // A panic of a slice has been caught, and is in the shared state.
        let _ = thread.join();
        let panic = sync::lock(&self.shared.state).panic.take();
        if let Some(panic) = panic
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// Delays a thread at random.
#[derive(Debug)]
pub(crate) struct Delay {
    max_us: u64,
    random: u64,
}

impl Delay {
    pub(crate) fn new(max_us: u64) -> Self {
        Self { max_us, random: 1 }
    }

    /// Yields every other time, otherwise sleeps for less than the maximum.
    pub(crate) fn hold_up(&mut self) {
        if self.max_us == 0 {
            return;
        }
        // Knuth's MMIX generator, as everywhere: its upper bits are random enough.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match self.random >> 63 {
            0 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros((self.random >> 32) % self.max_us)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
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
}
