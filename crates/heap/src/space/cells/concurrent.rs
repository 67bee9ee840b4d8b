//! Sweeping a space of cells on another thread, while the program goes on allocating in it.
//!
//! 1. *Two sets of marks*: what the program allocates black is noted in the marks of the space, by the
//!    program alone ([`super::slices`]); what a marker reaches in a bitmap of its own, the traced bits.
//!    So neither shares a word with the other, and both set bits by a load and a store. Measured: an
//!    atomic `or` in one bitmap costs 0.7 ns more per object (3.5 for 2.9), so this is not for speed. It
//!    keeps the program's half as it is beside a marker in slices, for a 64th of the heap.
//! 2. *Lend*: when everything reachable is marked, all blocks of the space are lent. The program has no
//!    window in them and finds them on no list; what it allocates meanwhile lies in blocks that it has
//!    taken since, or got back. **Invariant:** each block is swept by one thread and allocated from by
//!    none.
//! 3. *Sweep*: the new allocation bits of a lent block are its two sets of marks, which are cleared.
//! 4. *Take back*: the program takes the block back with the number of its live cells, and lists it or
//!    gives it to the heap. Its free cells are found when a cursor gets there, as always.

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

/// Bits of a [`UnsweptBlock`] that tell the class.
const CLASS_BITS: u32 = 6;

/// A block on loan, and its size class.
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
    /// What the program has allocated since marking began.
    new: Bitmap,
    /// What the marker has reached.
    traced: Bitmap,
}

impl SweeperBits {
    /// Marks an object for the marker; tells whether it was unknown before, and is no new one. For who
    /// has the desk.
    #[inline(always)]
    pub(crate) fn trace(&self, object: ObjectReference) -> bool {
        !self.new.test(object) && self.traced.set(object)
    }

    /// Whether an object is new.
    #[inline(always)]
    pub(crate) fn is_new(&self, object: ObjectReference) -> bool {
        self.new.test(object)
    }

    /// Whether the marker has reached an object.
    #[inline(always)]
    pub(crate) fn is_traced(&self, object: ObjectReference) -> bool {
        self.traced.test(object)
    }

    /// Reclaims what is not marked in a lent block. Returns how many cells are.
    pub(crate) fn sweep(&self, heap: &Heap, lent: UnsweptBlock) -> u32 {
        let Some(block) = lent.block() else { return 0 };
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
            poison::poison_cells(memory, word, dead, lent.class());
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
    /// The bits, for another thread.
    pub(crate) fn sweeper_bits(&self) -> SweeperBits {
        let [new, traced] = [&self.marks.new, &self.marks.traced].map(Bitmap::handle);
        SweeperBits { allocated: self.allocated.handle(), new, traced }
    }

    /// Lends all blocks out, to be swept. From now on nothing is allocated black.
    pub(crate) fn hand_to_sweeper(&mut self, mut to: impl FnMut(UnsweptBlock)) {
        self.retire_windows();
        (self.black_from, self.large_are_black) = (NONE, false);
        if !mutant!(self.heap.memory(), "a block is allocated from while it is swept") {
            self.newest_listed = [NONE; CLASSES];
        }
        for (info, index) in self.blocks.iter_mut().zip(0..) {
            if info.state != State::Foreign {
                (info.state, info.marked) = (State::UnsweptBlock, 0);
                to(UnsweptBlock::of(index, info.class));
            }
        }
    }

    /// Takes a block back that has been swept, with the number of its live cells.
    pub(crate) fn take_swept(&mut self, lent: UnsweptBlock, live: u32) {
        let Some(block) = lent.block() else { return };
        let info = &mut self.blocks[block.index() as usize];
        info.live = live as u16;
        info.state = State::Full;
        if live < cells_per_block(usize::from(info.class)) {
            self.reclassify(block);
        }
    }
}
