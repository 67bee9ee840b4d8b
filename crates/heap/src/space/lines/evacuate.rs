//! Opportunistic evacuation: step 5 of the outline of a mark-region space.
//!
//! Candidates are selected before marking, by the live bytes of each block in the last collection: the
//! emptiest come first, for they reclaim most for the bytes copied. (The paper counts holes; but a block
//! of small objects can be half garbage and have no free line.) Blocks that were allocated from since are
//! excluded: their live bytes are unknown. While marking, objects reached in candidates are copied to
//! empty blocks. When those are full, objects that do not fit them are marked in place.

use super::blocks::{BlockInfo, SHORT_BYTES, State};
use super::{Hole, LineSpace};
use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::context::moves::Moves;
use crate::memory::units::{BLOCK_BYTES, BLOCK_UNITS};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::Extent;

/// Number of bins that sort blocks by live bytes.
const BINS: usize = 32;
/// A block in this bin or above is not worth copying.
const WORTH_BINS: usize = BINS * 3 / 4;
/// Least bytes that copies of short objects fill of a block: the next may not fit the rest.
const FILLED_BYTES: u64 = (BLOCK_BYTES - SHORT_BYTES) as u64;

/// Whether a block with `live_bytes` is worth copying.
pub(super) fn is_sparse(live_bytes: u32) -> bool {
    bin(live_bytes) < WORTH_BINS
}

fn bin(live_bytes: u32) -> usize {
    (live_bytes as usize * BINS / BLOCK_BYTES as usize).min(BINS)
}

impl LineSpace {
    /// Selects the candidates of the next collection: the emptiest blocks, as far as `available_bytes` hold
    /// the copies. None, if that releases no block, or less than `least_bytes` of blocks.
    ///
    /// **Invariant:** evacuation never takes more blocks than it releases. A block of copies is left when the
    /// next copy does not fit the rest. If that copy is short, the block is filled but for its length; if it
    /// is long, the rest is smaller than it. So long objects count twice, and copies need no more than that.
    pub fn select_candidates(&mut self, available_bytes: u64, least_bytes: u64) {
        let room_blocks = self.cover_copies(available_bytes / u64::from(BLOCK_BYTES));
        // A copy that finds no block may leave one object in each candidate.
        let room_blocks = room_blocks.min(self.heap.available_bytes() / u64::from(BLOCK_BYTES));
        let (chosen, gained_blocks) = self.emptiest(room_blocks);
        if gained_blocks > 0 && gained_blocks * u64::from(BLOCK_BYTES) >= least_bytes {
            chosen.into_iter().for_each(|index| self.blocks[index].is_candidate = true);
            self.copy_blocks = room_blocks as u32;
        }
    }

    /// Bytes of blocks that a collection would release at once by copying the blocks that the last one left
    /// sparse, with `available_bytes` for copies.
    pub fn reclaimable_bytes(&self, available_bytes: u64) -> u64 {
        self.emptiest(available_bytes / u64::from(BLOCK_BYTES)).1 * u64::from(BLOCK_BYTES)
    }

    /// Bytes of the objects that the last collection left in blocks worth evacuating: the next one has no
    /// more to copy, unless new objects die as unevenly.
    pub fn sparse_bytes(&self) -> u64 {
        self.sparse_bytes
    }

    /// The emptiest blocks whose copies fit `room_blocks`, and the number of blocks that copying releases.
    fn emptiest(&self, room_blocks: u64) -> (Vec<usize>, u64) {
        let mut needed_bytes = [0u64; BINS + 1];
        self.eligible().for_each(|(_, bin, bytes)| needed_bytes[bin] += bytes);
        // Whole bins while they fit, then a part of the next.
        let (mut whole, mut left_bytes) = (0, room_blocks * FILLED_BYTES);
        while whole < WORTH_BINS && needed_bytes[whole] <= left_bytes {
            left_bytes -= needed_bytes[whole];
            whole += 1;
        }
        let (mut chosen, mut copied_bytes) = (Vec::new(), 0);
        for (index, bin, bytes) in self.eligible().filter(|&(_, bin, _)| bin < WORTH_BINS) {
            let fits_part = bin == whole && bytes <= left_bytes;
            left_bytes -= if fits_part { bytes } else { 0 };
            if bin < whole || fits_part {
                chosen.push(index);
                copied_bytes += bytes;
            }
        }
        let gained_blocks =
            (chosen.len() as u64).saturating_sub(copied_bytes.div_ceil(FILLED_BYTES));
        (chosen, gained_blocks)
    }

    /// Blocks whose live bytes the last collection counted: number, bin, and an upper bound of the bytes that
    /// copies need.
    fn eligible(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let known = |(_, info): &(usize, &BlockInfo)| match info.state.get() {
            State::Full => true,
            State::Holey => info.entered.get() == 0,
            State::Foreign | State::Entered => false,
        };
        self.blocks.iter().enumerate().filter(known).map(|(index, info)| {
            let copied_bytes = u64::from(info.live_bytes) + u64::from(info.long_bytes);
            (index, bin(info.live_bytes), copied_bytes)
        })
    }

    /// Extends the tables to any `blocks` more blocks of the heap, or as many as the limit allows; returns
    /// their number.
    fn cover_copies(&mut self, blocks: u64) -> u64 {
        // The lowest free block is taken first, so at most those in use lie below.
        let in_use = self.heap.reserved_bytes() / u64::from(BLOCK_BYTES);
        if let Some(last) = Block::from_index((in_use + blocks).min(u64::from(u32::MAX)) as u32)
            && self.cover(last)
        {
            return blocks;
        }
        (self.blocks.len() as u64).saturating_sub(in_use + 1).min(blocks)
    }
}

/// The copying of one collection.
pub(super) struct Evacuation<'s> {
    heap: &'s Heap,
    blocks: &'s [BlockInfo],
    moves: &'s mut Moves,
    hole: Hole,
    taken_blocks: u32,
    /// Blocks that may still be taken.
    ///
    /// **Invariant:** room only shrinks, so an object that stayed in place once is never copied later.
    left_blocks: u32,
}

impl<'s> Evacuation<'s> {
    pub(super) fn new(
        heap: &'s Heap,
        blocks: &'s [BlockInfo],
        left_blocks: u32,
        moves: &'s mut Moves,
    ) -> Self {
        Self { heap, blocks, moves, hole: Hole::default(), taken_blocks: 0, left_blocks }
    }

    /// The current place of an object: its copy, if its block is a candidate and there is room.
    #[inline(always)]
    pub(super) fn forward(&mut self, object: ObjectReference) -> ObjectReference {
        match self.blocks.get(object.block() as usize) {
            Some(info) if info.is_candidate => self.forward_candidate(object),
            _ => object,
        }
    }

    fn forward_candidate(&mut self, object: ObjectReference) -> ObjectReference {
        let memory = self.heap.memory();
        if let Some(copy) = memory.forwarded(object) {
            return copy;
        }
        let bytes = Extent::of(memory, object).small_bytes();
        let Some(copy) = self.bump(bytes) else { return object };
        memory.copy(object, copy, bytes);
        memory.forward(object, copy);
        self.moves.record(object, copy);
        copy
    }

    #[inline(always)]
    fn bump(&mut self, bytes: u32) -> Option<ObjectReference> {
        if let Some(copy) = self.hole.rest.bump(bytes) {
            return Some(copy);
        }
        self.next_block().then(|| self.hole.rest.bump(bytes))?
    }

    #[cold]
    fn next_block(&mut self) -> bool {
        let Some(left_blocks) = self.left_blocks.checked_sub(1) else { return false };
        self.left_blocks = 0;
        let Some(block) = self.heap.acquire(1) else { return false };
        let Some(info) = self.blocks.get(block.index() as usize) else {
            self.heap.release(block, 1);
            return false;
        };
        info.begin();
        self.left_blocks = left_blocks;
        let forgets = mutant!(self.heap.memory(), "a block of copies is not counted");
        self.taken_blocks += u32::from(!forgets);
        let start = block.first_granule() << 1;
        self.hole = Hole::new(block, start, start + BLOCK_UNITS);
        true
    }

    /// Number of blocks that copies have taken.
    pub(super) fn taken_blocks(&self) -> u32 {
        self.taken_blocks
    }
}
