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
pub(crate) const MAX_PREFETCH: usize = if cfg!(tiny) { 2 } else { 64 };

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
    pub(crate) fn trace_moving(
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

/// `mark` that calls `visit` with each object that it marks.
#[inline(always)]
pub(crate) fn visiting(
    mut mark: impl FnMut(ObjectReference) -> bool,
    mut visit: impl FnMut(ObjectReference),
) -> impl FnMut(ObjectReference) -> bool {
    move |object| {
        let is_new = mark(object);
        if is_new {
            visit(object);
        }
        is_new
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
mod tests;
