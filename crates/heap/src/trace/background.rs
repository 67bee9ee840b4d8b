//! A thread beside the program, and the work that both do in turns.
//!
//! 1. *The desk*: the work lies on a desk under a lock. Who has the lock owns all of it.
//! 2. *The thread* does a slice of work, gives the lock up, and takes it again, for as many slices as its
//!    owner has allowed. A slice that leaves nothing to do runs it dry, and it sleeps.
//! 3. *The owner* may take the desk at any time. It says that it wants to, so that the thread does not
//!    take the lock again first, and waits for one slice at most.
//! 4. *Start and end*: the thread starts when the first slice is allowed, and has ended when its owner is
//!    dropped. If the system refuses a thread, the owner does the slices it waits for itself.
//! 5. *Panic*: a slice that panics ends the thread. The owner goes on panicking, with the same message,
//!    when it next takes the desk or is dropped.
//!
//! What a lock hands over is handed over whole, so nothing here depends on the order of single stores.
//! `tests/loom/background.rs` plays this code in every order.

use crate::memory::parameter::{Parameter, Values};
use crate::memory::sync::{self, AtomicBool, Condvar, Mutex, MutexGuard, thread};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// How long hand-overs are held up, so that tests see orders of events that are rare.
pub const DELAY: Parameter = Parameter {
    key: "delay",
    values: Values::Whole(0, 10_000),
    default: 0.0,
    summary: "microseconds, at most, that hand-overs between threads are held up at random: for tests",
};

/// As many slices as there are.
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
    desk: Mutex<Desk<W>>,
    /// The owner waits for the desk.
    is_wanted: AtomicBool,
    /// The thread has found nothing more to do, or is gone.
    is_dry: AtomicBool,
    to_thread: Condvar,
    to_owner: Condvar,
}

#[derive(Debug)]
struct Desk<W> {
    work: W,
    /// Does a part of the work, and tells whether there is more.
    slice: fn(&mut W) -> bool,
    allowed_slices: u64,
    is_over: bool,
    panic: Option<Box<dyn Any + Send>>,
}

impl<W> Desk<W> {
    /// Tells whether there is more to do.
    fn do_slice(&mut self) -> bool {
        let has_more = (self.slice)(&mut self.work);
        self.allowed_slices = if has_more { self.allowed_slices.saturating_sub(1) } else { 0 };
        has_more
    }
}

impl<W: Send + 'static> Background<W> {
    /// Work to be done by `slice`, and no thread yet. Each hand-over is held up for `delay_us` at most.
    pub fn new(work: W, slice: fn(&mut W) -> bool, delay_us: u64) -> Self {
        let desk = Desk { work, slice, allowed_slices: 0, is_over: false, panic: None };
        let shared = Shared {
            desk: Mutex::new(desk),
            is_wanted: AtomicBool::new(false),
            is_dry: AtomicBool::new(false),
            to_thread: Condvar::new(),
            to_owner: Condvar::new(),
        };
        Self { shared: Arc::new(shared), thread: None, delay_us }
    }

    /// Lets the thread do up to so many slices from now on; with 0 it stops after the present one.
    pub fn allow(&mut self, slices: u64) {
        let mut desk = self.desk();
        desk.allowed_slices = slices;
        self.shared.is_dry.store(false, Relaxed);
        drop(desk);
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

    /// Waits until the slices that are allowed are done, or there is nothing more to do.
    pub fn wait(&self) {
        let mut desk = self.desk();
        while desk.allowed_slices > 0 {
            if self.thread.is_none() || desk.is_over {
                let has_more = desk.do_slice();
                self.shared.is_dry.store(!has_more, Release);
            } else {
                // It may have stood back for this thread to take the desk.
                self.shared.to_thread.notify_one();
                desk = sync::wait(&self.shared.to_owner, &self.shared.desk, desk);
            }
        }
        drop(resume(desk));
    }

    /// Whether the thread has found nothing more to do, since it was last allowed to.
    pub fn is_dry(&self) -> bool {
        self.shared.is_dry.load(Acquire)
    }

    /// Takes the desk.
    pub fn with<R>(&self, work: impl FnOnce(&mut W) -> R) -> R {
        self.at(self.desk(), work)
    }

    /// Takes the desk if the thread is not at it: for what can wait, when the thread may be held up in the
    /// middle of a slice.
    pub fn with_if_free<R>(&self, work: impl FnOnce(&mut W) -> R) -> Option<R> {
        let desk = sync::try_lock(&self.shared.desk)?;
        Some(self.at(desk, work))
    }

    fn at<R>(&self, desk: MutexGuard<'_, Desk<W>>, work: impl FnOnce(&mut W) -> R) -> R {
        let mut desk = resume(desk);
        let result = work(&mut desk.work);
        let has_stood_back = desk.allowed_slices > 0;
        drop(desk);
        if has_stood_back {
            self.shared.to_thread.notify_one();
        }
        result
    }

    fn desk(&self) -> MutexGuard<'_, Desk<W>> {
        self.shared.is_wanted.store(true, Relaxed);
        let desk = sync::lock(&self.shared.desk);
        self.shared.is_wanted.store(false, Relaxed);
        desk
    }
}

/// Goes on with the panic that has ended the thread, if one has.
fn resume<W>(mut desk: MutexGuard<'_, Desk<W>>) -> MutexGuard<'_, Desk<W>> {
    let Some(panic) = desk.panic.take() else { return desk };
    drop(desk);
    resume_unwind(panic)
}

/// What the thread does.
fn serve<W>(shared: &Shared<W>, mut delay: Delay) {
    let mut desk = sync::lock(&shared.desk);
    loop {
        while !desk.is_over && (desk.allowed_slices == 0 || shared.is_wanted.load(Relaxed)) {
            desk = sync::wait(&shared.to_thread, &shared.desk, desk);
        }
        if desk.is_over {
            return;
        }
        let has_more = catch_unwind(AssertUnwindSafe(|| desk.do_slice())).unwrap_or_else(|panic| {
            (desk.allowed_slices, desk.is_over, desk.panic) = (0, true, Some(panic));
            false
        });
        if !has_more {
            shared.is_dry.store(true, Release);
        }
        if desk.allowed_slices == 0 {
            shared.to_owner.notify_one();
        }
        drop(desk);
        delay.hold_up();
        desk = sync::lock(&shared.desk);
    }
}

impl<W> Drop for Background<W> {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        sync::lock(&self.shared.desk).is_over = true;
        self.shared.to_thread.notify_one();
        // A panic of a slice has been caught, and lies on the desk.
        let _ = thread.join();
        let panic = sync::lock(&self.shared.desk).panic.take();
        if let Some(panic) = panic
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// Holds a thread up now and then.
#[derive(Debug)]
pub(crate) struct Delay {
    most_us: u64,
    random: u64,
}

impl Delay {
    pub(crate) fn new(most_us: u64) -> Self {
        Self { most_us, random: 1 }
    }

    /// Every other time for nothing, otherwise for up to the most.
    pub(crate) fn hold_up(&mut self) {
        if self.most_us == 0 {
            return;
        }
        // Knuth's MMIX generator, as everywhere: its upper bits are random enough.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match self.random >> 63 {
            0 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros((self.random >> 32) % self.most_us)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::catch_unwind;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst, fence};

    /// Counts down.
    fn count_down(left: &mut u64) -> bool {
        *left = left.saturating_sub(1);
        *left > 0
    }

    #[test]
    fn the_thread_does_what_it_is_allowed_and_no_more() {
        let mut background = Background::new(10, count_down, 0);
        assert!(background.thread.is_none(), "it has nothing to do yet");
        background.allow(3);
        background.wait();
        assert_eq!(background.with(|left| *left), 7);
        assert!(!background.is_dry());
        background.allow(ALL_SLICES);
        background.wait();
        assert!(background.is_dry());
        assert_eq!(background.with(|left| *left), 0);
        background.with(|left| *left = 5);
        background.allow(1);
        background.wait();
        assert_eq!(background.with(|left| *left), 4);
        assert!(!background.is_dry(), "it was given more");
    }

    #[test]
    fn the_owner_gets_the_desk_from_a_thread_that_always_wants_it() {
        let slices = Arc::new(AtomicU64::new(0));
        let count = |slices: &mut Arc<AtomicU64>| {
            slices.fetch_add(1, SeqCst);
            true
        };
        let mut background = Background::new(Arc::clone(&slices), count, 0);
        background.allow(ALL_SLICES);
        let mut seen = 0;
        for _ in 0..10 {
            // It goes on after each turn of the owner.
            while slices.load(SeqCst) == seen {
                std::thread::yield_now();
            }
            // As whoever takes the desk does first.
            background.shared.is_wanted.store(true, SeqCst);
            fence(SeqCst);
            let before = slices.load(SeqCst);
            // One that had begun by then may not have counted itself; then it stands back.
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
    fn a_desk_that_is_taken_is_not_waited_for() {
        let background = Background::new(7, count_down, 0);
        assert_eq!(background.with_if_free(|left| *left), Some(7));
        let desk = sync::lock(&background.shared.desk);
        assert_eq!(background.with_if_free(|left| *left), None);
        drop(desk);
    }

    #[test]
    fn the_owner_goes_on_with_a_panic_of_the_thread() {
        let broken = || {
            let mut background = Background::new((), |()| panic!("a slice is broken"), 0);
            background.allow(1);
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
        sync::lock(&background.shared.desk).allowed_slices = ALL_SLICES;
        background.wait();
        assert!(background.is_dry());
        assert_eq!(background.with(|left| *left), 0);
    }
}
