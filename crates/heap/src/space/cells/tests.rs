//! A space of cells against a model: a list of the allocated objects.

mod parts;

use super::*;
use crate::memory::Offset64;
use crate::memory::units::{BLOCK_GRANULES, GRANULE_BYTES};
use crate::object::header::{Extent, SlotKind};
use crate::object::size_class::MAX_CELL_BYTES;
use crate::space::tests::{accounted_bytes, heap, is_chosen, limited_heap, limits};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Layouts of several classes: the smallest, neighbours, one of few cells a block, the largest.
const LAYOUTS: [Layout; 7] = [
    Layout::shape(0, 0, 0, 0),
    Layout::shape(2, 0, 1, 0),
    Layout::shape(1, 1, 0, 1),
    Layout::shape(3, 2, 1, 8),
    Layout::shape(0, 40, 0, 127),
    array(BLOCK_BYTES / 16 - 48),
    array(MAX_CELL_BYTES / 4 - 6),
];

const fn array(slots: u32) -> Layout {
    match Layout::array(SlotKind::Shared, slots, 0) {
        Some(layout) => layout,
        None => panic!("it is short"),
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// This many objects of a layout.
    Alloc(usize, u8),
    /// Frees this many, from here on in order of address.
    Free(prop::sample::Index, u8),
    /// Frees in batches, as a cascade does.
    FreeBatches(prop::sample::Index, u8),
    FreeAgain(prop::sample::Index),
    RetireWindows,
    /// Marks about this many in 256 and sweeps.
    Collect(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0..LAYOUTS.len(), 0u8..200).prop_map(|(layout, count)| Op::Alloc(layout, count)),
        4 => (index(), any::<u8>()).prop_map(|(start, count)| Op::Free(start, count)),
        2 => (index(), any::<u8>()).prop_map(|(start, count)| Op::FreeBatches(start, count)),
        1 => index().prop_map(Op::FreeAgain),
        1 => Just(Op::RetireWindows),
        2 => any::<u8>().prop_map(Op::Collect),
    ]
}

struct Model<M: Traced> {
    space: SegregatedSpace<M>,
    heap: Heap,
    /// Layout of each object, by address.
    live: BTreeMap<ObjectReference, Layout>,
    dead: Vec<ObjectReference>,
}

impl<M: Traced> Model<M> {
    fn new(limit_bytes: Option<u64>) -> Self {
        let heap = limited_heap(limit_bytes);
        let space = SegregatedSpace::new(&heap).unwrap();
        Self { space, heap, live: BTreeMap::new(), dead: Vec::new() }
    }

    fn alloc(&mut self, layout: Layout) -> bool {
        let Some(object) = self.space.alloc_growing(layout, 0, 0) else { return false };
        self.check_place(object, layout);
        self.check_contents(object, layout);
        self.live.insert(object, layout);
        true
    }

    /// The cell overlaps no other and lies in one block.
    fn check_place(&self, object: ObjectReference, layout: Layout) {
        let end = |object: ObjectReference, layout: Layout| {
            object.granule() + CELL_BYTES[usize::from(layout.class())] / GRANULE_BYTES as u32
        };
        if let Some((&before, &its_layout)) = self.live.range(..=object).next_back() {
            assert!(end(before, its_layout) <= object.granule(), "{object:?} lies in {before:?}");
        }
        if let Some((&after, _)) = self.live.range(object..).next() {
            assert!(end(object, layout) <= after.granule(), "{object:?} reaches into {after:?}");
        }
        assert!(object.granule() % BLOCK_GRANULES + layout.bytes() / 8 <= BLOCK_GRANULES);
    }

    /// The object is cleared; fills it, so that a reused cell is seen to be cleared again.
    fn check_contents(&self, object: ObjectReference, layout: Layout) {
        let memory = self.heap.memory();
        let extent = Extent::of(memory, object);
        assert_eq!((extent.borrow_end, extent.words), (layout.slots(), layout.words()));
        for word in layout.header_bytes() / 8..layout.bytes() / 8 {
            let word = memory.word64(object, Offset64::word(word));
            assert_eq!(word.swap(!0, Relaxed), 0, "{object:?} is not cleared");
        }
    }

    fn chosen(&self, start: &prop::sample::Index, count: u8) -> Vec<ObjectReference> {
        if self.live.is_empty() {
            return Vec::new();
        }
        let start = start.index(self.live.len());
        self.live.keys().copied().skip(start).take(usize::from(count)).collect()
    }

    fn free_all(&mut self, batch: Batch) -> u32 {
        let (freed, others) = self.space.free_batch(batch);
        assert!(others.is_empty());
        freed
    }

    fn forget(&mut self, object: ObjectReference) {
        self.live.remove(&object);
        self.dead.push(object);
    }

    fn play(&mut self, op: &Op) {
        match op {
            Op::Alloc(layout, count) => {
                for _ in 0..*count {
                    if !self.alloc(LAYOUTS[*layout]) {
                        assert_ne!(self.heap.budget().limit_bytes(), u64::MAX, "no limit, no room");
                        break;
                    }
                }
            }
            Op::Free(start, count) => {
                for object in self.chosen(start, *count) {
                    assert!(self.space.free(object));
                    self.forget(object);
                }
            }
            Op::FreeBatches(start, count) => {
                let mut batches: Vec<(Batch, u32)> = Vec::new();
                for object in self.chosen(start, *count) {
                    if let Some((batch, objects)) = batches.last_mut()
                        && batch.add(object)
                    {
                        *objects += 1;
                    } else {
                        batches.push((Batch::of(object), 1));
                    }
                    self.forget(object);
                }
                for (batch, objects) in batches {
                    assert_eq!(self.free_all(batch), objects);
                }
            }
            Op::FreeAgain(which) => {
                // A free cell is refused unless a window has reserved it or another object lies there.
                self.space.retire_windows();
                if !self.dead.is_empty() {
                    let dead = self.dead[which.index(self.dead.len())];
                    if !self.live.contains_key(&dead) {
                        assert!(!self.space.free(dead), "{dead:?} is freed twice");
                        let (freed, others) = self.space.free_batch(Batch::of(dead));
                        assert_eq!((freed, others.objects().next()), (0, Some(dead)));
                    }
                }
            }
            Op::RetireWindows => {
                self.space.retire_windows();
                self.check_bits();
            }
            Op::Collect(share) => {
                self.space.retire_windows();
                let is_marked = |object: ObjectReference| is_chosen(object.granule(), *share);
                for &object in self.live.keys().filter(|&&object| is_marked(object)) {
                    let (_, mut mark) = self.space.marking();
                    assert!(mark(object), "{object:?} is marked already");
                    assert!(!mark(object));
                }
                self.space.sweep();
                let swept = self.live.keys().copied().filter(|&object| !is_marked(object));
                for object in swept.collect::<Vec<_>>() {
                    self.forget(object);
                }
                self.check_bits();
            }
        }
    }

    /// With no window open, the bits are the objects, and every block holds one or is kept empty for a
    /// class in use.
    fn check_bits(&self) {
        let mut kept_free = 0;
        for (index, info) in self.space.blocks.iter().enumerate() {
            let block = Block::from_index(index as u32).unwrap();
            let bits = |map: &Bitmap| -> u32 {
                map.block(block).iter().map(|word| word.load(Relaxed).count_ones()).sum()
            };
            let objects = self.live.keys().filter(|&&object| Block::of(object) == block).count();
            if info.state == State::Foreign {
                assert_eq!(objects, 0);
            } else {
                assert_eq!(bits(&self.space.allocated) as usize, objects);
                assert_eq!(usize::from(info.live), objects);
                assert_eq!(bits(self.space.marks()), 0, "marks are left");
                kept_free += usize::from(objects == 0);
            }
        }
        assert!(kept_free <= CLASSES, "{kept_free} empty blocks are kept");
    }

    fn check(&self) {
        let mut occupancy = Occupancy::default();
        for (&object, layout) in &self.live {
            assert!(self.space.is_allocated(object));
            occupancy.add(1, CELL_BYTES[usize::from(layout.class())]);
        }
        for object in self.dead.iter().filter(|object| !self.live.contains_key(object)) {
            assert!(!self.space.is_allocated(*object), "{object:?} was freed");
        }
        assert_eq!(self.space.allocated(), occupancy);
        let committed_bytes = self.heap.budget().committed_bytes();
        assert_eq!(self.heap.reserved_bytes(), self.space.reserved_bytes());
        assert_eq!(committed_bytes, accounted_bytes(&self.heap, &[&self.space]));
        // The table of blocks cannot refuse: it may overdraw by what it grew last.
        let limit_bytes = self.heap.budget().limit_bytes();
        assert!(committed_bytes <= limit_bytes.saturating_add(self.heap.metadata_bytes()));
    }
}

proptest! {
    #[test]
    fn cells_are_where_the_model_says(
        ops in proptest::collection::vec(op(), 1..30),
        limit_bytes in limits(4..40),
    ) {
        let mut model = Model::<MarkBits>::new(limit_bytes);
        for op in &ops {
            model.play(op);
            model.check();
        }
        for object in model.live.keys().copied().collect::<Vec<_>>() {
            prop_assert!(model.space.free(object));
        }
        model.space.retire_windows();
        // Twice, for the first sweep may keep a block for each class that it found in use.
        model.space.sweep();
        model.space.sweep();
        prop_assert_eq!(model.space.reserved_bytes(), 0, "empty blocks were kept");
        let heap = model.heap.clone();
        drop(model);
        prop_assert_eq!(heap.budget().committed_bytes(), accounted_bytes(&heap, &[]));
    }
}

#[test]
fn a_block_is_given_back_with_its_last_cell() {
    let mut model = Model::<MarkBits>::new(None);
    let layout = LAYOUTS[0];
    let count = cells_per_block(usize::from(layout.class())) * 3;
    (0..count).for_each(|_| assert!(model.alloc(layout)));
    assert_eq!(model.space.reserved_bytes(), 3 * u64::from(BLOCK_BYTES));
    let objects: Vec<ObjectReference> = model.live.keys().copied().collect();
    for (freed, &object) in (1..).zip(&objects) {
        assert!(model.space.free(object));
        let full = u64::from((count - freed).div_ceil(count / 3));
        // The current block of a class stays until the class has another.
        assert!(
            (full..=full.max(1)).contains(&(model.space.reserved_bytes() / u64::from(BLOCK_BYTES)))
        );
    }
}

#[test]
fn a_full_space_finds_a_larger_cell_as_last_resort() {
    let mut model = Model::<MarkBits>::new(Some(8 * u64::from(BLOCK_BYTES)));
    while model.alloc(LAYOUTS[3]) {}
    let (&object, _) = model.live.first_key_value().unwrap();
    assert!(!model.space.grow(LAYOUTS[0]));
    assert_eq!(model.space.alloc_anywhere(LAYOUTS[0], 0), None);
    assert!(model.space.free(object));
    assert_eq!(model.space.alloc_anywhere(LAYOUTS[4], 0), None, "the cell is too small for it");
    assert_eq!(model.space.alloc_anywhere(LAYOUTS[0], 0), Some(object));
}

#[test]
fn freeing_twice_into_the_window_does_not_spoil_the_account() {
    let mut space = SegregatedSpace::<NoMarks>::new(&heap()).unwrap();
    let layout = Layout::shape(2, 0, 0, 0);
    assert!(space.grow(layout));
    let objects: Vec<_> = (0..4).filter_map(|_| space.alloc(layout, 0)).collect();
    objects.iter().for_each(|&object| assert!(space.free(object)));
    // Makes the block reserve its first window again, then frees what is merely reserved.
    space.retire_windows();
    assert!(space.grow(layout));
    let again = space.alloc(layout, 0).unwrap();
    let reserved = ObjectReference::from_bits(again.bits() + 8).unwrap();
    space.free(reserved);
    space.retire_windows();
    assert_eq!(space.allocated().objects, 1);
}
