//! Helpers of the unit tests: heaps, spaces and their accounts.

use crate::blocks::heap::{Heap, HeapConfig};
use crate::memory::Memory;
use crate::memory::units::BLOCK_BYTES;
use crate::memory::value::{ObjectReference, Value};
use crate::object::header::{Extent, Layout, Slots};
use crate::space::Space;
use crate::space::mark_tables::MarkTables;
use crate::space::non_moving::NonMovingSpace;
use proptest::prelude::*;
use std::collections::HashSet;
use std::ops::Range;

/// A heap without a limit.
pub(crate) fn heap() -> Heap {
    limited_heap(None)
}

pub(crate) fn limited_heap(limit_bytes: Option<u64>) -> Heap {
    Heap::new(HeapConfig { limit_bytes, ..HeapConfig::default() }).unwrap()
}

/// No limit, or one of a number of blocks.
pub(crate) fn limits(blocks: Range<u64>) -> impl Strategy<Value = Option<u64>> {
    let limit = blocks.prop_map(|blocks| Some(blocks * u64::from(BLOCK_BYTES)));
    prop_oneof![Just(None), limit]
}

/// An empty space on a heap of its own.
pub(crate) fn space<M: MarkTables>() -> NonMovingSpace<M> {
    NonMovingSpace::new(&heap()).unwrap()
}

pub(crate) fn alloc<M: MarkTables>(
    space: &mut NonMovingSpace<M>,
    layout: Layout,
) -> ObjectReference {
    space.alloc_or_grow(layout, 0).unwrap()
}

/// Stores in a slot, without a barrier.
pub(crate) fn set<M: MarkTables>(
    space: &NonMovingSpace<M>,
    object: ObjectReference,
    slot: u32,
    value: impl Into<Value>,
) {
    let memory = space.heap().memory();
    memory.write(object, Extent::of(memory, object).slot(slot), value.into().bits());
}

/// The objects reachable from the roots.
pub(crate) fn reachable(memory: Memory<'_>, roots: &[ObjectReference]) -> HashSet<ObjectReference> {
    let (mut found, mut pending) = (HashSet::new(), roots.to_vec());
    while let Some(object) = pending.pop() {
        if found.insert(object) {
            pending.extend(memory.children(object, Slots::All));
        }
    }
    found
}

/// The committed bytes of a heap whose only parts are these spaces.
pub(crate) fn accounted_bytes(heap: &Heap, spaces: &[&dyn Space]) -> u64 {
    let parts = spaces.iter().map(|space| space.reserved_bytes() + space.metadata_bytes());
    parts.sum::<u64>() + heap.retained_bytes() + heap.metadata_bytes()
}

/// A rule that chooses about `share` in 256 of all numbers.
pub(crate) fn is_chosen(number: u32, share: u8) -> bool {
    number.wrapping_mul(0x9e37_79b1) >> 24 < u32::from(share)
}
