//! The blocks of a mark-region space: what each is to it.

use super::LineSpace;
use super::map::LineMap;
use crate::blocks::block::Block;
use crate::memory::units::BLOCK_BYTES;
use std::cell::Cell;

/// What a block is to its space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Not in this space.
    Foreign,
    /// Has holes that nobody has entered: recyclable.
    Holey,
    /// Has no hole since the last collection.
    Full,
    /// Has been allocated from since the last collection.
    Entered,
}

/// The rest of a block that copies may leave empty, if no object is longer.
pub(super) const SHORT_BYTES: u32 = BLOCK_BYTES / 16;

/// What is known of a block. Cells, for a marker writes to it while others look at the table.
#[derive(Clone, Debug)]
pub(super) struct BlockInfo {
    pub(super) state: Cell<State>,
    /// Whether what lives here is being copied elsewhere.
    pub(super) is_candidate: bool,
    /// Holes that begin before this line have been entered.
    pub(super) entered: Cell<u16>,
    /// No hole that the last collection left has more lines.
    pub(super) longest_hole: u16,
    /// Bytes of those objects among them that are longer than [`SHORT_BYTES`], or a little more.
    pub(super) long_bytes: u16,
    /// Bytes of the objects that live here by the last collection.
    pub(super) live_bytes: u32,
    /// Lines that they reach.
    pub(super) lines: LineMap,
}

impl BlockInfo {
    /// A block that is not in this space.
    pub(super) fn foreign() -> Self {
        Self {
            state: Cell::new(State::Foreign),
            is_candidate: false,
            entered: Cell::new(0),
            longest_hole: 0,
            long_bytes: 0,
            live_bytes: 0,
            lines: LineMap::empty(),
        }
    }

    /// Makes it an empty block that somebody allocates from.
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
        if !self.cover(block) {
            self.heap.release(block, 1);
            return None;
        }
        self.marks.clear_block(block);
        self.blocks[block.index() as usize].begin();
        self.used_blocks += 1;
        Some(block)
    }

    /// Makes the tables reach `block`, charging for them.
    pub(super) fn cover(&mut self, block: Block) -> bool {
        if !self.marks.cover(block) {
            return false;
        }
        let needed = block.index() as usize + 1;
        if needed > self.blocks.capacity() {
            let grown = needed.next_power_of_two().max(64);
            let bytes = (grown - self.blocks.capacity()) * size_of::<BlockInfo>();
            if !self.heap.budget().try_charge(bytes as u64) {
                return false;
            }
            let before = self.table_bytes();
            self.blocks.reserve_exact(grown - self.blocks.len());
            let surplus = self.table_bytes() - before - bytes as u64;
            self.heap.budget().charge(surplus);
        }
        if needed > self.blocks.len() {
            self.blocks.resize(needed, BlockInfo::foreign());
        }
        true
    }

    pub(super) fn table_bytes(&self) -> u64 {
        (self.blocks.capacity() * size_of::<BlockInfo>()) as u64
    }
}
