//! Synchronisation primitives: the standard library's or, under `cfg(loom)`, those of a model checker,
//! which executes every interleaving of their uses (`tests/loom`).
//!
//! Only state outside the object memory uses them. The words of objects and bitmaps lie in mapped memory;
//! the checker's atomics are values with a history and cannot lie there. So accesses to those words are
//! modelled in the tests, and each model names the code that it models.

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool, atomic::AtomicU64};
#[cfg(loom)]
pub(crate) use loom::thread;
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic::AtomicBool, atomic::AtomicU64};
#[cfg(not(loom))]
pub(crate) use std::thread;

/// Locks a value that is consistent between statements, so that poisoning can be ignored.
#[cfg(not(gcw_tsan))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for the thread sanitizer (`conformance/scripts/tsan.sh`). The standard library is not built
/// with it, so it does not see how a thread waits for a lock and would report every wait as a race.
#[cfg(gcw_tsan)]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match try_lock(mutex) {
            Some(guard) => return guard,
            None => std::thread::yield_now(),
        }
    }
}

/// Locks a value; `None` if it is locked already.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}

/// Releases a lock until a notification or a spurious wakeup: the caller checks its condition again.
#[cfg(not(gcw_tsan))]
pub(crate) fn wait<'m, T>(
    condvar: &Condvar,
    _: &'m Mutex<T>,
    guard: MutexGuard<'m, T>,
) -> MutexGuard<'m, T> {
    condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same for the thread sanitizer: a short sleep, since it does not see this wait either.
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

/// Yields now and then, in builds that search for races: interleavings that are rare otherwise then happen
/// in every run. `moment` is any number that differs from call to call.
#[inline(always)]
pub(crate) fn delay(moment: u64) {
    if cfg!(any(gcw_tsan, tiny)) && moment.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 == 0 {
        std::thread::yield_now();
    }
}
