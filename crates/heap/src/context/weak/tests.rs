//! Random graphs, marked and swept, against a model that rescans all objects until nothing changes.

use super::*;
use crate::memory::value::Value;
use crate::object::header::{Extent, Layout};
use crate::reclaim::snapshot::{Slice, SnapshotTracer};
use crate::space::Space;
use crate::space::cells::{ConcurrentMarks, MarkBits, ParallelMarks};
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::{accounted_bytes, heap};
use crate::trace::grey_queue::GreyQueue;
use crate::trace::mark::Marker;
use crate::trace::parallel::ParallelMarker;
use proptest::prelude::*;
use std::collections::HashSet;

/// Ordinary objects have two slots, arrays four.
const NODE: Layout = Layout::shape(0, 2, 0, 0);
const SLOTS: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Node,
    Weak,
    Ephemerons,
}

/// The kind and the referents of each object.
#[derive(Clone, Debug)]
struct Graph {
    kinds: Vec<Kind>,
    slots: Vec<[Option<usize>; SLOTS]>,
}

impl Graph {
    fn reached(&self, roots: &[usize]) -> HashSet<usize> {
        let mut reached: HashSet<usize> = roots.iter().copied().collect();
        loop {
            let mut more = HashSet::new();
            for &object in &reached {
                let slots = self.slots[object];
                match self.kinds[object] {
                    Kind::Node => more.extend(slots[..2].iter().flatten()),
                    Kind::Weak => {}
                    Kind::Ephemerons => {
                        let pairs = slots.chunks(2);
                        let live = pairs.filter(|p| p[0].is_some_and(|key| reached.contains(&key)));
                        more.extend(live.filter_map(|pair| pair[1]));
                    }
                }
            }
            let before = reached.len();
            reached.extend(more);
            if reached.len() == before {
                return reached;
            }
        }
    }

    fn clear(&mut self, reached: &HashSet<usize>) {
        let is_dead = |slot: Option<usize>| slot.is_none_or(|object| !reached.contains(&object));
        for (kind, slots) in self.kinds.iter().zip(&mut self.slots) {
            match kind {
                Kind::Node => {}
                Kind::Weak => {
                    slots.iter_mut().filter(|slot| is_dead(**slot)).for_each(|s| *s = None)
                }
                Kind::Ephemerons => {
                    slots.chunks_mut(2).filter(|pair| is_dead(pair[0])).for_each(|p| p.fill(None));
                }
            }
        }
    }
}

fn graphs() -> impl Strategy<Value = Graph> {
    let kind =
        prop_oneof![4 => Just(Kind::Node), 1 => Just(Kind::Weak), 3 => Just(Kind::Ephemerons)];
    proptest::collection::vec(kind, 1..40).prop_flat_map(|kinds| {
        let count = kinds.len();
        let slot = proptest::option::weighted(0.6, 0..count);
        let slots = proptest::collection::vec(proptest::array::uniform4(slot), count);
        (Just(kinds), slots).prop_map(|(kinds, slots)| Graph { kinds, slots })
    })
}

/// A marker with its space.
enum Tracer {
    Serial(NonMovingSpace<MarkBits>, Marker),
    Incremental(NonMovingSpace<MarkBits>, GreyQueue),
    Parallel(NonMovingSpace<ParallelMarks>, ParallelMarker),
    Concurrent(NonMovingSpace<ConcurrentMarks>, SnapshotTracer),
}

/// Makes a tracer.
type New = fn(&Heap) -> Tracer;

impl Tracer {
    const ALL: [New; 4] = [
        |heap| Self::Serial(NonMovingSpace::new(heap).unwrap(), Marker::new(heap, 4).unwrap()),
        |heap| {
            Self::Incremental(NonMovingSpace::new(heap).unwrap(), GreyQueue::new(heap, 4).unwrap())
        },
        |heap| {
            let marker = ParallelMarker::new(heap, 4, 2, 1).unwrap();
            Self::Parallel(NonMovingSpace::marked_by(heap, &marker).unwrap(), marker)
        },
        |heap| {
            let space = NonMovingSpace::new(heap).unwrap();
            let tracer = SnapshotTracer::new(&space, 4, 0).unwrap();
            Self::Concurrent(space, tracer)
        },
    ];

    fn space(&self) -> &dyn Space {
        match self {
            Self::Serial(space, _) | Self::Incremental(space, _) => space,
            Self::Parallel(space, _) => space,
            Self::Concurrent(space, _) => space,
        }
    }

    fn alloc(&mut self, layout: Layout) -> ObjectReference {
        match self {
            Self::Serial(space, _) | Self::Incremental(space, _) => space.alloc_or_grow(layout, 0),
            Self::Parallel(space, _) => space.alloc_or_grow(layout, 0),
            Self::Concurrent(space, _) => space.alloc_or_grow(layout, 0),
        }
        .unwrap()
    }

    fn collect(
        &mut self,
        weak: &mut ReferenceProcessor,
        roots: impl Iterator<Item = ObjectReference>,
    ) {
        match self {
            Self::Serial(space, marker) => {
                roots.for_each(|root| marker.push(root));
                space.trace(marker);
                space.trace_weak(marker, weak);
                space.sweep();
            }
            Self::Incremental(space, greys) => {
                roots.filter(|&root| space.shade(root)).for_each(|root| greys.push(root));
                space.trace_some(greys, u64::MAX);
                space.trace_weak_in_slices(greys, weak);
                space.begin_sweep();
                while space.small.sweep_some(1) {}
            }
            Self::Parallel(space, marker) => {
                roots.for_each(|root| marker.push(root));
                space.trace_in_parallel(marker);
                space.trace_weak_serially(marker, weak);
                space.sweep();
            }
            Self::Concurrent(space, tracer) => {
                space.small.begin_black();
                tracer.begin(roots, Slice::ALL);
                while tracer.mark_some(u64::MAX) {}
                tracer.trace_weak(weak);
                tracer.hand_to_sweeper(space);
                while tracer.sweep_some(space, u32::MAX, u32::MAX) {}
                tracer.end();
            }
        }
    }

    fn metadata_bytes(&self) -> u64 {
        match self {
            Self::Serial(_, marker) => marker.metadata_bytes(),
            Self::Incremental(_, greys) => greys.metadata_bytes(),
            Self::Parallel(_, marker) => marker.metadata_bytes(),
            Self::Concurrent(_, tracer) => tracer.metadata_bytes(),
        }
    }
}

proptest! {
    /// Two collections in a row: the second begins with the objects that the first made ready.
    #[test]
    fn exactly_unreachable_objects_are_cleared_and_ready(
        mut graph in graphs(),
        roots in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
        registered in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        skipped: bool,
        tracer in proptest::sample::select(Tracer::ALL.to_vec()),
    ) {
        let count = graph.kinds.len();
        let heap = heap();
        let mut tracer = tracer(&heap);
        let mut weak = ReferenceProcessor::new(&heap);
        let memory = heap.memory();
        let mut objects = Vec::new();
        for kind in &graph.kinds {
            let (layout, weak_kind) = match kind {
                Kind::Node => (NODE, None),
                Kind::Weak => (Layout::array(SlotKind::Weak, 4, 0).unwrap(), Some(SlotKind::Weak)),
                Kind::Ephemerons => {
                    (Layout::array(SlotKind::Ephemeral, 4, 0).unwrap(), Some(SlotKind::Ephemeral))
                }
            };
            let object = tracer.alloc(layout);
            weak_kind.into_iter().for_each(|kind| weak.register(kind, object));
            objects.push(object);
        }
        for (&object, slots) in objects.iter().zip(&graph.slots) {
            let extent = Extent::of(memory, object);
            for index in 0..extent.slots {
                let value: Value = slots[index as usize].map(|other| objects[other]).into();
                memory.write(object, extent.slot(index), value.bits());
            }
        }
        let roots: Vec<usize> = roots.iter().map(|root| root.index(count)).collect();
        let mut registered: Vec<(usize, u32)> =
            registered.iter().map(|object| object.index(count)).zip(0..).collect();
        registered.iter().for_each(|&(object, tag)| weak.register_finalizable(objects[object], tag));
        let mut ready: Vec<(usize, u32)> = Vec::new();

        for first in [true, false] {
            let skips = first && skipped;
            if skips {
                weak.skip_cycle();
            }
            tracer.collect(&mut weak, roots.iter().map(|&root| objects[root]));
            prop_assert_eq!(tracer.space().verify(), Ok(()));

            let with = |others: &[(usize, u32)]| {
                roots.iter().copied().chain(others.iter().map(|&(object, _)| object)).collect::<Vec<_>>()
            };
            let mut reached = graph.reached(&with(&ready));
            graph.clear(&reached);
            if !registered.is_empty() && skips {
                reached = graph.reached(&[with(&ready), with(&registered)].concat());
            } else {
                let (kept, unreached): (Vec<_>, Vec<_>) =
                    registered.iter().partition(|&&(object, _)| reached.contains(&object));
                registered = kept;
                ready.extend(unreached);
                reached = graph.reached(&with(&ready));
            }
            let found: Vec<_> = weak.ready().collect();
            let expected: Vec<_> = ready.iter().map(|&(object, tag)| (objects[object], tag)).collect();
            prop_assert_eq!(found, expected);
            for (index, &object) in objects.iter().enumerate() {
                prop_assert_eq!(tracer.space().is_allocated(object), reached.contains(&index), "object {}", index);
                if reached.contains(&index) {
                    let extent = Extent::of(memory, object);
                    for slot in 0..extent.slots {
                        let found = Value::from_bits(memory.read(object, extent.slot(slot)));
                        let expected = graph.slots[index][slot as usize].map(|other| objects[other]);
                        prop_assert_eq!(found.referent(), expected);
                    }
                }
            }
        }
        let bytes = accounted_bytes(&heap, &[tracer.space()]);
        let queues_bytes = tracer.metadata_bytes() + weak.metadata_bytes();
        prop_assert_eq!(bytes + queues_bytes, heap.budget().committed_bytes());
    }
}

#[test]
fn a_heap_without_weak_references_pays_nothing() {
    let mut weak = ReferenceProcessor::new(&heap());
    assert!(!weak.advance(|_| panic!("no object is looked up"), |_| panic!("no object is traced")));
    assert_eq!(weak.metadata_bytes(), 0);
}
