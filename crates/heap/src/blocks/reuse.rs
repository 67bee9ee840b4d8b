//! In which order freed cells are used again, and when empty blocks go back to the system.
//!
//! A right program does not notice. What becomes of a wrong one hangs on it: whether a stale pointer
//! meets its old object, somebody else's, or no memory at all. So faulty programs are run under
//! several orders. [`Order::Lowest`] is the space's own; the others replace its windows by a queue of
//! freed cells, in cold paths only (see [`crate::CellSpace`]).

use crate::blocks::block::{Block, RETAINED_BLOCKS};
use crate::memory::value::ObjectReference;
use crate::object::size_class::CLASSES;
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

    /// The block goes back to the heap: whatever is made of it next, these cells are no cells.
    pub(crate) fn forget(&mut self, block: Block) {
        let Self { queues, held, .. } = self;
        held.retain(|&cell| Block::of(cell) != block);
        queues.iter_mut().for_each(|queue| queue.retain(|cell| held.contains(cell)));
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
    fn the_cell_freed_last_is_used_first() {
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
    fn a_quarantine_holds_cells_back_and_keeps_their_block() {
        let mut space = space(Order::Quarantine);
        let cells: Vec<_> = (0..QUARANTINE_CELLS + 2).map(|_| alloc(&mut space)).collect();
        cells.iter().for_each(|&cell| assert!(space.free(cell)));
        assert!(space.heap().is_held(cells[0]) && !space.is_allocated(cells[0]));
        // Two more than it holds: the oldest two come back, in order, then fresh ones.
        assert_eq!([alloc(&mut space), alloc(&mut space)], [cells[0], cells[1]]);
        assert!((0..100).all(|_| !cells.contains(&alloc(&mut space))));
    }

    #[test]
    fn whatever_the_order_no_cell_is_handed_out_twice_and_empty_blocks_go_back() {
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
            let held = live.iter().filter(|&&cell| space.heap().is_held(cell)).count();
            assert_eq!(held > live.len() / 2, is_kept, "{order:?}");
        }
    }

    #[test]
    fn a_block_that_was_given_back_has_no_cells_of_its_former_size() {
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
