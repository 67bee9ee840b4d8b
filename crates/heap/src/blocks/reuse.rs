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
    pub(crate) fn forget(&mut self, block: Block) {
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
mod tests {
    use super::*;
    use crate::blocks::heap::{Heap, HeapConfig};
    use crate::object::header::Layout;
    use crate::space::Space;
    use crate::space::cells::NoMarks;
    use crate::space::non_moving::NonMovingSpace;

    const NODE: Layout = Layout::shape(2, 0, 0, 0);
    const LEAF: Layout = Layout::shape(0, 0, 0, 5);

    fn space(order: Order) -> NonMovingSpace<NoMarks> {
        let reuse = Reuse { order, retained_blocks: 0 };
        let heap = Heap::with_reuse(HeapConfig::default(), reuse).expect("address space");
        NonMovingSpace::new(&heap).expect("address space")
    }

    fn alloc(space: &mut NonMovingSpace<NoMarks>) -> ObjectReference {
        alloc_as(space, NODE)
    }

    fn alloc_as(space: &mut NonMovingSpace<NoMarks>, layout: Layout) -> ObjectReference {
        space
            .alloc(layout, 0)
            .or_else(|| space.alloc_growing(layout, 0))
            .expect("there is no limit")
    }

    #[test]
    fn the_cell_freed_last_is_reused_first() {
        let mut space = space(Order::LastFreed);
        let cells: Vec<_> = (0..10).map(|_| alloc(&mut space)).collect();
        for index in [3, 7, 5] {
            assert!(space.free(cells[index]));
        }
        let again: Vec<_> = (0..3).map(|_| alloc(&mut space)).collect();
        assert_eq!(again, [cells[5], cells[7], cells[3]]);
        assert!(!cells.contains(&alloc(&mut space)), "then a fresh one");
    }

    #[test]
    fn a_quarantine_withholds_cells_and_keeps_their_block() {
        let mut space = space(Order::Quarantine);
        let cells: Vec<_> = (0..QUARANTINE_CELLS + 2).map(|_| alloc(&mut space)).collect();
        cells.iter().for_each(|&cell| assert!(space.free(cell)));
        assert!(space.heap().is_committed(cells[0]) && !space.is_allocated(cells[0]));
        // Two more than its capacity: the oldest two are reused, in order, then fresh cells.
        assert_eq!([alloc(&mut space), alloc(&mut space)], [cells[0], cells[1]]);
        assert!((0..100).all(|_| !cells.contains(&alloc(&mut space))));
    }

    #[test]
    fn in_every_order_no_cell_is_handed_out_twice_and_empty_blocks_are_released() {
        for order in [Order::Lowest, Order::LastFreed, Order::Quarantine] {
            let mut space = space(order);
            let mut live: Vec<ObjectReference> = Vec::new();
            let mut distinct = HashSet::new();
            for step in 0..20_000_usize {
                if step % 3 < 2 {
                    let cell = alloc(&mut space);
                    assert!(distinct.insert(cell), "{order:?}: {cell:?} is in use");
                    live.push(cell);
                } else {
                    let cell = live.swap_remove(step * 7919 % live.len());
                    distinct.remove(&cell);
                    assert!(space.free(cell) && !space.free(cell));
                }
                assert_eq!(space.allocated().objects, live.len() as u64);
            }
            live.iter().for_each(|&cell| assert!(space.free(cell)));
            assert_eq!(space.allocated().objects, 0);
            let is_kept = order == Order::Quarantine;
            let committed = live.iter().filter(|&&cell| space.heap().is_committed(cell)).count();
            assert_eq!(committed > live.len() / 2, is_kept, "{order:?}");
        }
    }

    #[test]
    fn a_released_block_has_no_cells_of_its_former_size() {
        let mut space = space(Order::LastFreed);
        for round in 0..10 {
            let layout = if round % 2 == 0 { NODE } else { LEAF };
            let cells: Vec<_> = (0..5000).map(|_| alloc_as(&mut space, layout)).collect();
            let blocks =
                cells.len() as u64 * u64::from(layout.bytes()) / u64::from(crate::BLOCK_BYTES);
            let used_blocks = space.reserved_bytes() / u64::from(crate::BLOCK_BYTES);
            assert!(used_blocks <= blocks + 2, "round {round}: {used_blocks} blocks for {blocks}");
            cells.iter().for_each(|&cell| assert!(space.free(cell)));
        }
    }
}
