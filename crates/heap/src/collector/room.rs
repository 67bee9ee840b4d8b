//! The memory that a collector needs besides that of the live objects: what a bounded one declares, so that the
//! conformance kit can bound when it may refuse an allocation.

use crate::blocks::heap::Heap;
use crate::mutant;

/// Where the small objects lie after a collection, and the room that is kept for the next one.
///
/// Tables, queues and the block of the request are counted apart, and need no declaration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Room {
    /// Whether a collection fills blocks with the live objects, one behind the other. Otherwise a block stays in
    /// use as long as one object in it lives, wherever the collector has placed that.
    pub compacts: bool,
    /// Times that the small objects must fit: 2 where a collection copies all of them before it releases any.
    pub copies: u32,
    /// Further memory that an allocation must leave free, as a share of the limit.
    pub kept_share: f64,
}

impl Room {
    /// Objects stay where they were allocated.
    pub const IN_PLACE: Self = Self { compacts: false, copies: 1, kept_share: 0.0 };

    /// A collection slides all small objects together.
    pub const SLID: Self = Self { compacts: true, ..Self::IN_PLACE };

    /// A collection copies all small objects.
    pub const COPIED: Self = Self { copies: 2, ..Self::SLID };

    /// Whether a mutant takes a heap for full, whose spaces have blocks for a share of the limit.
    pub(crate) fn is_full(self, heap: &Heap) -> bool {
        let (memory, limit_bytes) = (heap.memory(), heap.budget().limit_bytes());
        let used_bytes = heap.reserved_bytes() * u64::from(self.copies);
        let full_at = |share| used_bytes >= limit_bytes / share;
        mutant!(memory, "a heap is full at half of its limit") && full_at(2)
            || mutant!(memory, "a heap is full at a quarter of its limit") && full_at(4)
            || mutant!(memory, "a heap is full at a tenth of its limit") && full_at(10)
    }
}
