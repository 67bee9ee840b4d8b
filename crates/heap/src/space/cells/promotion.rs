//! The promotion reserve: copies into a space of cells must not fail, so the collector reserves enough
//! cells beforehand (see [`crate::Nursery`]).
//!
//! Free cells of the right class count. Reserved blocks make up for the rest: empty, charged, and of no
//! class until a copy needs one. The next sweep releases those left.

use super::SegregatedSpace;
use super::blocks::{BlockInfo, FOREIGN, NONE, State};
use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};
use crate::space::mark_tables::MarkTables;

impl<M: MarkTables> SegregatedSpace<M> {
    /// Free cells of a class, counted until there are `most`.
    pub(crate) fn free_cells(&self, class: usize, most: u32) -> u32 {
        let cursor = self.cursors[class];
        let mut free: u32 = cursor.reserved(class).map(|(_, cells)| cells.count_ones()).sum();
        let free_in =
            |index: u32| cells_per_block(class) - u32::from(self.blocks[index as usize].live);
        free += cursor.block.map_or(0, |block| free_in(block.index()));
        let mut listed = self.newest_listed[class];
        while listed != NONE && free < most {
            free += free_in(listed);
            listed = self.blocks[listed as usize].older;
        }
        free.min(most)
    }

    /// Number of classes that have a free cell: after a sweep, all classes in use.
    pub fn usable_classes(&self) -> u64 {
        (0..CLASSES).map(|class| u64::from(self.free_cells(class, 1))).sum()
    }

    /// Reserves a block of the heap for any class; false if the limit has no room.
    pub(crate) fn reserve_block(&mut self) -> bool {
        let Some(block) = self.take_block(0) else { return false };
        let older = std::mem::replace(&mut self.newest_reserved, block.index());
        self.blocks[block.index() as usize] =
            BlockInfo { state: State::Reserved, older, ..FOREIGN };
        self.reserved_blocks += 1;
        true
    }

    /// Number of reserved blocks.
    pub(crate) fn reserved_blocks(&self) -> u32 {
        self.reserved_blocks
    }

    /// A free cell of a class, not initialised: one that the space has, or the first of a reserved block.
    #[inline(always)]
    pub fn take(&mut self, class: usize) -> Option<ObjectReference> {
        self.take_cell(class).or_else(|| self.take_reserved(class))
    }

    #[cold]
    #[inline(never)]
    fn take_reserved(&mut self, class: usize) -> Option<ObjectReference> {
        let block = Block::from_index(self.newest_reserved)?;
        let info = &mut self.blocks[block.index() as usize];
        self.newest_reserved = info.older;
        *info = BlockInfo { class: class as u8, state: State::Full, ..FOREIGN };
        if !mutant!(self.heap.memory(), "a reserved block is counted twice") {
            self.reserved_blocks -= 1;
        }
        self.enter(class, block);
        self.take_cell(class)
    }

    /// Drops the reserve: the sweep releases its blocks.
    pub(super) fn release_reserve(&mut self) {
        (self.newest_reserved, self.reserved_blocks) = (NONE, 0);
    }
}
