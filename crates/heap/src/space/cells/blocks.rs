//! The blocks of a space of cells: their states, and the lists of those with free cells.

use super::SegregatedSpace;
use crate::blocks::block::Block;
use crate::mutant;
use crate::space::mark_tables::MarkTables;

/// The state of a block in its space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Not in this space.
    Foreign,
    /// A cursor allocates from it.
    Current,
    /// Empty, and reserved for any class.
    Reserved,
    /// On its class's list: has, or may have, free cells.
    Listed,
    /// Had no free cell when its cursor left it, and nothing was freed in it since.
    Full,
    /// Handed to the sweeper: see [`super::concurrent`].
    Unswept,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BlockInfo {
    pub(super) class: u8,
    pub(super) state: State,
    /// Cells whose allocation bit is set.
    pub(super) live: u16,
    /// Cells marked in the current cycle.
    pub(super) marked: u16,
    /// Neighbours on the class's list; `NONE` at its ends.
    pub(super) newer: u32,
    pub(super) older: u32,
}

pub(super) const NONE: u32 = u32::MAX;
pub(super) const FOREIGN: BlockInfo =
    BlockInfo { class: 0, state: State::Foreign, live: 0, marked: 0, newer: NONE, older: NONE };

impl<M: MarkTables> SegregatedSpace<M> {
    /// A new block for a class, in no list yet.
    pub(super) fn take_block(&mut self, class: usize) -> Option<Block> {
        let block = self.heap.acquire(1)?;
        let heap = self.heap.clone();
        if !heap.charges(|| self.cover(block)) {
            self.heap.release(block, 1);
            return None;
        }
        self.allocated.clear_block(block);
        self.used_blocks += 1;
        self.blocks[block.index() as usize] =
            BlockInfo { class: class as u8, state: State::Full, ..FOREIGN };
        Some(block)
    }

    /// Extends the tables to `block` and charges for them; false if the limit has no room.
    pub(super) fn cover(&mut self, block: Block) -> bool {
        let len = block.index() as usize + 1;
        self.allocated.cover(block)
            && self.marks.cover(block)
            && self.blocks.try_extend(len, FOREIGN)
    }

    /// Puts a block with a free cell on the list, or releases it if all its cells are free.
    #[inline(never)]
    pub(super) fn reclassify(&mut self, block: Block) {
        let info = self.blocks[block.index() as usize];
        match (info.state, info.live) {
            (State::Current, _) => {}
            (state, 0) => {
                if state == State::Listed
                    && !mutant!(self.heap.memory(), "an empty block stays on its list")
                {
                    self.unlist(block);
                }
                self.release(block);
            }
            (State::Full, _) => self.list(block),
            (State::Listed | State::Reserved | State::Foreign | State::Unswept, _) => {}
        }
    }

    pub(super) fn release(&mut self, block: Block) {
        if let Some(freed) = &mut self.freed {
            freed.remove_block(block);
        }
        self.blocks[block.index() as usize] = FOREIGN;
        self.used_blocks -= 1;
        self.heap.release(block, 1);
    }

    pub(super) fn list(&mut self, block: Block) {
        let class = usize::from(self.blocks[block.index() as usize].class);
        let older = std::mem::replace(&mut self.newest_listed[class], block.index());
        if older != NONE {
            self.blocks[older as usize].newer = block.index();
        }
        let info = &mut self.blocks[block.index() as usize];
        (info.state, info.newer, info.older) = (State::Listed, NONE, older);
    }

    pub(super) fn unlist(&mut self, block: Block) {
        let BlockInfo { class, newer, older, .. } = self.blocks[block.index() as usize];
        if newer == NONE {
            self.newest_listed[usize::from(class)] = older;
        } else {
            self.blocks[newer as usize].older = older;
        }
        if older != NONE {
            self.blocks[older as usize].newer = newer;
        }
    }
}
