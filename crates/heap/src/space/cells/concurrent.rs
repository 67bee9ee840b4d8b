//! Concurrent sweeping of a space of cells, while the program allocates in it.
//!
//! 1. *Two sets of marks*: the program alone sets the new bits, for objects that it allocates black
//!    ([`super::incremental`]) or marks beside the marker; the marker sets the traced bits, in a bitmap of its own. So neither shares
//!    a word with the other, and both set bits by a load and a store. Measured: an atomic `or` in one
//!    bitmap costs 0.7 ns more per object (3.5 instead of 2.9), so this is not for speed. It keeps the
//!    program's half the same as with an incremental marker, for a 64th of the heap.
//! 2. *Hand to the sweeper*: after marking, all blocks of the space. The program has no window in them
//!    and finds them on no list; it allocates in blocks acquired since, or swept and taken back.
//!    **Invariant:** each block is swept by one thread and allocated from by none.
//! 3. *Sweep*: the new allocation bits of a block are the union of its two sets of marks, which are cleared.
//! 4. *Take back*: the program takes the swept block with the number of its live cells, and lists it or
//!    releases it. A cursor finds its free cells, as always.

use super::blocks::{NONE, State};
use super::{ConcurrentMarks, SegregatedSpace};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::blocks::poison;
use crate::memory::units::BLOCK_WORDS;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};
use std::sync::atomic::Ordering::Relaxed;

/// Bits of an [`UnsweptBlock`] that hold the class.
const CLASS_BITS: u32 = 6;

/// A block that is handed to the sweeper, and its size class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnsweptBlock(pub(crate) u32);

impl UnsweptBlock {
    fn of(index: u32, class: u8) -> Self {
        const { assert!(CLASSES <= 1 << CLASS_BITS) };
        Self(index << CLASS_BITS | u32::from(class))
    }

    fn class(self) -> u8 {
        (self.0 % (1 << CLASS_BITS)) as u8
    }

    fn block(self) -> Option<Block> {
        Block::from_index(self.0 >> CLASS_BITS)
    }
}

/// The bits of a space of cells, for a marker and sweeper on another thread.
#[derive(Debug)]
pub(crate) struct SweeperBits {
    allocated: Bitmap,
    /// Objects that the program has allocated since marking began, or has marked itself.
    new: Bitmap,
    /// Objects that the marker has reached.
    traced: Bitmap,
}

impl SweeperBits {
    /// Marks an object for the marker; returns whether it was unmarked and is not new. Only for the thread
    /// that holds the lock of the work.
    #[inline(always)]
    pub(crate) fn trace(&self, object: ObjectReference) -> bool {
        !self.new.test(object) && self.traced.set(object)
    }

    /// The same for the program, which marks beside that thread: with bits of its own, so both may mark an
    /// object, and scan it, which does no harm.
    #[inline(always)]
    pub(crate) fn trace_beside(&self, object: ObjectReference) -> bool {
        !self.traced.test(object) && self.new.set(object)
    }

    /// Whether an object is new, or marked by the program.
    #[inline(always)]
    pub(crate) fn is_new(&self, object: ObjectReference) -> bool {
        self.new.test(object)
    }

    /// Whether the marker has reached an object.
    #[inline(always)]
    pub(crate) fn is_traced(&self, object: ObjectReference) -> bool {
        self.traced.test(object)
    }

    /// Reclaims the unmarked cells of a block; returns the number of marked ones.
    pub(crate) fn sweep(&self, heap: &Heap, unswept: UnsweptBlock) -> u32 {
        let Some(block) = unswept.block() else { return 0 };
        let memory = heap.memory();
        let forgets = mutant!(memory, "an object allocated while marking is swept");
        let keeps = mutant!(memory, "marks are not cleared");
        let [allocated, new, traced] =
            [&self.allocated, &self.new, &self.traced].map(|bits| bits.block(block));
        let mut live = 0;
        for window in 0..BLOCK_WORDS {
            let born = if forgets { 0 } else { new[window].load(Relaxed) };
            let marked = traced[window].load(Relaxed) | born;
            let dead = allocated[window].load(Relaxed) & !marked;
            let word = block.index() * BLOCK_WORDS as u32 + window as u32;
            poison::poison_cells(memory, word, dead, unswept.class());
            allocated[window].store(marked, Relaxed);
            if !keeps {
                new[window].store(0, Relaxed);
                traced[window].store(0, Relaxed);
            }
            live += marked.count_ones();
        }
        live
    }
}

impl SegregatedSpace<ConcurrentMarks> {
    /// Handles of the bits, for the collector thread.
    pub(crate) fn sweeper_bits(&self) -> SweeperBits {
        let [new, traced] = [&self.marks.new, &self.marks.traced].map(Bitmap::handle);
        SweeperBits { allocated: self.allocated.handle(), new, traced }
    }

    /// Hands all blocks to the sweeper. From now on no object is allocated black.
    pub(crate) fn hand_to_sweeper(&mut self, mut to: impl FnMut(UnsweptBlock)) {
        self.retire_windows();
        (self.black_from, self.large_are_black) = (NONE, false);
        if !mutant!(self.heap.memory(), "a block is allocated from while it is swept") {
            self.newest_listed = [NONE; CLASSES];
        }
        for (info, index) in self.blocks.iter_mut().zip(0..) {
            if info.state != State::Foreign {
                (info.state, info.marked) = (State::Unswept, 0);
                to(UnsweptBlock::of(index, info.class));
            }
        }
    }

    /// Takes a swept block back, with the number of its live cells.
    pub(crate) fn take_swept(&mut self, swept: UnsweptBlock, live: u32) {
        let Some(block) = swept.block() else { return };
        let info = &mut self.blocks[block.index() as usize];
        info.live = live as u16;
        info.state = State::Full;
        if live < cells_per_block(usize::from(info.class)) {
            self.reclassify(block);
        }
    }
}
