//! Marking: tracing the object graph with a queue of prefetched edges.
//!
//! Marking is bound by memory latency: the next object is a cache miss whose address has been known
//! for a while. So edges popped from the mark stack go through a short first-in-first-out queue;
//! entering it prefetches the object, and by the time an edge leaves it the line has arrived (after
//! Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection", ASPLOS 2004).
//! The queue holds edges, whose objects may be marked before they leave it. Edges to marked objects
//! are skipped: marks are side bits in a table that mostly lies in the cache, so the test is cheap,
//! and each object is fetched about once and not once per edge (measured on two edges per object: a
//! fifth of the time).
//!
//! The stack holds every edge at most once, and replaces recursion at any depth of the graph: four
//! bytes per pending edge, at most one for each slot of a live object, so less than those objects
//! take. A list has one pending edge at a time, a full tree one per level, a large array one per slot.

use crate::blocks::heap::Heap;
use crate::memory::Memory;
use crate::memory::parameter::{Parameter, Values};
use crate::memory::stack::{Stack, Top};
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::object::header::Slots;
use std::io;

/// Maximum length of the prefetch queue, in edges; two under `cfg(tiny)`.
pub const MAX_PREFETCH: usize = if cfg!(tiny) { 2 } else { 64 };

/// Prefetch distance of a marker, in edges.
pub const PREFETCH: Parameter = Parameter {
    key: "prefetch",
    values: Values::Whole(0, 64),
    default: 16.0,
    summary: "edges between prefetch and use when marking, down to a power of two; 0 for none",
};

/// A mark stack with a prefetch queue behind it.
#[derive(Debug)]
pub struct Marker {
    stack: Stack,
    queue: [u32; MAX_PREFETCH],
    /// Distance between prefetch and use, a power of two or 0 for no prefetching.
    distance: usize,
}

impl Marker {
    /// A marker that prefetches `distance` edges ahead (rounded down to a power of two; 0 for none).
    ///
    /// # Errors
    /// If the operating system refuses address space for the stack.
    pub fn new(heap: &Heap, distance: usize) -> io::Result<Self> {
        let distance = distance.min(MAX_PREFETCH);
        let distance = if distance == 0 { 0 } else { 1 << distance.ilog2() };
        Ok(Self { stack: heap.queue()?, queue: [0; MAX_PREFETCH], distance })
    }

    /// Adds an edge to trace from.
    #[inline(always)]
    pub fn push(&self, object: ObjectReference) {
        self.stack.push(object.bits());
    }

    /// Adds an object's edges.
    #[inline(always)]
    pub fn push_children(&self, memory: Memory<'_>, object: ObjectReference) {
        let mut children = memory.children(object, Slots::All);
        if mutant!(memory, "a remembered object's first child is not scanned") {
            children.next();
        }
        children.for_each(|child| self.push(child));
    }

    /// Traces all objects reachable from the edges pushed; returns the number of objects marked.
    /// `mark` marks an object and returns whether it was unmarked; each object is then scanned once.
    /// `is_marked` tests a mark, in a table small enough for the cache: a marked object is not fetched.
    #[inline(always)]
    pub fn trace(
        &mut self,
        heap: &Heap,
        is_marked: impl Fn(ObjectReference) -> bool,
        mark: impl FnMut(ObjectReference) -> bool,
    ) -> u64 {
        self.trace_with(heap, is_marked, mark, |object, stack| scan(heap, object, stack))
    }

    /// [`Marker::trace`] that moves objects: `forward` moves an object that must move and has not yet,
    /// and returns its current place. Slots are updated to it. So no edge leads to an old place if no
    /// pushed edge does.
    #[inline(always)]
    pub fn trace_moving(
        &mut self,
        heap: &Heap,
        is_marked: impl Fn(ObjectReference) -> bool,
        mark: impl FnMut(ObjectReference) -> bool,
        mut forward: impl FnMut(ObjectReference) -> ObjectReference,
    ) -> u64 {
        let memory = heap.memory();
        self.trace_with(heap, is_marked, mark, |object, stack| {
            memory.update_slots(object, |child| {
                let place = forward(child);
                stack.push(place.bits());
                place
            });
        })
    }

    #[inline(always)]
    fn trace_with(
        &mut self,
        heap: &Heap,
        is_marked: impl Fn(ObjectReference) -> bool,
        mark: impl FnMut(ObjectReference) -> bool,
        scan: impl FnMut(ObjectReference, &mut Top<'_>),
    ) -> u64 {
        if self.distance == 0 {
            self.trace_plain(mark, scan)
        } else {
            self.trace_ahead(heap, is_marked, mark, scan)
        }
    }

    fn trace_plain(
        &mut self,
        mut mark: impl FnMut(ObjectReference) -> bool,
        mut scan: impl FnMut(ObjectReference, &mut Top<'_>),
    ) -> u64 {
        let mut stack = self.stack.top();
        let mut marked = 0;
        while let Some(object) = stack.pop_object() {
            if mark(object) {
                marked += 1;
                scan(object, &mut stack);
            }
        }
        marked
    }

    fn trace_ahead(
        &mut self,
        heap: &Heap,
        is_marked: impl Fn(ObjectReference) -> bool,
        mut mark: impl FnMut(ObjectReference) -> bool,
        mut scan: impl FnMut(ObjectReference, &mut Top<'_>),
    ) -> u64 {
        let mask = self.distance - 1;
        let memory = heap.memory();
        let mut stack = self.stack.top();
        let mut marked = 0;
        // **Invariant:** the queue holds the edges `[tail, head)`, at most `distance` of them.
        let (mut head, mut tail) = (0usize, 0usize);
        loop {
            while head - tail < self.distance {
                let Some(next) = stack.pop() else { break };
                if let Some(object) = ObjectReference::from_bits(next)
                    && !is_marked(object)
                {
                    memory.prefetch(object);
                    self.queue[head & mask] = next;
                    head += 1;
                }
            }
            if head == tail || head == tail + 1 && mutant!(memory, "a marker forgets its queue") {
                return marked;
            }
            let oldest = self.queue[tail & mask];
            tail += 1;
            if let Some(object) = ObjectReference::from_bits(oldest)
                && mark(object)
            {
                marked += 1;
                scan(object, &mut stack);
            }
        }
    }

    /// Bytes of the mark stack.
    pub fn metadata_bytes(&self) -> u64 {
        self.stack.committed_bytes()
    }

    /// Returns the stack's memory, all but a page.
    pub fn shrink(&self) {
        self.stack.shrink();
    }
}

#[inline(always)]
fn scan(heap: &Heap, object: ObjectReference, stack: &mut Top<'_>) {
    let memory = heap.memory();
    for child in memory.slots(object, Slots::All) {
        stack.push_if(child.is_reference(), child.bits());
    }
    if mutant!(memory, "a marker forgets the last slot")
        && memory.slots(object, Slots::All).last().is_some_and(Value::is_reference)
    {
        stack.pop();
    }
    if mutant!(memory, "a full mark stack drops edges") {
        stack.truncate(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::heap::HeapConfig;
    use crate::object::header::{Extent, Layout, SlotKind};
    use crate::space::Space;
    use crate::space::cells::MarkBits;
    use crate::space::non_moving::NonMovingSpace;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const NODE: Layout = Layout::shape(1, 1, 1, 0);

    fn space() -> NonMovingSpace<MarkBits> {
        NonMovingSpace::new(&Heap::new(HeapConfig::default()).unwrap()).unwrap()
    }

    fn alloc(space: &mut NonMovingSpace<MarkBits>, layout: Layout) -> ObjectReference {
        space.alloc(layout, 0).or_else(|| space.alloc_growing(layout, 0)).unwrap()
    }

    fn set(space: &NonMovingSpace<MarkBits>, object: ObjectReference, slot: u32, value: Value) {
        let memory = space.heap().memory();
        memory.write(object, Extent::of(memory, object).slot(slot), value.bits());
    }

    /// The reachable nodes, found without prefetching.
    fn reachable(edges: &[Vec<usize>], roots: &[usize]) -> HashSet<usize> {
        let mut found = HashSet::new();
        let mut pending = roots.to_vec();
        while let Some(node) = pending.pop() {
            if found.insert(node) {
                pending.extend(&edges[node]);
            }
        }
        found
    }

    proptest! {
        /// Nodes, arrays of each kind and large objects; cycles, self-loops, integers, edges pushed
        /// twice.
        #[test]
        fn every_distance_marks_exactly_what_is_reachable(
            sizes in proptest::collection::vec(prop_oneof![8 => Just(0u32), 3 => 1u32..100, 1 => 4100u32..9000], 1..120),
            edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<u16>(), any::<prop::sample::Index>()), 0..300),
            roots in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let mut space = space();
            let kinds = [SlotKind::Own, SlotKind::Shared, SlotKind::Borrow];
            let layout = |(index, &slots): (usize, &u32)| match slots {
                0 => NODE,
                slots => Layout::array(kinds[index % 3], slots, 1).unwrap(),
            };
            let layouts: Vec<Layout> = sizes.iter().enumerate().map(layout).collect();
            let objects: Vec<_> = layouts.iter().map(|&layout| alloc(&mut space, layout)).collect();
            let mut slots: Vec<HashSet<(u32, usize)>> = vec![HashSet::new(); objects.len()];
            for (from, slot, to) in edges {
                let (from, to) = (from.index(objects.len()), to.index(objects.len()));
                let slot = u32::from(slot) % layouts[from].slots();
                slots[from].retain(|&(other, _)| other != slot);
                if layouts[from].slots_of(SlotKind::Shared) > 1 && to % 5 == 0 {
                    set(&space, objects[from], slot, Value::int(to as i32).unwrap());
                } else {
                    set(&space, objects[from], slot, objects[to].into());
                    slots[from].insert((slot, to));
                }
            }
            let edges: Vec<Vec<usize>> =
                slots.iter().map(|slots| slots.iter().map(|&(_, to)| to).collect()).collect();
            let roots: Vec<usize> = roots.iter().map(|root| root.index(objects.len())).collect();
            let expected = reachable(&edges, &roots);
            for distance in [0, 1, 2, 3, 8, 16, 64, 1000] {
                let mut marker = Marker::new(space.heap(), distance).unwrap();
                prop_assert!(marker.distance <= MAX_PREFETCH && marker.distance <= distance);
                roots.iter().chain(&roots).for_each(|&root| marker.push(objects[root]));
                let mut marked = HashSet::new();
                let count = marker.trace(space.heap(), |_| false, |object| marked.insert(object));
                let found: HashSet<usize> =
                    (0..objects.len()).filter(|&index| marked.contains(&objects[index])).collect();
                prop_assert_eq!(&found, &expected, "distance {}", distance);
                prop_assert_eq!((count as usize, marked.len()), (expected.len(), expected.len()));
                prop_assert!(marker.stack.is_empty());
            }
            let mut marker = Marker::new(space.heap(), 16).unwrap();
            roots.iter().for_each(|&root| marker.push(objects[root]));
            space.trace(&mut marker);
            space.sweep();
            for (index, &object) in objects.iter().enumerate() {
                prop_assert_eq!(space.is_allocated(object), expected.contains(&index));
            }
        }
    }

    #[test]
    fn an_array_needs_a_word_of_stack_for_each_slot_and_no_more() {
        const SLOTS: u32 = 100_000;
        let mut space = space();
        let array = alloc(&mut space, Layout::array(SlotKind::Shared, SLOTS, 0).unwrap());
        for slot in 0..SLOTS {
            let node = alloc(&mut space, NODE);
            set(&space, array, slot, node.into());
            // Edges to marked objects take stack as well.
            set(&space, node, 0, array.into());
        }
        let mut marker = Marker::new(space.heap(), 16).unwrap();
        marker.push(array);
        assert_eq!(space.trace(&mut marker), u64::from(SLOTS) + 1);
        let bound = u64::from(SLOTS * 4).next_multiple_of(crate::memory::os::PAGE_BYTES as u64);
        assert_eq!(marker.metadata_bytes(), bound);
        assert_eq!(space.heap().budget().queue_peak_bytes(), Some(bound));
    }

    #[test]
    fn a_long_list_needs_a_page_of_stack() {
        const LENGTH: u64 = 1_000_000;
        let mut space = space();
        let mut list = alloc(&mut space, NODE);
        for _ in 1..LENGTH {
            let node = alloc(&mut space, NODE);
            set(&space, node, 0, list.into());
            list = node;
        }
        for distance in [0, 16] {
            let mut marker = Marker::new(space.heap(), distance).unwrap();
            marker.push(list);
            assert_eq!(space.trace(&mut marker), LENGTH);
            space.sweep();
            assert_eq!(space.allocated().objects, LENGTH);
            assert_eq!(marker.metadata_bytes(), crate::memory::os::PAGE_BYTES as u64);
        }
    }
}
