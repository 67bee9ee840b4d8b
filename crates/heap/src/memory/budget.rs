//! The heap limit: what is held of the operating system's memory, to the byte.

use crate::memory::sync::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The account that every part of a heap charges for the memory it holds.
///
/// **Invariant:** `committed_bytes` equals the sum of what the parts say they hold; checked at every
/// footprint sample by [`crate::EventLog`].
#[derive(Debug)]
pub struct Budget {
    limit_bytes: AtomicU64,
    committed_bytes: AtomicU64,
    peak_bytes: AtomicU64,
    refused_bytes: AtomicU64,
    /// How many queues there have been: without one, their peak is not 0 but unknown.
    queues: AtomicU64,
    queue_bytes: AtomicU64,
    queue_peak_bytes: AtomicU64,
}

impl Budget {
    /// An empty account that may grow to `limit_bytes`.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes: AtomicU64::new(limit_bytes),
            committed_bytes: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
            refused_bytes: AtomicU64::new(0),
            queues: AtomicU64::new(0),
            queue_bytes: AtomicU64::new(0),
            queue_peak_bytes: AtomicU64::new(0),
        }
    }

    /// Charges `bytes`, if the limit allows it.
    pub(crate) fn try_charge(&self, bytes: u64) -> bool {
        let allowed = |held: u64| held.checked_add(bytes).filter(|&sum| sum <= self.limit_bytes());
        match self.committed_bytes.fetch_update(Relaxed, Relaxed, allowed) {
            Ok(before) => {
                self.peak_bytes.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Charges `bytes` beyond the limit if need be: for stacks and logs that cannot refuse. What
    /// overdraws the account is felt by the next block that is asked for.
    pub(crate) fn charge(&self, bytes: u64) {
        let held = self.committed_bytes.fetch_add(bytes, Relaxed) + bytes;
        self.peak_bytes.fetch_max(held, Relaxed);
    }

    /// Takes a charge back.
    pub(crate) fn discharge(&self, bytes: u64) {
        let before = self.committed_bytes.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "more is given back than was charged");
    }

    /// There is a queue whose pages are counted apart, see [`Budget::queue_peak_bytes`].
    pub(crate) fn has_queue(&self) {
        self.queues.fetch_add(1, Relaxed);
    }

    /// Charges `bytes` of a queue, as [`Budget::charge`].
    pub(crate) fn charge_queue(&self, bytes: u64) {
        let queue = self.queue_bytes.fetch_add(bytes, Relaxed) + bytes;
        self.queue_peak_bytes.fetch_max(queue, Relaxed);
        self.charge(bytes);
    }

    /// Takes such a charge back.
    pub(crate) fn discharge_queue(&self, bytes: u64) {
        self.queue_bytes.fetch_sub(bytes, Relaxed);
        self.discharge(bytes);
    }

    /// Queues that another account is charged for have held this much: they count here as well.
    pub(crate) fn has_seen_queues(&self, peak_bytes: u64) {
        self.queue_peak_bytes.fetch_max(peak_bytes, Relaxed);
    }

    /// Remembers the size of an object for which there was no room.
    pub(crate) fn out_of_memory(&self, bytes: u64) {
        self.refused_bytes.store(bytes, Relaxed);
    }

    /// Size of the last object for which there was no room; 0 if there always was.
    pub fn refused_bytes(&self) -> u64 {
        self.refused_bytes.load(Relaxed)
    }

    /// The limit on the whole footprint; `u64::MAX` for none.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes.load(Relaxed)
    }

    /// Sets another limit and returns the old one: so that a test can let any allocation fail. What
    /// is held above it stays.
    pub fn set_limit_bytes(&self, limit_bytes: u64) -> u64 {
        self.limit_bytes.swap(limit_bytes, Relaxed)
    }

    /// What is held now.
    pub fn committed_bytes(&self) -> u64 {
        self.committed_bytes.load(Relaxed)
    }

    /// The most that was ever held.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Relaxed)
    }

    /// The most that queues have ever held at once: stacks of what is reached and still to be marked,
    /// copied or dropped. `None` if there are none. It is a part of [`Budget::peak_bytes`] that no limit
    /// refuses.
    pub fn queue_peak_bytes(&self) -> Option<u64> {
        (self.queues.load(Relaxed) > 0).then(|| self.queue_peak_bytes.load(Relaxed))
    }
}
/// The heap limit is reached and nothing more can be reclaimed.
///
/// Of no size, so that a result which may carry it is as small as a root; what was asked for stands
/// in [`crate::Budget::refused_bytes`], beside what is held and the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory(pub(crate) ());

impl std::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no room for an object and nothing to reclaim")
    }
}

impl std::error::Error for OutOfMemory {}
