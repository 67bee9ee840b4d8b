//! In which order freed cells are used again, and when empty blocks go back to the system.
//!
//! A right program does not notice. What becomes of a wrong one hangs on it: whether a stale pointer
//! meets its old object, somebody else's, or no memory at all. So faulty programs are run under
//! several orders. [`Order::Lowest`] is the space's own; the others replace its windows by a queue of
//! freed cells, in cold paths only (see [`crate::CellSpace`]).

use crate::block::RETAINED_BLOCKS;
use crate::size_class::CLASSES;
use crate::value::ObjectReference;
use std::collections::{HashSet, VecDeque};

/// Freed cells of one size that a quarantine holds back.
const QUARANTINE_CELLS: usize = 64;

/// Which free cell is taken next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The lowest of a window: what everything else here runs with.
    Lowest,
    /// The one freed last, as a cache of each thread hands it out.
    LastFreed,
    /// The one freed first, and not before 64 more of its size were freed: a quarantine. It keeps
    /// empty blocks.
    Quarantine,
}

/// How a heap uses freed memory again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reuse {
    /// Which free cell is taken next.
    pub order: Order,
    /// Free blocks kept from the system; what is more goes back to it, and is no memory any more.
    pub retained_blocks: u32,
}

impl Default for Reuse {
    fn default() -> Self {
        Self { order: Order::Lowest, retained_blocks: RETAINED_BLOCKS }
    }
}

/// The cells of a space that were freed and not used again, where their order matters.
#[derive(Debug)]
pub(crate) struct FreedCells {
    quarantines: bool,
    /// Oldest first, by size class.
    queues: [VecDeque<ObjectReference>; CLASSES],
    /// What is in a queue.
    held: HashSet<ObjectReference>,
}

impl FreedCells {
    /// No cells; nothing at all where the space keeps its own order.
    pub(crate) fn new(order: Order) -> Option<Box<Self>> {
        let quarantines = match order {
            Order::Lowest => return None,
            Order::LastFreed => false,
            Order::Quarantine => true,
        };
        let queues = std::array::from_fn(|_| VecDeque::new());
        Some(Box::new(Self { quarantines, queues, held: HashSet::new() }))
    }

    /// A cell of the class was freed.
    pub(crate) fn push(&mut self, class: usize, cell: ObjectReference) {
        if self.held.insert(cell) {
            self.queues[class].push_back(cell);
        }
    }

    /// The cell of the class to use again next; it may have been used otherwise meanwhile.
    pub(crate) fn pop(&mut self, class: usize) -> Option<ObjectReference> {
        let queue = &mut self.queues[class];
        let cell = match self.quarantines {
            true if queue.len() <= QUARANTINE_CELLS => None,
            true => queue.pop_front(),
            false => queue.pop_back(),
        }?;
        self.held.remove(&cell);
        Some(cell)
    }

    /// Of the free cells of a window, the lowest that is in no queue; `base` are the reference bits
    /// of the window's first granule.
    pub(crate) fn fresh(&self, free: u64, base: u32) -> u64 {
        let is_held = |bit: &u32| {
            ObjectReference::from_bits(base + (bit << 1))
                .is_some_and(|cell| self.held.contains(&cell))
        };
        let lowest = (0..64).filter(|bit| free >> bit & 1 == 1).find(|bit| !is_held(bit));
        lowest.map_or(0, |bit| 1 << bit)
    }

    /// Whether an empty block goes back to the heap.
    pub(crate) fn gives_back(&self) -> bool {
        !self.quarantines
    }
}
