//! The order in which freed cells are reused, and when empty blocks return to the system.
//!
//! A correct program does not depend on it. The effect of a faulty one does: a stale pointer reads its old
//! object, another object, or unmapped memory. So faulty programs run under several orders.
//! [`Order::Lowest`] is the space's own; the others replace its windows by a queue of freed cells, in cold
//! paths only (see [`crate::SegregatedSpace`]).

use crate::blocks::block::{Block, RETAINED_BLOCKS};
use crate::memory::value::ObjectReference;
use crate::object::size_class::CLASSES;
use std::collections::{HashSet, VecDeque};

/// Freed cells of one size that a quarantine withholds.
const QUARANTINE_CELLS: usize = 64;

/// The choice of the next free cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The lowest of a window: the order of all other runs.
    Lowest,
    /// The one freed last, as from a thread-local cache.
    LastFreed,
    /// The one freed first, after 64 more of its size were freed: a quarantine. Empty blocks are kept.
    Quarantine,
}

/// How a heap reuses freed memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reuse {
    /// The choice of the next free cell.
    pub order: Order,
    /// Maximum number of free blocks that stay committed; further ones are returned to the system.
    pub retained_blocks: u32,
}

impl Default for Reuse {
    fn default() -> Self {
        Self { order: Order::Lowest, retained_blocks: RETAINED_BLOCKS }
    }
}

/// The freed cells of a space that are not yet reused, for orders other than [`Order::Lowest`].
#[derive(Debug)]
pub(crate) struct FreedCells {
    quarantines: bool,
    /// Oldest first, by size class.
    queues: [VecDeque<ObjectReference>; CLASSES],
    /// The cells in the queues.
    queued: HashSet<ObjectReference>,
}

impl FreedCells {
    /// No cells; `None` for the space's own order.
    pub(crate) fn new(order: Order) -> Option<Box<Self>> {
        let quarantines = match order {
            Order::Lowest => return None,
            Order::LastFreed => false,
            Order::Quarantine => true,
        };
        let queues = std::array::from_fn(|_| VecDeque::new());
        Some(Box::new(Self { quarantines, queues, queued: HashSet::new() }))
    }

    /// Adds a freed cell of the class.
    pub(crate) fn push(&mut self, class: usize, cell: ObjectReference) {
        if self.queued.insert(cell) {
            self.queues[class].push_back(cell);
        }
    }

    /// The next cell of the class to reuse; it may have been reused otherwise meanwhile.
    pub(crate) fn pop(&mut self, class: usize) -> Option<ObjectReference> {
        let queue = &mut self.queues[class];
        let cell = match self.quarantines {
            true if queue.len() <= QUARANTINE_CELLS => None,
            true => queue.pop_front(),
            false => queue.pop_back(),
        }?;
        self.queued.remove(&cell);
        Some(cell)
    }

    /// Removes the cells of a block that returns to the heap, where it may get another cell size.
    pub(crate) fn remove_block(&mut self, block: Block) {
        let Self { queues, queued, .. } = self;
        queued.retain(|&cell| Block::of(cell) != block);
        queues.iter_mut().for_each(|queue| queue.retain(|cell| queued.contains(cell)));
    }

    /// The bit of the lowest of a window's `free` cells that is in no queue, or 0; `base` are the
    /// reference bits of the window's first granule.
    pub(crate) fn fresh(&self, free: u64, base: u32) -> u64 {
        let is_queued = |bit: &u32| {
            ObjectReference::from_bits(base + (bit << 1))
                .is_some_and(|cell| self.queued.contains(&cell))
        };
        let lowest = (0..64).filter(|bit| free >> bit & 1 == 1).find(|bit| !is_queued(bit));
        lowest.map_or(0, |bit| 1 << bit)
    }

    /// Whether empty blocks return to the heap.
    pub(crate) fn releases_blocks(&self) -> bool {
        !self.quarantines
    }
}

#[cfg(test)]
mod tests;
