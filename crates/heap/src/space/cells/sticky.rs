//! Sweeping a space of cells with sticky marks: a marked object is old (Demers and others, POPL 1990).
//!
//! Between collections the allocation bits of a block are its marks and the cells allocated since. So
//! a block with equal counts of both has nothing to sweep, and is not touched. In any other the marks
//! are copied over the allocation bits.
//!
//! **Invariant:** every mark is that of an allocated cell.

use super::blocks::State;
use super::{SegregatedSpace, StickyMarks, Traced};
use crate::blocks::block::Block;
use crate::blocks::poison;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};
use std::sync::atomic::Ordering::Relaxed;

impl SegregatedSpace<StickyMarks> {
    /// Reclaims every unmarked cell and keeps the marks.
    pub fn sweep_unmarked(&mut self) {
        self.retire_windows();
        let mut is_used = [false; CLASSES];
        // Downwards, so that the blocks listed here are listed lowest first.
        for index in (0..self.blocks.len()).rev() {
            let info = &mut self.blocks[index];
            let class = usize::from(info.class);
            is_used[class] |= info.marked > 0;
            if info.state == State::Foreign || info.live == info.marked {
                continue;
            }
            let Some(block) = Block::from_index(index as u32) else { continue };
            let marks = self.marks.bits();
            poison::poison_swept(self.heap.memory(), block, [&self.allocated, marks], info.class);
            let loses = mutant!(self.heap.memory(), "a minor sweep loses old marks");
            for (allocated, mark) in self.allocated.block(block).iter().zip(marks.block(block)) {
                allocated.store(mark.load(Relaxed), Relaxed);
                if loses {
                    mark.store(0, Relaxed);
                }
            }
            info.live = info.marked;
            if loses {
                info.marked = 0;
            }
            if u32::from(info.live) < cells_per_block(class) {
                self.reclassify(block);
            }
        }
        self.share_out(is_used);
    }

    /// Makes all objects young: clears all marks of cells.
    pub fn clear_marks(&mut self) {
        for (info, index) in self.blocks.iter_mut().zip(0..) {
            let marked = std::mem::take(&mut info.marked);
            if marked > 0
                && info.state != State::Foreign
                && let Some(block) = Block::from_index(index)
            {
                self.marks.bits().clear_block(block);
            }
        }
    }
}
