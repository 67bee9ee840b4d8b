//! Checks all tables of a space of cells against each other. Slow: for tests.

use super::SegregatedSpace;
use super::blocks::{NONE, State};
use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;
use crate::object::size_class::{CELL_STARTS, CLASSES, cells_per_block};
use crate::space::Space;
use crate::space::mark_tables::MarkTables;
use std::sync::atomic::Ordering::Relaxed;

impl<M: MarkTables> SegregatedSpace<M> {
    /// Every cell that holds an object.
    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.used().flat_map(|block| {
            self.allocated.objects_in(block).filter(|&object| self.is_allocated(object))
        })
    }

    fn used(&self) -> impl Iterator<Item = Block> {
        let used = self.blocks.iter().zip(0..).filter(|(info, _)| info.state != State::Foreign);
        used.filter_map(|(_, index)| Block::from_index(index))
    }

    /// Checks bits against starts of cells, counts against bits, lists against states, and marks.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub(super) fn verify_tables(&self) -> Result<(), String> {
        let mut listed = 0;
        for block in self.used() {
            let info = self.blocks[block.index() as usize];
            let class = usize::from(info.class);
            if info.state == State::Unswept {
                return Err(format!("{block:?} is still to be swept"));
            }
            let mut live = 0;
            for (index, word) in self.allocated.block(block).iter().enumerate() {
                let bits = word.load(Relaxed);
                if bits & !CELL_STARTS[class][index] != 0 {
                    return Err(format!("{block:?} of class {class}: a bit inside a cell"));
                }
                live += bits.count_ones();
            }
            if live != u32::from(info.live) {
                return Err(format!("{block:?} counts {} cells, but holds {live}", info.live));
            }
            let has_free = live < cells_per_block(class);
            if info.state == State::Full && has_free && self.freed.is_none() {
                return Err(format!("{block:?} has free cells, but is on no list"));
            }
            listed += usize::from(info.state == State::Listed);
            self.marks.verify(block, &self.allocated, info.marked)?;
        }
        let on_lists = self.verify_lists()?;
        if on_lists != listed {
            return Err(format!("{listed} blocks count as listed, {on_lists} are on lists"));
        }
        let used = self.used().count();
        if used != self.used_blocks as usize {
            return Err(format!(
                "{used} blocks are in the space, which counts {}",
                self.used_blocks
            ));
        }
        Ok(())
    }

    /// Walks every list; returns the number of blocks on them.
    fn verify_lists(&self) -> Result<usize, String> {
        let mut on_lists = 0;
        for class in 0..CLASSES {
            let (mut newer, mut next) = (NONE, self.newest_listed[class]);
            while let Some(info) = self.blocks.get(next as usize) {
                if info.state != State::Listed || usize::from(info.class) != class {
                    return Err(format!("block {next} is on the list of class {class}: {info:?}"));
                }
                if info.newer != newer || on_lists > self.blocks.len() {
                    return Err(format!("the list of class {class} is broken at block {next}"));
                }
                on_lists += 1;
                (newer, next) = (next, info.older);
            }
        }
        Ok(on_lists)
    }
}
