//! The blocks of a mark-region space: their states and tables.

use super::LineSpace;
use super::map::LineMap;
use crate::blocks::block::Block;
use crate::memory::units::BLOCK_BYTES;
use std::cell::Cell;

/// The state of a block in its space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum State {
    /// Not in this space.
    #[default]
    Foreign,
    /// Has holes that are not entered: recyclable.
    Holey,
    /// Without holes since the last collection.
    Full,
    /// Allocated from since the last collection.
    Entered,
}

/// Maximum bytes of a block that copies leave empty, if no object is longer.
pub(super) const SHORT_BYTES: u32 = BLOCK_BYTES / 16;

/// The entry of a block, by default of one that is not in this space. In cells, for a marker writes to it
/// while the table is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct BlockInfo {
    pub(super) state: Cell<State>,
    /// Whether the live objects here are to be evacuated.
    pub(super) is_candidate: bool,
    /// Holes that begin before this line have been entered.
    pub(super) entered: Cell<u16>,
    /// Maximum lines of the holes that the last collection left.
    pub(super) longest_hole: u16,
    /// Bytes of live objects longer than [`SHORT_BYTES`], or a little more.
    pub(super) long_bytes: u16,
    /// Bytes of the live objects by the last collection.
    pub(super) live_bytes: u32,
    /// Lines that they reach.
    pub(super) lines: LineMap,
}

impl BlockInfo {
    /// Makes it an empty block that is being allocated from.
    pub(super) fn begin(&self) {
        self.state.set(State::Entered);
        self.entered.set(0);
        self.lines.clear();
    }
}

impl LineSpace {
    /// A new block, without a mark and without a line in use.
    pub(super) fn take_block(&mut self) -> Option<Block> {
        let block = self.heap.acquire(1)?;
        let heap = self.heap.clone();
        if !heap.charges(|| self.cover(block)) {
            self.heap.release(block, 1);
            return None;
        }
        self.marks.clear_block(block);
        self.blocks[block.index() as usize].begin();
        self.used_blocks += 1;
        Some(block)
    }

    /// Extends the tables to `block` and charges for them; false if the limit has no room.
    pub(super) fn cover(&mut self, block: Block) -> bool {
        let len = block.index() as usize + 1;
        self.marks.cover(block) && self.blocks.try_extend(len, BlockInfo::default())
    }
}
