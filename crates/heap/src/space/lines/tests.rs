//! A mark-region space against a model: a list of the live objects, each with its number.

use super::*;
use crate::context::moves::Moves;
use crate::context::roots::RootStack;
use crate::context::weak::ReferenceProcessor;
use crate::memory::Offset64;
use crate::memory::os::PAGE_BYTES;
use crate::memory::value::Value;
use crate::object::header::{Extent, SlotKind, Slots};
use crate::object::shape::{Ephemeral, Slot};
use crate::object::size_class::MAX_CELL_BYTES;
use crate::space::tests::{accounted_bytes, is_chosen, limited_heap, limits};
use crate::trace::mark::Marker;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

struct Model {
    space: LineSpace,
    marker: Marker,
    heap: Heap,
    live: Vec<(ObjectReference, Layout, u64)>,
    made: u64,
}

impl Model {
    fn new(line_bytes: u32, limit_bytes: Option<u64>) -> Self {
        let heap = limited_heap(limit_bytes);
        let (space, marker) =
            (LineSpace::new(&heap, line_bytes).unwrap(), Marker::new(&heap, 16).unwrap());
        Self { space, marker, heap, live: Vec::new(), made: 0 }
    }

    /// An array that holds its number.
    fn alloc(&mut self, words: u32, any_hole: bool) -> Option<ObjectReference> {
        let layout = Layout::array(SlotKind::Shared, 0, words.max(1)).unwrap();
        let space = &mut self.space;
        let object = space.alloc(layout, 0);
        let object = object.or_else(|| any_hole.then(|| space.alloc_anywhere(layout, 0))?);
        let object = object.or_else(|| space.alloc_growing(layout, 0, 0))?;
        let extent = Extent::of(self.heap.memory(), object);
        assert_eq!(extent.words, layout.words());
        for word in 0..layout.words() {
            let word = self.heap.memory().word64(object, Offset64::word(2 + word));
            assert_eq!(word.swap(self.made, Relaxed), 0, "{object:?} is not cleared");
        }
        self.live.push((object, layout, self.made));
        self.made += 1;
        Some(object)
    }

    /// Keeps the objects chosen by `keep`, each by its own root; returns the number of moved ones.
    fn collect(&mut self, available_bytes: u64, keep: impl Fn(u64) -> bool) -> usize {
        self.live.retain(|&(.., number)| keep(number));
        let roots = RootStack::new(&self.heap).unwrap();
        let locals: Vec<_> =
            self.live.iter().map(|&(object, ..)| roots.push_local(Some(object))).collect();
        let mut weak = ReferenceProcessor::new(&self.heap);
        let moved = self.trace_and_sweep(available_bytes, &roots, &mut weak);
        for ((object, ..), root) in self.live.iter_mut().zip(roots.iter()) {
            assert_eq!(root.object, moved.get(object).copied().unwrap_or(*object));
            *object = root.object;
        }
        drop(locals);
        moved.len()
    }

    /// Returns the new places of the objects that moved.
    fn trace_and_sweep(
        &mut self,
        available_bytes: u64,
        roots: &RootStack,
        weak: &mut ReferenceProcessor,
    ) -> HashMap<ObjectReference, ObjectReference> {
        let mut moves = Moves::default();
        moves.start_recording();
        self.space.select_candidates(available_bytes, 0);
        self.space.trace(&mut self.marker, roots, &mut moves, weak);
        self.marker.shrink();
        self.space.sweep();
        moves.take().into_iter().collect()
    }

    fn check(&self) {
        let memory = self.heap.memory();
        let mut bytes = 0;
        let mut places = Vec::new();
        for &(object, layout, number) in &self.live {
            assert!(self.space.is_allocated(object));
            let inside = ObjectReference::from_granule(object.granule() + 1);
            assert!(!self.space.is_allocated(inside), "no object begins there");
            for word in [0, layout.words() - 1] {
                let word = memory.word64(object, Offset64::word(2 + word));
                assert_eq!(word.load(Relaxed), number, "{object:?} was overwritten");
            }
            bytes += u64::from(layout.bytes());
            places.push(object);
        }
        let mut found: Vec<_> = self.space.objects().collect();
        found.sort();
        places.sort();
        assert_eq!(found, places);
        assert_eq!(self.space.allocated_bytes(), bytes);
        assert_eq!(self.space.verify(), Ok(()));
        assert_eq!(self.heap.reserved_bytes(), self.space.reserved_bytes());
        let bytes = accounted_bytes(&self.heap, &[&self.space]) + self.marker.metadata_bytes();
        assert_eq!(self.heap.budget().committed_bytes(), bytes);
    }

    fn used_blocks(&self) -> u64 {
        self.space.reserved_bytes() / u64::from(BLOCK_BYTES)
    }
}

fn alloc(space: &mut LineSpace, layout: Layout) -> ObjectReference {
    space.alloc(layout, 0).or_else(|| space.alloc_growing(layout, 0, 0)).unwrap()
}

#[derive(Clone, Debug)]
enum Op {
    /// Allocates objects: their words, their count, and whether in holes between others if need be.
    Alloc(u32, u16, bool),
    /// Keeps about this many in 256, and copies to at most this many blocks.
    Collect(u8, u32),
}

fn op() -> impl Strategy<Value = Op> {
    let most = (MAX_CELL_BYTES - 16) / 8;
    let words = prop_oneof![6 => 1u32..8, 3 => 8u32..64, 2 => 64..most / 2, 1 => most / 2..=most];
    prop_oneof![
        3 => (words, 1u16..200, any::<bool>()).prop_map(|(w, count, holes)| Op::Alloc(w, count, holes)),
        1 => (any::<u8>(), 0u32..6).prop_map(|(share, blocks)| Op::Collect(share, blocks)),
    ]
}

proptest! {
    #[test]
    fn objects_are_where_the_model_says(
        ops in proptest::collection::vec(op(), 1..16),
        line_bytes in prop_oneof![Just(128), Just(256)],
        limit_bytes in limits(4..40),
    ) {
        let mut model = Model::new(line_bytes, limit_bytes);
        for op in ops {
            match op {
                Op::Alloc(words, count, any_hole) => {
                    let made = (0..count).take_while(|_| model.alloc(words, any_hole).is_some());
                    let made = made.count();
                    prop_assert!(limit_bytes.is_some() || made == usize::from(count), "no limit, no room");
                }
                Op::Collect(share, blocks) => {
                    let available_bytes = u64::from(blocks * BLOCK_BYTES);
                    let used_blocks = model.used_blocks();
                    model.collect(available_bytes, |number| is_chosen(number as u32, share));
                    prop_assert!(model.used_blocks() <= used_blocks, "a collection takes more blocks than it releases");
                    let limit_bytes = model.heap.budget().limit_bytes();
                    let peak_bytes = model.heap.budget().peak_bytes();
                    // The table of blocks and the mark queue cannot refuse.
                    prop_assert!(peak_bytes <= limit_bytes.saturating_add(3 * PAGE_BYTES as u64));
                }
            }
            model.check();
        }
        model.collect(0, |_| false);
        prop_assert_eq!(model.used_blocks(), 0, "empty blocks were kept");
        let heap = model.heap.clone();
        drop(model);
        prop_assert_eq!(heap.budget().committed_bytes(), accounted_bytes(&heap, &[]));
    }
}

/// A heap in which one object of 32 bytes in `one_in` lives.
fn sparse(blocks: u32, one_in: u64) -> Model {
    let mut model = Model::new(128, None);
    (0..blocks * BLOCK_BYTES / 32).for_each(|_| assert!(model.alloc(2, false).is_some()));
    assert_eq!(model.used_blocks(), u64::from(blocks));
    model.collect(0, |number| number.is_multiple_of(one_in));
    assert_eq!(model.used_blocks(), u64::from(blocks), "one lives in each");
    model
}

#[test]
fn holes_are_filled_before_the_space_grows() {
    // A line of four lives in sixteen.
    let mut model = sparse(20, 64);
    let holes_bytes = model.space.reserved_bytes() / 16 * 15;
    let before = model.live.len();
    for _ in 0..holes_bytes / 32 {
        let layout = Layout::array(SlotKind::Shared, 0, 2).unwrap();
        assert!(model.space.alloc(layout, 0).is_some());
    }
    assert_eq!(model.space.allocated().objects, before as u64 + holes_bytes / 32);
    let one_more = Layout::array(SlotKind::Shared, 0, 1).unwrap();
    assert_eq!(model.space.alloc(one_more, 0), None, "there is no hole left");
}

#[test]
fn a_long_object_leaves_the_holes_to_others() {
    let mut model = sparse(20, 64);
    // Fifteen lines are free in a row: the open hole has room for one, not two.
    let layout = Layout::array(SlotKind::Shared, 0, 128).unwrap();
    let short = Layout::array(SlotKind::Shared, 0, 2).unwrap();
    assert!(model.space.alloc(short, 0).is_some());
    assert!(model.space.alloc(layout, 0).is_some());
    assert_eq!(model.space.alloc(layout, 0), None);
    assert!(model.space.grow(layout, 0));
    let block = Block::of(model.space.alloc(layout, 0).unwrap());
    assert!(Block::of(model.space.alloc(short, 0).unwrap()) != block, "the hole is open still");
    // Without a block of its own it takes holes one by one.
    let mut model = sparse(20, 64);
    let mut made = 0;
    while model.space.alloc(layout, 0).is_some() || model.space.open_large_hole(layout) {
        made += 1;
    }
    assert!(made >= 20 * (BLOCK_BYTES / 128 / 16), "{made} objects in holes");
    assert_eq!(model.space.verify(), Ok(()));
}

#[test]
fn sparse_blocks_are_evacuated_as_far_as_there_is_room() {
    let most = [(0, 32..=32), (1, 25..=26), (2, 18..=19), (4, 5..=6), (32, 4..=5)];
    for (room_blocks, expected) in most {
        let mut model = sparse(32, 8);
        let moved = model.collect(room_blocks * u64::from(BLOCK_BYTES), |_| true);
        assert_eq!(moved == 0, room_blocks == 0);
        model.check();
        let used = model.used_blocks();
        assert!(expected.contains(&used), "{used} blocks after copying to {room_blocks}");
    }
}

#[test]
fn references_to_a_copy_are_updated() {
    let mut model = sparse(32, 8);
    // One list through all of them, from its newest object.
    let layout = Layout::array(SlotKind::Shared, 1, 1).unwrap();
    let memory = model.heap.clone();
    let memory = memory.memory();
    let mut head = None;
    for number in 0..20 * BLOCK_BYTES / 32 {
        let node = alloc(&mut model.space, layout);
        memory.word64(node, Offset64::word(3)).store(number.into(), Relaxed);
        if number % 8 == 0 {
            memory.write(
                node,
                Extent::of(memory, node).slot(0),
                head.map_or(0, ObjectReference::bits),
            );
            head = Some(node);
        }
    }
    for round in 0..3 {
        let roots = RootStack::new(&model.heap).unwrap();
        let _list = roots.push_local(head);
        let mut weak = ReferenceProcessor::new(&model.heap);
        let moved = model.trace_and_sweep(64 * u64::from(BLOCK_BYTES), &roots, &mut weak);
        assert_eq!(moved.is_empty(), round != 1, "the first knows no block's live bytes");
        assert_eq!(model.space.verify(), Ok(()));
        head = roots.iter().next().map(|root| root.object);
        let (mut next, mut length) = (head, 0);
        while let Some(node) = next {
            assert!(model.space.is_allocated(node));
            length += 1;
            next = memory.slots(node, Slots::All).find_map(Value::reference);
        }
        assert_eq!(length, 20 * BLOCK_BYTES / 32 / 8);
    }
}

/// Each value is the key of the ephemeron before it, so that all but the first key are reached late: copied
/// ones and those that stay.
#[test]
fn a_chain_of_ephemerons_is_followed_while_objects_move() {
    const LINKS: u32 = 4000;
    let mut model = Model::new(128, None);
    let (heap, mut weak) = (model.heap.clone(), ReferenceProcessor::new(&model.heap));
    let memory = heap.memory();
    let mut alloc = |layout: Layout| alloc(&mut model.space, layout);
    let layout = Layout::shape(0, 0, 0, 1);
    let chain: Vec<_> = (0..=LINKS)
        .map(|number| {
            let node = alloc(layout);
            memory.word64(node, Offset64::word(1)).store(number.into(), Relaxed);
            // The later ones lie among garbage, which makes their blocks worth copying.
            (0..if number > LINKS / 2 { 10 } else { 0 }).for_each(|_| _ = alloc(layout));
            node
        })
        .collect();
    let tables: Vec<_> = (0..LINKS / 1000)
        .map(|_| alloc(Layout::array(SlotKind::Ephemeral, 2000, 0).unwrap()))
        .collect();
    for (pair, number) in chain.windows(2).rev().zip(0..) {
        let (table, place) = (tables[number as usize / 1000], number % 1000);
        memory.write(table, Slot::key(place).offset(), pair[0].bits());
        memory.write(table, Slot::value(place).offset(), pair[1].bits());
    }
    tables.iter().for_each(|&table| weak.register(SlotKind::Ephemeral, table));
    let roots = RootStack::new(&heap).unwrap();
    let mut held: Vec<_> = tables.iter().map(|&table| roots.push_local(Some(table))).collect();
    held.push(roots.push_local(Some(chain[0])));
    for moves_some in [false, true, false] {
        let moved = model.trace_and_sweep(64 * u64::from(BLOCK_BYTES), &roots, &mut weak).len();
        assert_eq!(moved > 0 && moved < chain.len(), moves_some, "{moved} have moved");
        assert_eq!(model.space.verify(), Ok(()));
        assert_eq!(model.space.allocated().objects as usize, chain.len() + tables.len());
    }
    let tables: Vec<_> = roots.iter().map(|root| root.object).collect();
    for number in 0..LINKS {
        let (table, place) = (tables[number as usize / 1000], number % 1000);
        let found = [Slot::key(place), Slot::value(place)].map(|slot: Slot<Ephemeral>| {
            let node = Value::from_bits(memory.read(table, slot.offset())).referent().unwrap();
            memory.word64(node, Offset64::word(1)).load(Relaxed)
        });
        assert_eq!(found, [LINKS - 1 - number, LINKS - number].map(u64::from));
    }
}
