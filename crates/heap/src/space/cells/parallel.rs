//! Parallel marking of a space of cells: bits become bytes, and bytes become bits.
//!
//! 1. *Serial phase*: one marker sets mark bits and counts them, as in any space.
//! 2. *Spread*: before others join it, marked objects get mark bytes, and their bits no longer count.
//! 3. *Parallel phase*: markers set bytes, and count nothing: two may mark the same object.
//! 4. *Fold*: block by block, the bytes become mark bits at the starts of cells and are cleared, and
//!    the bits are counted: so each object counts once. Several threads fold, each block once. The
//!    sweep sees no difference.
//!
//! Only a space large enough for the parallel phase has the bytes, a sixteenth of the heap.

use super::blocks::{BlockInfo, State};
use super::{ParallelMarks, SegregatedSpace};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::byte_map::ByteMap;
use crate::blocks::heap::Heap;
use crate::memory::sync::{self, Mutex};
use crate::memory::units::{BLOCK_BYTES, BLOCK_WORDS};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CELL_STARTS, MIN_CELL_BYTES};
use std::io;
use std::slice::ChunksMut;
use std::sync::atomic::Ordering::Relaxed;

/// Blocks that are handed out together.
const BATCH: usize = 64;

/// Where a large object starts in its first block.
const LARGE_STARTS: [u64; BLOCK_WORDS] = {
    let mut starts = [0; BLOCK_WORDS];
    starts[0] = 1;
    starts
};

/// The marks of several markers.
#[derive(Debug)]
pub(super) struct SharedMarks {
    bytes: ByteMap,
    /// A space that ends below this block has too few objects for several markers.
    from_block: u32,
}

impl SharedMarks {
    /// Extends the bytes to `block` and charges for them; false if the limit has no room.
    pub(super) fn cover(&mut self, block: Block) -> bool {
        block.index() < self.from_block || self.bytes.cover(block)
    }

    pub(super) fn covered_bytes(&self) -> u64 {
        self.bytes.covered_bytes()
    }
}

impl SegregatedSpace<ParallelMarks> {
    /// Adds marks for several markers, of which all but one wait until `threshold` objects are marked. The
    /// space must be empty.
    ///
    /// # Errors
    /// If the operating system refuses address space for the marks.
    pub(crate) fn share_marks(&mut self, threshold: u64) -> io::Result<()> {
        let least_blocks =
            threshold.saturating_mul(u64::from(MIN_CELL_BYTES)) / u64::from(BLOCK_BYTES);
        let from_block = u32::try_from(least_blocks).unwrap_or(u32::MAX);
        self.marks.shared = Some(SharedMarks { bytes: self.heap.byte_map()?, from_block });
        Ok(())
    }

    /// Whether several markers can mark the whole space.
    pub(crate) fn has_shared_marks(&self) -> bool {
        let blocks = self.blocks.len();
        self.marks.shared.as_ref().is_some_and(|shared| shared.bytes.covers(blocks))
    }

    /// Turns mark bits into mark bytes; returns the bytes, and the fold that turns them into bits again.
    pub(crate) fn parallel_marking(&mut self) -> Option<(&ByteMap, Folding<'_>)> {
        let Self { marks: ParallelMarks { bits: marks, shared }, blocks, heap, .. } = self;
        let bytes = &shared.as_ref()?.bytes;
        let forgets = mutant!(heap.memory(), "marks of a single marker are not spread");
        for (info, index) in blocks.iter_mut().zip(0..) {
            if std::mem::take(&mut info.marked) > 0
                && !forgets
                && let Some(block) = Block::from_index(index)
            {
                spread(marks, bytes, block);
            }
        }
        let blocks = Mutex::new((0, blocks.chunks_mut(BATCH)));
        Some((bytes, Folding { marks, bytes, blocks, heap }))
    }
}

fn spread(marks: &Bitmap, bytes: &ByteMap, block: Block) {
    for (word, window) in marks.block(block).iter().zip(0..) {
        let mut bits = word.load(Relaxed);
        while bits != 0 {
            let granule = block.first_granule() + window * 64 + bits.trailing_zeros();
            bytes.set(ObjectReference::from_granule(granule));
            bits &= bits - 1;
        }
    }
}

/// Turns mark bytes into mark bits after marking.
pub(crate) struct Folding<'s> {
    marks: &'s Bitmap,
    bytes: &'s ByteMap,
    /// Index of the next block to be folded, and the blocks from it on.
    blocks: Mutex<(u32, ChunksMut<'s, BlockInfo>)>,
    heap: &'s Heap,
}

impl Folding<'_> {
    /// Folds blocks until none is left. Several threads may run it in parallel.
    pub(crate) fn run(&self) {
        let memory = self.heap.memory();
        let loses_block = mutant!(memory, "the last block is not folded");
        let loses_mark = mutant!(memory, "a folded block counts one mark too few");
        while let Some((first, batch)) = self.next_batch() {
            let folded = batch.len() - usize::from(loses_block);
            for (info, index) in batch.iter_mut().take(folded).zip(first..) {
                if let Some(block) = Block::from_index(index) {
                    let marked = self.fold(block, *info);
                    info.marked = marked.saturating_sub(u16::from(loses_mark));
                }
            }
        }
    }

    fn next_batch(&self) -> Option<(u32, &mut [BlockInfo])> {
        let mut blocks = sync::lock(&self.blocks);
        let batch = blocks.1.next()?;
        let first = blocks.0;
        blocks.0 += batch.len() as u32;
        Some((first, batch))
    }

    /// Folds a block; returns the number of its marks.
    fn fold(&self, block: Block, info: BlockInfo) -> u16 {
        let starts = match info.state {
            State::Foreign => &LARGE_STARTS,
            _ => &CELL_STARTS[usize::from(info.class)],
        };
        let mut marked = 0;
        for (window, word) in self.marks.block(block).iter().enumerate() {
            let bits = self.bytes.take(block, window) & starts[window];
            word.store(bits, Relaxed);
            marked += bits.count_ones();
        }
        marked as u16
    }
}
