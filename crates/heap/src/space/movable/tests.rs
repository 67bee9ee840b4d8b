//! Tests of `movable.rs`.

use super::*;
use crate::context::moves::Moves;
use crate::memory::{Offset32, Offset64};
use crate::object::header::SlotKind;
use crate::object::size_class::MAX_CELL_BYTES;
use crate::space::tests::{accounted_bytes, heap};
use proptest::prelude::*;
use std::sync::atomic::Ordering::Relaxed;

fn copying(heap: &Heap) -> MovableSpace<Copying> {
    MovableSpace::new(heap).unwrap()
}

/// Small objects, and arrays up to the largest that may move.
fn words() -> impl Strategy<Value = u32> {
    // `alloc` adds a slot and a word for the number.
    let most = (MAX_CELL_BYTES - 16) / 8 - 2;
    prop_oneof![6 => 0u32..8, 2 => 8u32..200, 1 => 200..=most]
}

/// An array that holds its number, and a slot.
fn alloc(space: &mut MovableSpace<impl Movement>, words: u32, number: u64) -> ObjectReference {
    let layout = Layout::array(SlotKind::Own, 1, words + 1).unwrap();
    let object = space.alloc(layout, 0).or_else(|| space.alloc_growing(layout, 0, 0)).unwrap();
    space.heap.memory().word64(object, Offset64::word(3)).store(number, Relaxed);
    object
}

fn number(space: &MovableSpace<impl Movement>, object: ObjectReference) -> u64 {
    space.heap.memory().word64(object, Offset64::word(3)).load(Relaxed)
}

/// The slot of an object.
const SLOT: Offset32 = Offset32::word(4);

proptest! {
    #[test]
    fn the_walk_sees_every_object_in_order_and_nothing_else(sizes in proptest::collection::vec(words(), 0..300)) {
        let mut space = copying(&heap());
        let made: Vec<_> = (0..).zip(&sizes).map(|(n, &words)| alloc(&mut space, words, n)).collect();
        prop_assert_eq!(space.objects().collect::<Vec<_>>(), made.clone());
        prop_assert_eq!(space.verify(), Ok(()));
        prop_assert_eq!(space.heap.budget().committed_bytes(), accounted_bytes(&space.heap, &[&space]));
        for object in made {
            prop_assert!(space.is_allocated(object));
            let inside = ObjectReference::from_granule(object.granule() + 1);
            prop_assert!(!space.is_allocated(inside), "no object begins there");
        }
    }

    /// In any order of copying, the copies need at most `copies_bytes`.
    #[test]
    fn copies_of_all_objects_fit_the_room_that_is_kept_for_them(
        sizes in proptest::collection::vec(words(), 0..300),
        order in any::<prop::sample::Index>(),
    ) {
        let heap = heap();
        let (mut from, mut to) = (copying(&heap), copying(&heap));
        let mut made: Vec<_> = (0..).zip(&sizes).map(|(n, &words)| alloc(&mut from, words, n)).collect();
        let stride = 1 + order.index(7);
        made.sort_by_key(|object| object.granule() as usize % stride);
        let before = heap.budget().committed_bytes();
        for &object in &made {
            let copy = to.copy(object);
            prop_assert_eq!(number(&to, copy), number(&from, object));
        }
        prop_assert!(heap.budget().committed_bytes() - before <= from.copies_bytes());
        from.clear();
        prop_assert_eq!((from.reserved_bytes(), from.objects().count()), (0, 0));
        prop_assert_eq!(to.objects().count(), made.len());
        prop_assert_eq!(heap.budget().committed_bytes(), accounted_bytes(&heap, &[&from, &to]));
    }

    /// Marked objects slide together, in order, and their slots follow; the rest is reclaimed.
    #[test]
    fn sliding_keeps_marked_objects_and_their_order(
        objects in proptest::collection::vec((words(), any::<bool>()), 0..300),
        rounds in 1usize..4,
    ) {
        let mut space = MovableSpace::<Sliding>::new(&heap()).unwrap();
        let mut moves = Moves::default();
        moves.start_recording();
        for _ in 0..rounds {
            let mut expected: Vec<u64> = space.objects().map(|o| number(&space, o)).collect();
            let mut kept: Vec<ObjectReference> = space.objects().collect();
            for (n, &(words, lives)) in (1000..).zip(&objects) {
                let object = alloc(&mut space, words, n);
                if lives {
                    expected.push(n);
                    kept.push(object);
                }
            }
            // Anywhere before or behind the object.
            let other = |place: usize| (place * 7 + 3) % kept.len();
            for (place, &object) in kept.iter().enumerate() {
                space.heap.memory().write(object, SLOT, kept[other(place)].bits());
            }
            kept.iter().for_each(|&object| assert!(space.tables.mark(space.heap.memory(), object)));
            space.plan();
            let places: Vec<_> = kept.iter().map(|&object| space.new_place(object)).collect();
            space.slide(&mut moves);
            prop_assert_eq!(space.objects().collect::<Vec<_>>(), places.clone());
            let found: Vec<u64> = space.objects().map(|o| number(&space, o)).collect();
            prop_assert_eq!(found, expected);
            for (place, &object) in places.iter().enumerate() {
                let slot = space.heap.memory().read(object, SLOT);
                prop_assert_eq!(slot, places[other(place)].bits());
            }
            let moved = kept.into_iter().zip(places).filter(|(old, new)| old != new);
            prop_assert_eq!(moves.take(), moved.collect::<Vec<_>>());
            prop_assert_eq!(space.verify(), Ok(()));
            prop_assert_eq!(space.heap.budget().committed_bytes(), accounted_bytes(&space.heap, &[&space]));
        }
    }
}

#[test]
fn a_walk_visits_objects_that_are_added_behind_it() {
    let mut space = copying(&heap());
    let mut cursor = Cursor::default();
    assert_eq!(space.next_object(&mut cursor), None);
    for number in 0..3 * u64::from(BLOCK_BYTES) / 32 {
        let object = alloc(&mut space, 1, number);
        assert_eq!(space.next_object(&mut cursor), Some(object));
        assert_eq!(space.next_object(&mut cursor), None);
    }
}

#[test]
fn an_object_that_was_forwarded_and_is_still_there_is_a_defect() {
    let mut space = copying(&heap());
    let object = alloc(&mut space, 1, 0);
    let word = space.heap.memory().collector_word(object);
    word.store(FORWARDED, Relaxed);
    assert!(space.verify().unwrap_err().contains("is forwarded"));
}
