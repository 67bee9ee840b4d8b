//! Cells for copies, which cannot be refused one by one: who copies into a space of cells sees to it
//! beforehand that it has enough of them (see [`crate::Nursery`]).
//!
//! Free cells of the right class will do. What is missing is made up for by blocks that are set aside:
//! empty, charged, and of no class until a copy needs one. The next sweep gives the rest back.

use super::blocks::{BlockInfo, FOREIGN, NONE, State};
use super::{MarkTables, SegregatedSpace};
use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::cells_per_block;

impl<M: MarkTables> SegregatedSpace<M> {
    /// Free cells of a class, counted until there are `most`.
    pub fn free_cells(&self, class: usize, most: u32) -> u32 {
        let cursor = self.cursors[class];
        let mut free = cursor.free.count_ones();
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

    /// Takes a block from the heap, for whichever class will need it; false if the limit has no room.
    pub fn reserve_block(&mut self) -> bool {
        let Some(block) = self.take_block(0) else { return false };
        let older = std::mem::replace(&mut self.newest_reserved, block.index());
        self.blocks[block.index() as usize] =
            BlockInfo { state: State::Reserved, older, ..FOREIGN };
        self.reserved_blocks += 1;
        true
    }

    /// Blocks that are set aside.
    pub fn reserved_blocks(&self) -> u32 {
        self.reserved_blocks
    }

    /// A free cell of a class, nothing in it written yet: one that the space has, or the first of a block
    /// that was set aside.
    #[inline(always)]
    pub fn take(&mut self, class: usize) -> Option<ObjectReference> {
        if self.cursors[class].free == 0 && !self.next_window(class) && !self.enter_reserved(class)
        {
            return None;
        }
        Some(self.pop(class))
    }

    #[cold]
    #[inline(never)]
    fn enter_reserved(&mut self, class: usize) -> bool {
        let Some(block) = Block::from_index(self.newest_reserved) else { return false };
        let info = &mut self.blocks[block.index() as usize];
        self.newest_reserved = info.older;
        *info = BlockInfo { class: class as u8, state: State::Full, ..FOREIGN };
        if !mutant!(self.heap.memory(), "a reserved block is counted twice") {
            self.reserved_blocks -= 1;
        }
        self.enter(class, block);
        self.next_window(class)
    }

    /// Forgets the blocks that are set aside: a sweep gives them back.
    pub(super) fn release_reserve(&mut self) {
        (self.newest_reserved, self.reserved_blocks) = (NONE, 0);
    }
}
