//! Blocks of 32 KiB, the unit in which spaces acquire memory from the heap and release it.
//!
//! Free blocks are acquired lowest first, so that a heap stays compact. A few free blocks are retained
//! (still committed and still charged); the rest are returned.
//!
//! Under `cfg(tiny)` a block is a page, the smallest unit that can be returned, and all sizes in blocks
//! shrink with it: tests fill a block, or return one, within a few objects.

use crate::memory::ObjectMemory;
use crate::memory::budget::Budget;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::units::{ADDRESSABLE_BYTES, BLOCK_BYTES, BLOCK_GRANULES};
use crate::memory::value::ObjectReference;
use std::sync::Arc;

const BLOCKS: u32 = (ADDRESSABLE_BYTES / BLOCK_BYTES as u64) as u32;
/// Free blocks that stay committed, so that a space that shrinks and grows again makes no system calls.
pub(crate) const RETAINED_BLOCKS: u32 = if cfg!(tiny) { 2 } else { 32 };

/// The index of a block. Block 0 is never used: its first granule would be null.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Block(u32);

impl Block {
    /// The block in which `object` starts.
    #[inline(always)]
    pub fn of(object: ObjectReference) -> Self {
        Self(object.block())
    }

    /// The block that holds the granule with this index.
    #[inline(always)]
    pub(crate) fn at_granule(granule: u32) -> Self {
        debug_assert!(granule < BLOCKS * BLOCK_GRANULES);
        Self(granule / BLOCK_GRANULES % BLOCKS)
    }

    /// The block with this index; `None` if no reference can address it.
    #[inline(always)]
    pub fn from_index(index: u32) -> Option<Self> {
        (index < BLOCKS).then_some(Self(index))
    }

    /// Its index, below 2^19 (under `cfg(tiny)`, 2^22).
    #[inline(always)]
    pub fn index(self) -> u32 {
        self.0
    }

    /// Index of its first granule.
    #[inline(always)]
    pub(crate) fn first_granule(self) -> u32 {
        self.0 * BLOCK_GRANULES
    }

    /// Distance from the start of the heap in bytes.
    pub(crate) fn byte_offset(self) -> u64 {
        u64::from(self.0) * u64::from(BLOCK_BYTES)
    }
}

/// The state of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Never used, or returned to the operating system.
    Returned,
    /// Free, still charged.
    Retained,
    /// In a space.
    Used,
}

/// The states of all blocks.
#[derive(Debug)]
pub(crate) struct BlockTable {
    states: ChargedVec<State>,
    /// **Invariant:** no free block lies below.
    first_free: u32,
    used: u32,
    /// **Invariant:** at most `retained_max`.
    retained: u32,
    retained_max: u32,
    /// Whether returned blocks are decommitted (memory is committed lazily), or stay populated.
    decommits: bool,
    memory: ObjectMemory,
    budget: Arc<Budget>,
}

impl BlockTable {
    /// An empty table for the blocks of `memory` that retains at most `retained_max` free ones.
    pub(crate) fn new(
        memory: ObjectMemory,
        budget: &Arc<Budget>,
        retained_max: u32,
        decommits: bool,
    ) -> Self {
        let (states, budget) = (ChargedVec::new(budget), Arc::clone(budget));
        let (first_free, used, retained) = (1, 0, 0);
        Self { states, first_free, used, retained, retained_max, decommits, memory, budget }
    }

    /// Whether the block is committed: used or retained.
    pub(crate) fn is_committed(&self, block: Block) -> bool {
        self.states.get(block.0 as usize).is_some_and(|&state| state != State::Returned)
    }

    /// Acquires `count` adjacent blocks; `None` if the budget or the address space has no room.
    pub(crate) fn acquire(&mut self, count: u32) -> Option<Block> {
        let start = self.find(count)?;
        if !self.budget.try_charge(self.missing_bytes(start, count)) {
            // Returning the blocks retained elsewhere may make room for this charge.
            self.return_retained(|block| !(start..start + count).contains(&block));
            if !self.budget.try_charge(self.missing_bytes(start, count)) {
                return None;
            }
        }
        Some(self.take(start, count))
    }

    /// Acquires one block, overdrawing the budget if necessary; `None` if the address space has none.
    pub(crate) fn acquire_overdrawing(&mut self) -> Option<Block> {
        if let Some(block) = self.acquire(1) {
            return Some(block);
        }
        // Only this block may still be retained: the failed attempt returned the others.
        let start = self.find(1)?;
        self.budget.charge(self.missing_bytes(start, 1));
        Some(self.take(start, 1))
    }

    /// Marks free, charged blocks as used.
    fn take(&mut self, start: u32, count: u32) -> Block {
        self.retained -= self.retained_in(start, count);
        self.used += count;
        let len = self.states.len().max((start + count) as usize);
        self.states.grow(|states| states.resize(len, State::Returned));
        self.states[start as usize..(start + count) as usize].fill(State::Used);
        if start == self.first_free {
            self.first_free = start + count;
        }
        Block(start)
    }

    /// Releases `count` adjacent blocks.
    pub(crate) fn release(&mut self, start: Block, count: u32) {
        let is_overdrawn = self.budget.committed_bytes() > self.budget.limit_bytes();
        let most = if is_overdrawn { 0 } else { self.retained_max - self.retained };
        let kept = most.min(count);
        let (kept_end, end) = ((start.0 + kept) as usize, (start.0 + count) as usize);
        debug_assert!(self.states[start.0 as usize..end].iter().all(|&s| s == State::Used));
        self.used -= count;
        self.first_free = self.first_free.min(start.0);
        self.retained += kept;
        self.states[start.0 as usize..kept_end].fill(State::Retained);
        self.states[kept_end..end].fill(State::Returned);
        self.return_blocks(start.0 + kept, count - kept);
    }

    /// Refunds free blocks and, where memory is committed lazily, decommits them.
    fn return_blocks(&self, first: u32, count: u32) {
        let bytes = u64::from(count) * u64::from(BLOCK_BYTES);
        self.budget.discharge(bytes);
        if self.decommits && count > 0 {
            self.memory.decommit(Block(first).byte_offset(), bytes);
        }
    }

    /// Returns the chosen retained blocks to the operating system.
    pub(crate) fn return_retained(&mut self, chosen: impl Fn(u32) -> bool) {
        let mut block = self.first_free;
        while (block as usize) < self.states.len() {
            let run = self.states[block as usize..]
                .iter()
                .zip(block..)
                .take_while(|&(&state, block)| state == State::Retained && chosen(block))
                .count() as u32;
            if run > 0 {
                self.states[block as usize..(block + run) as usize].fill(State::Returned);
                self.retained -= run;
                self.return_blocks(block, run);
            }
            block += run.max(1);
        }
    }

    fn retained_in(&self, start: u32, count: u32) -> u32 {
        let end = (start + count).min(self.states.len() as u32);
        let states = self.states.get(start as usize..end as usize).unwrap_or_default();
        states.iter().filter(|&&state| state == State::Retained).count() as u32
    }

    /// Bytes of the blocks of a free run that are not retained, and so not charged.
    fn missing_bytes(&self, start: u32, count: u32) -> u64 {
        u64::from(count - self.retained_in(start, count)) * u64::from(BLOCK_BYTES)
    }

    /// The lowest run of `count` free blocks.
    fn find(&mut self, count: u32) -> Option<u32> {
        let len = self.states.len() as u32;
        while self.first_free < len && self.states[self.first_free as usize] == State::Used {
            self.first_free += 1;
        }
        let mut start = self.first_free;
        for block in self.first_free..len {
            if self.states[block as usize] == State::Used {
                start = block + 1;
            } else if block + 1 - start == count {
                return Some(start);
            }
        }
        // The run may begin below the frontier and continue above it. The last block stays unused, so
        // that the end of a block is always a valid reference.
        (start.checked_add(count)? < BLOCKS).then_some(start)
    }

    /// Bytes of the table itself.
    pub(crate) fn metadata_bytes(&self) -> u64 {
        self.states.bytes()
    }

    pub(crate) fn retained_bytes(&self) -> u64 {
        u64::from(self.retained) * u64::from(BLOCK_BYTES)
    }

    pub(crate) fn reserved_bytes(&self) -> u64 {
        u64::from(self.used) * u64::from(BLOCK_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_never_overlap_and_every_byte_is_accounted_for(
            steps in proptest::collection::vec((1u32..6, any::<bool>(), prop::bool::weighted(0.1), any::<prop::sample::Index>()), 1..120),
            limit_blocks in 8u64..200,
        ) {
            let budget = Arc::new(Budget::new(limit_blocks * u64::from(BLOCK_BYTES)));
            let mut table = BlockTable::new(ObjectMemory::new().unwrap(), &budget, RETAINED_BLOCKS, true);
            let empty = table.metadata_bytes();
            let mut held: Vec<(u32, u32)> = Vec::new();
            for (count, take, overdraws, which) in steps {
                if overdraws {
                    let block = table.acquire_overdrawing().unwrap();
                    held.push((block.index(), 1));
                } else if take || held.is_empty() {
                    if let Some(block) = table.acquire(count) {
                        prop_assert!(block.index() > 0);
                        for &(start, len) in &held {
                            prop_assert!(block.index() + count <= start || start + len <= block.index());
                        }
                        held.push((block.index(), count));
                    } else {
                        let used: u32 = held.iter().map(|&(_, len)| len).sum();
                        // The table itself takes less than a block of the limit.
                        prop_assert!(u64::from(used + count) + 1 > limit_blocks, "refused although there was room");
                    }
                } else {
                    let (start, len) = held.swap_remove(which.index(held.len()));
                    table.release(Block(start), len);
                }
                let parts = table.reserved_bytes() + table.retained_bytes() + table.metadata_bytes() - empty;
                prop_assert_eq!(budget.committed_bytes(), parts);
                prop_assert!(table.retained <= RETAINED_BLOCKS);
            }
        }
    }
}
