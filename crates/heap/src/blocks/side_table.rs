//! A side table: outside the object memory, with the same number of bytes for every block of the heap.

use crate::blocks::block::Block;
use crate::memory::budget::Budget;
use crate::memory::os::{PAGE_BYTES, Reservation};
use crate::memory::units::{ADDRESSABLE_BYTES, BLOCK_BYTES};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// A table of zeroes at first. Covering a block charges for the table up to it.
#[derive(Debug)]
pub(crate) struct SideTable {
    /// **Invariant:** the first byte of `memory`.
    base: NonNull<u8>,
    memory: Arc<Reservation>,
    /// Bytes of the heap that a byte of the table describes.
    scale: u64,
    covered_bytes: u64,
    budget: Arc<Budget>,
}

// SAFETY: a shared table offers no access to memory but through raw pointers.
unsafe impl Send for SideTable {}
// SAFETY: as for `Send`.
unsafe impl Sync for SideTable {}

impl SideTable {
    /// A table with a byte for every `scale` bytes of heap, not committed.
    pub(crate) fn new(budget: Arc<Budget>, scale: u64) -> io::Result<Self> {
        let memory = Arc::new(Reservation::new((ADDRESSABLE_BYTES / scale) as usize)?);
        Ok(Self { base: memory.base(), memory, scale, covered_bytes: 0, budget })
    }

    /// Another handle on the same table. Only `self` covers blocks and is charged.
    pub(crate) fn handle(&self) -> Self {
        let (memory, budget) = (Arc::clone(&self.memory), Arc::clone(&self.budget));
        Self { base: self.base, memory, scale: self.scale, covered_bytes: 0, budget }
    }

    /// First byte.
    #[inline(always)]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Charges for the table up to and including `block` and commits it, so that charged bytes are
    /// committed; false if the limit forbids it.
    pub(crate) fn cover(&mut self, block: Block) -> bool {
        let end = (u64::from(block.index()) + 1) * u64::from(BLOCK_BYTES) / self.scale;
        let end = end.next_multiple_of(PAGE_BYTES as u64);
        if end <= self.covered_bytes {
            return true;
        }
        let grown = self.budget.try_charge(end - self.covered_bytes);
        if grown {
            self.memory.populate(self.covered_bytes as usize, (end - self.covered_bytes) as usize);
            self.covered_bytes = end;
        }
        grown
    }

    /// [`Reservation::use_huge_pages`] for all of it.
    pub(crate) fn use_huge_pages(&self) -> io::Result<()> {
        self.memory.use_huge_pages()
    }

    /// Commits the table for the first `heap_bytes` of the heap.
    pub(crate) fn populate(&self, heap_bytes: u64) {
        let bytes =
            (heap_bytes.min(ADDRESSABLE_BYTES) / self.scale).next_multiple_of(PAGE_BYTES as u64);
        self.memory.populate(0, bytes as usize);
    }

    /// Bytes of the table that are charged.
    pub(crate) fn covered_bytes(&self) -> u64 {
        self.covered_bytes
    }
}

impl Drop for SideTable {
    fn drop(&mut self) {
        self.budget.discharge(self.covered_bytes);
    }
}
