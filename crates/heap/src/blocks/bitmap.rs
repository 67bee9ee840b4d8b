//! One bit per granule, in a side table: which cells are allocated, which objects are marked.
//!
//! 512 bytes describe a block of 32 KiB, so a marker that tests a bit before it touches an object
//! works in a table of one sixty-fourth of the heap.

use crate::blocks::block::Block;
use crate::blocks::side_table::SideTable;
use crate::memory::budget::Budget;
use crate::memory::units::{BLOCK_WORDS, GRANULE_BYTES};
use crate::memory::value::ObjectReference;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A bit for every granule of a heap.
#[derive(Debug)]
pub struct Bitmap {
    pub(super) table: SideTable,
}

impl Bitmap {
    /// A table of zeroes, not committed.
    pub(crate) fn new(budget: Arc<Budget>) -> io::Result<Self> {
        Ok(Self { table: SideTable::new(budget, 8 * GRANULE_BYTES as u64)? })
    }

    /// Another handle on the same bits, for another thread. Only `self` covers blocks and is charged.
    pub(crate) fn handle(&self) -> Self {
        Self { table: self.table.handle() }
    }

    /// The word in which the object's bit lies.
    #[inline(always)]
    pub(crate) fn word(&self, object: ObjectReference) -> &AtomicU64 {
        let index = (object.granule() / 64) as usize;
        // SAFETY: a granule index is below 2^31, the number of bits in the table.
        unsafe { self.table.base().cast::<AtomicU64>().add(index).as_ref() }
    }

    /// The object's bit in its word.
    #[inline(always)]
    pub(crate) fn bit(object: ObjectReference) -> u64 {
        1 << (object.granule() % 64)
    }

    /// Whether the bit is set.
    #[inline(always)]
    pub fn test(&self, object: ObjectReference) -> bool {
        self.word(object).load(Relaxed) & Self::bit(object) != 0
    }

    /// Sets the bit; returns whether it was clear. For one thread at a time.
    #[inline(always)]
    pub fn set(&self, object: ObjectReference) -> bool {
        let word = self.word(object);
        let old = word.load(Relaxed);
        let bit = Self::bit(object);
        if old & bit != 0 {
            return false;
        }
        word.store(old | bit, Relaxed);
        true
    }

    /// Clears the bit; returns whether it was set. For one thread at a time.
    #[inline(always)]
    pub fn clear(&self, object: ObjectReference) -> bool {
        let word = self.word(object);
        let old = word.load(Relaxed);
        let bit = Self::bit(object);
        if old & bit == 0 {
            return false;
        }
        word.store(old & !bit, Relaxed);
        true
    }

    /// Prefetches the cache line of the object's bit.
    #[inline(always)]
    pub fn prefetch(&self, object: ObjectReference) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: prefetching has no effect on memory, for any address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(self.word(object)).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = object;
    }

    /// The words of one block.
    #[inline(always)]
    pub fn block(&self, block: Block) -> &[AtomicU64; BLOCK_WORDS] {
        let index = block.index() as usize * BLOCK_WORDS;
        // SAFETY: a block index is below the number of blocks that references can address, and the
        // table has `BLOCK_WORDS` words for each of them.
        unsafe { self.table.base().cast::<AtomicU64>().add(index).cast().as_ref() }
    }

    /// Clears all bits of a block.
    pub fn clear_block(&self, block: Block) {
        for word in self.block(block) {
            word.store(0, Relaxed);
        }
    }

    /// The objects whose bits are set in a block, by address.
    pub(crate) fn objects_in(&self, block: Block) -> impl Iterator<Item = ObjectReference> {
        let words = self.block(block).iter().map(|word| word.load(Relaxed));
        words.zip(block.first_granule() / 64..).flat_map(|(word, index)| {
            let bits = (0..64).filter(move |bit| word >> bit & 1 != 0);
            bits.map(move |bit| ObjectReference::from_granule(index * 64 + bit))
        })
    }

    /// Charges for the table up to and including `block` and commits it; false if the limit forbids it.
    pub(crate) fn cover(&mut self, block: Block) -> bool {
        self.table.cover(block)
    }

    /// Bytes of the table that are charged.
    pub fn covered_bytes(&self) -> u64 {
        self.table.covered_bytes()
    }
}
