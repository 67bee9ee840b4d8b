//! Tests of `reuse.rs`.

use super::*;
use crate::blocks::heap::{Heap, HeapConfig};
use crate::object::header::Layout;
use crate::space::Space;
use crate::space::cells::NoMarks;
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::alloc;

const NODE: Layout = Layout::shape(2, 0, 0, 0);
const LEAF: Layout = Layout::shape(0, 0, 0, 5);

fn space(order: Order) -> NonMovingSpace<NoMarks> {
    let reuse = Reuse { order, retained_blocks: 0 };
    let heap = Heap::with_reuse(HeapConfig::default(), reuse).expect("address space");
    NonMovingSpace::new(&heap).expect("address space")
}

#[test]
fn the_cell_freed_last_is_reused_first() {
    let mut space = space(Order::LastFreed);
    let cells: Vec<_> = (0..10).map(|_| alloc(&mut space, NODE)).collect();
    for index in [3, 7, 5] {
        assert!(space.free(cells[index]));
    }
    let again: Vec<_> = (0..3).map(|_| alloc(&mut space, NODE)).collect();
    assert_eq!(again, [cells[5], cells[7], cells[3]]);
    assert!(!cells.contains(&alloc(&mut space, NODE)), "then a fresh one");
}

#[test]
fn a_quarantine_withholds_cells_and_keeps_their_block() {
    let mut space = space(Order::Quarantine);
    let cells: Vec<_> = (0..QUARANTINE_CELLS + 2).map(|_| alloc(&mut space, NODE)).collect();
    cells.iter().for_each(|&cell| assert!(space.free(cell)));
    assert!(space.heap().is_committed(cells[0]) && !space.is_allocated(cells[0]));
    // Two more than its capacity: the oldest two are reused, in order, then fresh cells.
    assert_eq!([alloc(&mut space, NODE), alloc(&mut space, NODE)], [cells[0], cells[1]]);
    assert!((0..100).all(|_| !cells.contains(&alloc(&mut space, NODE))));
}

#[test]
fn in_every_order_no_cell_is_handed_out_twice_and_empty_blocks_are_released() {
    for order in [Order::Lowest, Order::LastFreed, Order::Quarantine] {
        let mut space = space(order);
        let mut live: Vec<ObjectReference> = Vec::new();
        let mut distinct = HashSet::new();
        for step in 0..20_000_usize {
            if step % 3 < 2 {
                let cell = alloc(&mut space, NODE);
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
        let cells: Vec<_> = (0..5000).map(|_| alloc(&mut space, layout)).collect();
        let blocks = cells.len() as u64 * u64::from(layout.bytes()) / u64::from(crate::BLOCK_BYTES);
        let used_blocks = space.reserved_bytes() / u64::from(crate::BLOCK_BYTES);
        assert!(used_blocks <= blocks + 2, "round {round}: {used_blocks} blocks for {blocks}");
        cells.iter().for_each(|&cell| assert!(space.free(cell)));
    }
}
