//! Checks the tables of a space of cells against each other. For tests: it looks at everything.

use super::CellSpace;
use super::blocks::{NONE, State};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;
use crate::object::size_class::{CELL_STARTS, CLASSES, cells_per_block};
use std::sync::atomic::Ordering::Relaxed;

impl CellSpace {
    /// Every cell that holds an object.
    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.used().flat_map(|block| {
            let words = self.allocated.block(block).iter().map(|word| word.load(Relaxed));
            let first = block.first_granule();
            let cells = words.zip(0..).flat_map(move |(word, index)| {
                let bits = (0..64).filter(move |bit| word >> bit & 1 != 0);
                bits.map(move |bit| ObjectReference::from_granule(first + index * 64 + bit))
            });
            cells.filter(|&object| self.is_allocated(object))
        })
    }

    fn used(&self) -> impl Iterator<Item = Block> {
        let used = self.blocks.iter().zip(0..).filter(|(info, _)| info.state != State::Foreign);
        used.filter_map(|(_, index)| Block::from_index(index))
    }

    /// Checks bits against starts of cells, counts against bits, lists against states, and that no mark
    /// is left, or that all are where they belong if the space keeps them (`keeps_marks`).
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub(crate) fn verify(&self, keeps_marks: bool) -> Result<(), String> {
        let mut listed = 0;
        for block in self.used() {
            let info = self.blocks[block.index() as usize];
            let class = usize::from(info.class);
            if info.state == State::Lent {
                return Err(format!("{block:?} is on loan, and nothing is being swept"));
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
                return Err(format!("{block:?} has free cells, and is on no list"));
            }
            listed += usize::from(info.state == State::Listed);
            if keeps_marks {
                self.verify_marks(block)?;
                continue;
            }
            let has_marks =
                |marks: &Bitmap| marks.block(block).iter().any(|w| w.load(Relaxed) != 0);
            let mut marks = [&self.marks, &self.traced].into_iter().flatten();
            if marks.any(has_marks) || info.marked > 0 {
                return Err(format!("{block:?} has marks, and nothing is being marked"));
            }
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

    /// Every mark of a block is that of an allocated cell, and counted.
    fn verify_marks(&self, block: Block) -> Result<(), String> {
        let Some(marks) = &self.marks else { return Ok(()) };
        let (mut marked, counted) = (0, self.blocks[block.index() as usize].marked);
        for (mark, allocated) in marks.block(block).iter().zip(self.allocated.block(block)) {
            let (mark, allocated) = (mark.load(Relaxed), allocated.load(Relaxed));
            if mark & !allocated != 0 {
                return Err(format!("{block:?} has a mark where no cell is allocated"));
            }
            marked += mark.count_ones();
        }
        if marked != u32::from(counted) {
            return Err(format!("{block:?} counts {counted} marks, but has {marked}"));
        }
        Ok(())
    }

    /// Follows every list; returns how many blocks are on them.
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
