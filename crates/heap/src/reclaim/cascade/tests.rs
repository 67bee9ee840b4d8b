//! Tests of `cascade.rs`.

use super::*;
use crate::context::events::PauseKind;
use crate::object::header::{Layout, SlotKind};
use crate::reclaim::count::Count;
use crate::space::Space;
use crate::space::tests::{alloc, set, space};
use proptest::prelude::*;

/// A layout for `references` references: small, an array or a large array.
fn layout(kind: SlotKind, references: usize, size: u8) -> Layout {
    match size {
        0..200 if references <= 4 && kind == SlotKind::Own => Layout::shape(4, 0, 2, 0),
        0..200 if references <= 4 => Layout::shape(0, 4, 0, 1),
        0..250 => Layout::array(kind, references as u32 + 3, 0).unwrap(),
        _ => Layout::array(kind, references as u32 + 4100, 0).unwrap(),
    }
}

fn free(
    space: &mut NonMovingSpace<NoMarks>,
    root: ObjectReference,
    slots: Slots,
    count: Option<Count>,
) {
    let mut pending = space.heap().stack().unwrap();
    let dies = |memory: Memory<'_>, child| match count {
        Some(count) => count.decrement(memory, child),
        None => true,
    };
    cascade(space, &mut pending, &mut EventLog::new(), root, slots, dies);
    assert!(pending.is_empty());
}

proptest! {
    #[test]
    fn a_tree_is_freed_and_its_neighbours_stay(
        parents in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 1..200),
    ) {
        // Each object is below an earlier one, or the root of a tree of its own.
        let tree = |index: usize| {
            let (parent, is_root, _) = &parents[index];
            (!is_root && index > 0).then(|| parent.index(index))
        };
        let children = |index| (0..parents.len()).filter(move |&child| tree(child) == Some(index));
        let root_of = |mut index| {
            while let Some(parent) = tree(index) { index = parent; }
            index
        };
        let mut space = space();
        let mut objects = Vec::new();
        for (index, &(_, _, size)) in parents.iter().enumerate() {
            let layout = layout(SlotKind::Own, children(index).count(), size);
            objects.push(alloc(&mut space, layout));
        }
        for index in 0..objects.len() {
            for (slot, child) in (0..).zip(children(index)) {
                set(&space, objects[index], slot, objects[child]);
            }
        }
        for root in (0..objects.len()).filter(|&index| tree(index).is_none()) {
            free(&mut space, objects[root], Slots::Own, None);
            for (index, &object) in objects.iter().enumerate() {
                prop_assert_eq!(space.is_allocated(object), root_of(index) > root);
            }
        }
        prop_assert_eq!(space.allocated().objects, 0);
    }

    #[test]
    fn objects_counted_elsewhere_stay(
        sizes in proptest::collection::vec(any::<u8>(), 1..60),
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..120),
    ) {
        let count = Count::ONLY;
        let nodes = sizes.len();
        let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
        edges.iter().for_each(|(from, to)| out[from.index(nodes)].push(to.index(nodes)));
        let mut space = space();
        let layouts = out.iter().zip(&sizes).map(|(out, &size)| layout(SlotKind::Shared, out.len(), size));
        // One count each for the root that holds it.
        let objects: Vec<_> =
            layouts.map(|layout| space.alloc_or_grow(layout, count.one()).unwrap()).collect();
        let mut counts = vec![1; nodes];
        for (from, out) in out.iter().enumerate() {
            for (slot, &to) in (0..).zip(out) {
                set(&space, objects[from], slot, objects[to]);
                count.increment(space.heap().memory(), objects[to]);
                counts[to] += 1;
            }
        }
        for released in 0..nodes {
            let mut pending = vec![released];
            while let Some(index) = pending.pop() {
                counts[index] -= 1;
                if counts[index] == 0 { pending.extend(&out[index]); }
            }
            if count.decrement(space.heap().memory(), objects[released]) {
                free(&mut space, objects[released], Slots::All, Some(count));
            }
            for (&object, &expected) in objects.iter().zip(&counts) {
                prop_assert_eq!(space.is_allocated(object), expected > 0);
                if expected > 0 {
                    prop_assert_eq!(count.get(space.heap().memory(), object), expected);
                }
            }
        }
    }
}

#[test]
fn a_cascade_is_a_pause() {
    let mut space = space();
    let node = Layout::shape(1, 0, 0, 0);
    let mut list = alloc(&mut space, node);
    for _ in 1..10_000 {
        let next = alloc(&mut space, node);
        set(&space, next, 0, list);
        list = next;
    }
    let (mut pending, mut log) = (space.heap().stack().unwrap(), EventLog::new());
    log.log_every_pause(1);
    cascade(&mut space, &mut pending, &mut log, list, Slots::Own, |_, _| true);
    assert_eq!((space.allocated().objects, log.pauses().len()), (0, 1));
    assert_eq!(log.pauses()[0].kind, PauseKind::Cascade);
    assert_eq!(pending.committed_bytes(), 0, "a list needs no stack");
}

#[test]
fn a_part_of_a_cascade_leaves_the_rest_pending() {
    let mut space = space();
    let mut pending = space.heap().stack().unwrap();
    let fork = Layout::shape(2, 0, 0, 0);
    let mut tree = alloc(&mut space, fork);
    for _ in 0..500 {
        let (left, root) = (alloc(&mut space, fork), alloc(&mut space, fork));
        set(&space, root, 0, left);
        set(&space, root, 1, tree);
        tree = root;
    }
    pending.push_object(tree);
    let mut left = 1001;
    while left > 0 {
        let part = 7.min(left);
        let freed = cascade_pending(&mut space, &mut pending, 7, Slots::Own, |_, _| true);
        left -= part;
        assert_eq!((freed, space.allocated().objects), (part, u64::from(left)));
    }
    assert_eq!(cascade_pending(&mut space, &mut pending, 7, Slots::Own, |_, _| true), 0);
}
