//! The heap limit, and the committed bytes, exactly.

use crate::memory::sync::AtomicU64;
use crate::memory::value::ObjectReference;
use std::sync::atomic::Ordering::Relaxed;

/// The account to which every part of a heap charges its memory.
///
/// **Invariant:** `committed_bytes` equals the sum of the bytes that the parts report; checked at every
/// footprint sample by [`crate::EventLog`].
#[derive(Debug, Default)]
pub struct Budget {
    limit_bytes: AtomicU64,
    committed_bytes: AtomicU64,
    peak_bytes: AtomicU64,
    refused_bytes: AtomicU64,
    /// Number of queues ever made: without one, their peak is not 0 but unknown.
    queues: AtomicU64,
    queue_bytes: AtomicU64,
    queue_peak_bytes: AtomicU64,
}

impl Budget {
    /// An empty account that may grow to `limit_bytes`.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes: AtomicU64::new(limit_bytes), ..Self::default() }
    }

    /// Charges `bytes`, if the limit allows it.
    pub(crate) fn try_charge(&self, bytes: u64) -> bool {
        let within = |old: u64| old.checked_add(bytes).filter(|&sum| sum <= self.limit_bytes());
        match self.committed_bytes.fetch_update(Relaxed, Relaxed, within) {
            Ok(before) => {
                self.peak_bytes.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Charges `bytes`, beyond the limit if necessary: for stacks and logs that cannot fail. The next
    /// block allocation fails if the account is overdrawn.
    pub(crate) fn charge(&self, bytes: u64) {
        let committed = self.committed_bytes.fetch_add(bytes, Relaxed) + bytes;
        self.peak_bytes.fetch_max(committed, Relaxed);
    }

    /// Refunds `bytes`.
    pub(crate) fn discharge(&self, bytes: u64) {
        let before = self.committed_bytes.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "{bytes} bytes refunded of {before} charged");
    }

    /// Registers a queue, whose pages count towards [`Budget::queue_peak_bytes`].
    pub(crate) fn add_queue(&self) {
        self.queues.fetch_add(1, Relaxed);
    }

    /// Charges `bytes` of a queue like [`Budget::charge`].
    pub(crate) fn charge_queue(&self, bytes: u64) {
        let queue = self.queue_bytes.fetch_add(bytes, Relaxed) + bytes;
        self.queue_peak_bytes.fetch_max(queue, Relaxed);
        self.charge(bytes);
    }

    /// Refunds `bytes` of a queue.
    pub(crate) fn discharge_queue(&self, bytes: u64) {
        self.queue_bytes.fetch_sub(bytes, Relaxed);
        self.discharge(bytes);
    }

    /// Includes the peak of queues that are charged to another account.
    pub(crate) fn include_queue_peak(&self, peak_bytes: u64) {
        self.queue_peak_bytes.fetch_max(peak_bytes, Relaxed);
    }

    /// Records the size of an object that could not be allocated.
    pub(crate) fn out_of_memory(&self, bytes: u64) {
        self.refused_bytes.store(bytes, Relaxed);
    }

    /// Size of the last object that could not be allocated, in bytes; 0 if there was none.
    pub fn refused_bytes(&self) -> u64 {
        self.refused_bytes.load(Relaxed)
    }

    /// The limit on the whole footprint; `u64::MAX` for none.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes.load(Relaxed)
    }

    /// Sets the limit and returns the old one, so that a test can make any allocation fail. Memory
    /// committed above the limit stays.
    pub fn set_limit_bytes(&self, limit_bytes: u64) -> u64 {
        self.limit_bytes.swap(limit_bytes, Relaxed)
    }

    /// Committed bytes now.
    pub fn committed_bytes(&self) -> u64 {
        self.committed_bytes.load(Relaxed)
    }

    /// Maximum of the committed bytes so far.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Relaxed)
    }

    /// Maximum bytes of all queues at once: stacks of reached objects that are still to be marked, copied
    /// or dropped. `None` if there are no queues. No limit applies to this part of
    /// [`Budget::peak_bytes`].
    pub fn queue_peak_bytes(&self) -> Option<u64> {
        (self.queues.load(Relaxed) > 0).then(|| self.queue_peak_bytes.load(Relaxed))
    }
}

/// The heap limit is reached and nothing more can be reclaimed.
///
/// Zero-sized, so that a result with it is as small as a root; the [`Budget`] has the size of
/// the refused object, the committed bytes and the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory(pub(crate) ());

/// A new object, or the refusal of one.
pub type AllocResult = Result<ObjectReference, OutOfMemory>;

impl std::fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no room for an object and nothing to reclaim")
    }
}

impl std::error::Error for OutOfMemory {}
