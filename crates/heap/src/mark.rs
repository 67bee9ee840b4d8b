//! Marking: tracing the object graph with a queue of prefetched edges.
//!
//! Marking is bound by memory latency: the next object is a cache miss whose address has been known
//! for a while. So edges popped from the mark stack go through a short first-in-first-out queue;
//! entering it prefetches the object, and by the time an edge leaves it the line has arrived (after
//! Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection", ASPLOS 2004).
//! It is edges that are queued, marked or not: testing the mark first would itself be the miss.
//!
//! The stack holds every edge at most once, and needs no recursion, however deep the graph.

use crate::header::Slots;
use crate::heap::Heap;
use crate::stack::{Stack, Top};
use crate::value::ObjectReference;
use std::io;

/// Longest prefetch queue.
pub const MAX_PREFETCH: usize = 64;

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
        Ok(Self { stack: heap.stack()?, queue: [0; MAX_PREFETCH], distance })
    }

    /// Adds an edge to trace from.
    #[inline(always)]
    pub fn push(&self, object: ObjectReference) {
        self.stack.push(object.bits());
    }

    /// Traces everything reachable from the edges pushed. `mark` marks an object and tells whether
    /// it was not marked before; every object is then scanned once. Returns the objects marked.
    #[inline(always)]
    pub fn trace(&mut self, heap: &Heap, mark: impl FnMut(ObjectReference) -> bool) -> u64 {
        if self.distance == 0 { self.trace_plain(heap, mark) } else { self.trace_ahead(heap, mark) }
    }

    fn trace_plain(&mut self, heap: &Heap, mut mark: impl FnMut(ObjectReference) -> bool) -> u64 {
        let mut stack = self.stack.top();
        let mut marked = 0;
        while let Some(object) = stack.pop().and_then(ObjectReference::from_bits) {
            if mark(object) {
                marked += 1;
                scan(heap, object, &mut stack);
            }
        }
        marked
    }

    fn trace_ahead(&mut self, heap: &Heap, mut mark: impl FnMut(ObjectReference) -> bool) -> u64 {
        let mask = self.distance - 1;
        let memory = heap.memory();
        let mut stack = self.stack.top();
        let mut marked = 0;
        // **Invariant:** the queue holds the edges `[tail, head)`, at most `distance` of them.
        let (mut head, mut tail) = (0usize, 0usize);
        loop {
            while head - tail < self.distance {
                let Some(next) = stack.pop() else { break };
                if let Some(object) = ObjectReference::from_bits(next) {
                    memory.prefetch(object);
                }
                self.queue[head & mask] = next;
                head += 1;
            }
            if head == tail {
                return marked;
            }
            let oldest = self.queue[tail & mask];
            tail += 1;
            if let Some(object) = ObjectReference::from_bits(oldest)
                && mark(object)
            {
                marked += 1;
                scan(heap, object, &mut stack);
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
    for child in heap.memory().slots(object, Slots::All) {
        stack.push_if(child.is_reference(), child.bits());
    }
}
