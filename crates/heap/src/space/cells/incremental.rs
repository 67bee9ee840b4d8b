//! Incremental marking and sweeping of a space of cells, while the program allocates in it.
//!
//! 1. *Credit*: the space lets cursors enter blocks with `credit_bytes` of free cells; then allocation
//!    fails, and the collector runs. The credit is checked once per block, never per object.
//! 2. *Black windows*: an object allocated while marking may have to be born marked. So that the fast
//!    path does no work for it, a window is marked as a whole when it is reserved.
//! 3. *Sweep*: block by block, upwards. Behind the sweep a new object is unmarked, as in any swept
//!    block; ahead of it windows are black, so that the sweep finds their objects marked.

use super::blocks::{NONE, State};
use super::{Cursor, MarkBits, NO_WINDOW, SegregatedSpace, Traced};
use crate::blocks::block::Block;
use crate::blocks::poison;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};
use crate::space::mark_tables::MarkTables;
use std::sync::atomic::Ordering::Relaxed;

impl<M: MarkTables> SegregatedSpace<M> {
    /// Lets cursors enter blocks with `bytes` of free cells from now on.
    pub fn set_credit(&mut self, bytes: u64) {
        self.credit_bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    /// The rest of the credit; negative once cursors entered more, or blocks came from the heap.
    pub fn credit_bytes(&self) -> i64 {
        self.credit_bytes
    }

    /// Allocates every cell marked from now on.
    pub fn begin_black(&mut self) {
        self.retire_windows();
        (self.black_from, self.large_are_black) = (0, true);
    }

    /// Marks a window that has been reserved, where cells are allocated black.
    #[inline(always)]
    pub(super) fn mark_reserved(&mut self, block: Block, window: usize, cells: u64) {
        if block.index() >= self.black_from
            && let Some(marks) = self.marks.bitmaps().next()
            && !mutant!(self.heap.memory(), "an object allocated black is white")
        {
            let word = &marks.block(block)[window];
            word.store(word.load(Relaxed) | cells, Relaxed);
            self.blocks[block.index() as usize].marked += cells.count_ones() as u16;
        }
    }

    /// Returns the reserved cells of a class, and their marks, to their block.
    pub(super) fn retire_window(&mut self, class: usize) {
        let cursor = self.cursors[class];
        let Some(block) = cursor.block else { return };
        let info = &mut self.blocks[block.index() as usize];
        let keeps = mutant!(self.heap.memory(), "a window that is left keeps its marks");
        for (window, cells) in cursor.reserved(class) {
            let word = &self.allocated.block(block)[window];
            // A program that frees twice may have cleared some of these bits already.
            let reserved = word.load(Relaxed) & cells;
            word.store(word.load(Relaxed) & !reserved, Relaxed);
            info.live -= reserved.count_ones() as u16;
            if let Some(marks) = self.marks.bitmaps().next()
                && !keeps
            {
                let word = &marks.block(block)[window];
                let marked = word.load(Relaxed) & reserved;
                if marked != 0 {
                    word.store(word.load(Relaxed) & !marked, Relaxed);
                    info.marked -= marked.count_ones() as u16;
                }
            }
        }
        self.cursors[class] = Cursor { block: Some(block), scan: cursor.scan, ..NO_WINDOW };
    }

    /// Retires all windows: afterwards a set allocation bit means an object, and a block without one has
    /// returned to the heap.
    pub fn retire_windows(&mut self) {
        for class in 0..CLASSES {
            self.retire_window(class);
            if let Some(block) = self.cursors[class].block {
                self.leave(class, block);
            }
            self.cursors[class] = NO_WINDOW;
        }
    }
}

impl SegregatedSpace<MarkBits> {
    /// Sets the mark of an object; returns whether it was clear. Does not count it, so that a barrier needs
    /// a shared reference only.
    #[inline(always)]
    pub(crate) fn shade(&self, object: ObjectReference) -> bool {
        self.marks.bits().set(object)
    }

    /// A function that shades an object, and one that counts its mark when it is scanned.
    #[inline(always)]
    pub(crate) fn shading(
        &mut self,
    ) -> (impl Fn(ObjectReference) -> bool + use<'_>, impl FnMut(ObjectReference) + use<'_>) {
        let Self { marks, blocks, heap, .. } = self;
        let (marks, memory) = (marks.bits(), heap.memory());
        let shade = move |object| marks.set(object);
        let count = move |object: ObjectReference| {
            if let Some(info) = blocks.get_mut(object.block() as usize) {
                let forgets =
                    mutant!(memory, "a mark is not counted") && object.granule().is_multiple_of(6);
                info.marked = info.marked.wrapping_add(u16::from(!forgets));
            }
        };
        (shade, count)
    }

    /// After marking: prepares for [`SegregatedSpace::sweep_some`], which reclaims the unmarked cells.
    pub fn begin_sweep(&mut self) {
        self.begin_black();
        self.large_are_black = false;
    }

    /// Sweeps the next `most` blocks; returns whether there are more.
    pub fn sweep_some(&mut self, most: u32) -> bool {
        let blocks = self.blocks.len() as u32;
        let end = self.black_from.saturating_add(most).min(blocks);
        (self.black_from..end).for_each(|index| self.sweep_block(index));
        let has_more = end < blocks;
        self.black_from = if has_more { end } else { NONE };
        has_more
    }

    fn sweep_block(&mut self, index: u32) {
        let Some(block) = Block::from_index(index) else { return };
        let marks = self.marks.bits();
        let info = &mut self.blocks[index as usize];
        let marked = std::mem::take(&mut info.marked);
        if info.state == State::Foreign {
            return;
        }
        let class = usize::from(info.class);
        poison::poison_swept(self.heap.memory(), block, [&self.allocated, marks], info.class);
        let keeps = mutant!(self.heap.memory(), "marks are not cleared");
        for (allocated, mark) in self.allocated.block(block).iter().zip(marks.block(block)) {
            allocated.store(mark.load(Relaxed), Relaxed);
            if !keeps {
                mark.store(0, Relaxed);
            }
        }
        info.live = marked;
        let is_current = self.cursors[class].block == Some(block);
        if u32::from(marked) < cells_per_block(class) && !is_current {
            self.reclassify(block);
        }
    }
}
