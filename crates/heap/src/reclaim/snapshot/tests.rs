//! A program that runs concurrently with the tracer, checked against the reachability of its own graph.

use super::*;
use crate::memory::value::Value;
use crate::object::header::{Extent, Layout, SlotKind};
use crate::space::Space;
use crate::space::tests::{accounted_bytes, alloc, reachable, space};
use crate::trace::background::ALL_SLICES;
use proptest::prelude::*;
use std::collections::HashSet;

const SMALL: Slice = Slice { work: 3, blocks: 1 };

/// A program: its objects; the first `roots` of them are its roots.
struct Program {
    objects: NonMovingSpace<ConcurrentMarks>,
    tracer: SnapshotTracer,
    held: Vec<ObjectReference>,
    roots: usize,
}

impl Program {
    fn new(sizes: &[u32], roots: usize) -> Self {
        let objects = space();
        let tracer = SnapshotTracer::new(&objects, 4, 0).unwrap();
        let mut program = Self { objects, tracer, held: Vec::new(), roots };
        sizes.iter().for_each(|&slots| program.alloc(slots));
        program
    }

    fn alloc(&mut self, slots: u32) {
        let layout = Layout::array(SlotKind::Shared, slots, 0).unwrap();
        self.held.push(alloc(&mut self.objects, layout));
    }

    /// With the barrier.
    fn store(&self, from: usize, slot: u32, to: Value) {
        self.replace(from, slot, to, |old| self.tracer.log(old));
    }

    /// Passes the slot's referent to `log`, then stores.
    fn replace(&self, from: usize, slot: u32, to: Value, log: impl FnMut(ObjectReference)) {
        let memory = self.objects.heap().memory();
        let extent = Extent::of(memory, self.held[from]);
        if let Some(slot) = slot.checked_rem(extent.borrow_end) {
            let at = extent.slot(slot);
            let old = Value::from_bits(memory.read(self.held[from], at));
            old.reference().into_iter().for_each(log);
            memory.publish(self.held[from], at, to.bits());
        }
    }

    fn reachable(&self) -> HashSet<ObjectReference> {
        reachable(self.objects.heap().memory(), &self.held[..self.roots])
    }

    fn begin(&mut self, slice: Slice) {
        self.objects.small.begin_black();
        self.tracer.begin(self.held[..self.roots].iter().copied(), slice);
    }

    fn finish(&mut self) {
        while self.tracer.mark_some(u64::MAX) {}
        self.tracer.hand_to_sweeper(&mut self.objects);
        self.tracer.set_credit(ALL_SLICES);
        while self.tracer.sweep_some(&mut self.objects, 1, 1) {}
        self.tracer.end();
    }
}

proptest! {
    /// Exactly the objects reachable at the beginning or allocated since survive, for all operations of
    /// the program.
    #[test]
    fn a_snapshot_is_kept_and_the_rest_reclaimed(
        sizes in proptest::collection::vec(prop_oneof![8 => 0u32..4, 1 => 4000u32..5000], 3..60),
        edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..80),
        // The program allocates, or stores or marks while the thread works, or waits for a slice of it.
        steps in proptest::collection::vec((0u8..5, any::<prop::sample::Index>(), any::<u32>(), any::<prop::sample::Index>()), 0..80),
        is_free: bool,
    ) {
        let mut program = Program::new(&sizes, 2);
        // Before the cycle no reference need be logged.
        for (from, slot, to) in edges {
            let to = program.held[to.index(sizes.len())];
            program.replace(from.index(sizes.len()), slot, to.into(), |_| ());
        }
        let snapshot = program.reachable();
        program.begin(SMALL);
        if is_free {
            program.tracer.set_credit(ALL_SLICES);
        }
        for (step, from, slot, to) in steps {
            // Objects that the program can reach.
            let within: Vec<usize> = (0..program.held.len())
                .filter(|&i| i >= sizes.len() || snapshot.contains(&program.held[i]))
                .collect();
            let (from, to) = (within[from.index(within.len())], within[to.index(within.len())]);
            match step {
                0 => program.alloc(slot % 5),
                1 => program.store(from, slot, program.held[to].into()),
                2 => program.store(from, slot, Value::NULL),
                3 => _ = program.tracer.assist(u64::from(slot % 9)),
                _ if is_free => program.tracer.hand_over(),
                _ => {
                    program.tracer.set_credit(1);
                    program.tracer.wait();
                }
            }
        }
        let new: HashSet<_> = program.held[sizes.len()..].iter().copied().collect();
        program.finish();
        for &object in &program.held {
            let is_kept = snapshot.contains(&object) || new.contains(&object);
            prop_assert_eq!(program.objects.is_allocated(object), is_kept);
        }
        let kept = snapshot.union(&new).count() as u64;
        prop_assert_eq!(program.objects.allocated().objects, kept);
        prop_assert_eq!(program.objects.verify(), Ok(()));
        let Program { objects, tracer, .. } = program;
        let heap = objects.heap().clone();
        let bytes = accounted_bytes(&heap, &[&objects]) + tracer.metadata_bytes();
        prop_assert_eq!(heap.budget().committed_bytes(), bytes);
        let reserved_bytes = objects.reserved_bytes();
        drop((objects, tracer));
        prop_assert_eq!(heap.budget().committed_bytes(), reserved_bytes + accounted_bytes(&heap, &[]));
    }
}

#[test]
fn a_full_inbox_is_marked_by_the_program() {
    let count = MAX_INBOX as usize + 3 * CHUNK as usize;
    let mut program = Program::new(&vec![0; count], 1);
    program.begin(SMALL);
    // None of them is reachable, so none is marked unless it is logged.
    program.held.iter().for_each(|&object| program.tracer.log(object));
    let marked = program.held.iter().filter(|&&object| program.tracer.is_traced(object));
    assert!(marked.count() as u32 >= MAX_INBOX);
    assert!(sync::lock(&program.tracer.inbox).len() < MAX_INBOX);
    program.finish();
    assert_eq!(program.objects.allocated().objects as usize, count);
}

#[test]
fn unswept_blocks_are_not_allocated_from() {
    let mut program = Program::new(&[2; 100], 1);
    program.begin(SMALL);
    assert!(!program.tracer.mark_some(u64::MAX));
    program.tracer.hand_to_sweeper(&mut program.objects);
    assert!(program.objects.verify().is_err(), "its blocks are unswept");
    program.alloc(2);
    let (old, new) = (program.held[0].block(), program.held[100].block());
    assert_ne!(old, new);
    while program.tracer.sweep_some(&mut program.objects, u32::MAX, u32::MAX) {}
    program.tracer.end();
    assert_eq!(program.objects.verify(), Ok(()));
    assert_eq!(program.objects.allocated().objects, 2, "a root, and the new one");
}
