//! What threads share a heap by: the standard library's primitives or, under `cfg(loom)`, those of a
//! model checker, which plays every order in which threads can use them (`tests/loom`).
//!
//! Only what stands beside the object memory can be exchanged. The words of objects and bitmaps lie
//! in mapped memory, where the checker's atomics, which are values with a history, cannot; so what is
//! done to those words is modelled beside the code, and each model names the code that it models.

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool, atomic::AtomicU64};
#[cfg(loom)]
pub(crate) use loom::thread;
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool, atomic::AtomicU64};
#[cfg(not(loom))]
pub(crate) use std::thread;

/// Locks a value that is consistent between statements, so that a panic elsewhere does not spoil it.
#[cfg(not(gcw_tsan))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for the thread sanitizer (`conformance/scripts/tsan.sh`), which is blind to how a thread waits for a
/// lock, for the standard library is not built with it, and would report every wait as a race.
#[cfg(gcw_tsan)]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match try_lock(mutex) {
            Some(guard) => return guard,
            None => std::thread::yield_now(),
        }
    }
}

/// Locks a value that nobody has locked.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}

/// Gives a lock away until somebody notifies, or for no reason: the caller looks again.
#[cfg(not(gcw_tsan))]
pub(crate) fn wait<'m, T>(
    condvar: &Condvar,
    _: &'m Mutex<T>,
    guard: MutexGuard<'m, T>,
) -> MutexGuard<'m, T> {
    condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for the thread sanitizer: a nap, for it is blind to this wait as well.
#[cfg(gcw_tsan)]
pub(crate) fn wait<'m, T>(
    _: &Condvar,
    mutex: &'m Mutex<T>,
    guard: MutexGuard<'m, T>,
) -> MutexGuard<'m, T> {
    drop(guard);
    std::thread::sleep(std::time::Duration::from_micros(20));
    lock(mutex)
}

/// Lets other threads go first now and then, in builds that look for races: orders that are rare
/// otherwise then happen in every run. `moment` is any number that differs from call to call.
#[inline(always)]
pub(crate) fn delay(moment: u64) {
    if cfg!(any(gcw_tsan, tiny)) && moment.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 == 0 {
        std::thread::yield_now();
    }
}
