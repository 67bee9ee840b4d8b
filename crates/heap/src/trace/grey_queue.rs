//! Grey objects: those that an incremental marker has reached and not scanned yet.
//!
//! An object turns grey when it is marked (the code that marks it pushes it here), black when its slots
//! are scanned. So each is here once, however often a barrier reaches it, and no slice repeats the work
//! of another. As in [`crate::Marker`], objects popped from the stack are prefetched and wait in a short
//! queue; at the end of a slice they return to the stack.
//!
//! A long array is scanned in pieces: it is pushed again with the number of the next slot, as an odd
//! word above its reference, and stays grey until its last piece.
//!
//! So the stack holds each reachable object at most once, four bytes each, a long array with a piece of
//! its slots: its other children wait in the array itself.
//!
//! Slots are loaded with acquire ordering, for a concurrent program may be storing (see
//! [`crate::SnapshotTracer`]): the same instruction on x86-64.

use crate::blocks::heap::Heap;
use crate::memory::Memory;
use crate::memory::stack::{Stack, Top};
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::object::header::{Extent, Slots};
use crate::trace::mark::MAX_PREFETCH;
use std::io;
use std::sync::atomic::Ordering::Acquire;

/// Slots of an array that are scanned in one piece.
const PIECE_SLOTS: u32 = if cfg!(tiny) { 16 } else { 1024 };

/// The grey objects of a cycle.
#[derive(Debug)]
pub struct GreyQueue {
    stack: Stack,
    /// Distance between prefetch and use: a power of two, 1 for no prefetching.
    distance: usize,
}

impl GreyQueue {
    /// An empty queue that prefetches `distance` objects ahead (rounded down to a power of two).
    ///
    /// # Errors
    /// If the operating system refuses address space for the stack.
    pub fn new(heap: &Heap, distance: usize) -> io::Result<Self> {
        Ok(Self::on(heap.queue()?, distance))
    }

    /// The same on a stack that the caller accounts for.
    pub(crate) fn on(stack: Stack, distance: usize) -> Self {
        Self { stack, distance: 1 << distance.clamp(1, MAX_PREFETCH).ilog2() }
    }

    /// Adds an object that has just been marked.
    #[inline(always)]
    pub fn push(&self, object: ObjectReference) {
        self.stack.push(object.bits());
    }

    /// Moves up to `most` words to another queue: those pushed first, from which the most is reached. The
    /// last ones take their place.
    pub(crate) fn give(&self, most: u32, to: &Self) {
        let (stack, len) = (&self.stack, self.len());
        let mut given = most.min(len);
        let moved = loop {
            let moved = given.min(len - given);
            // The number of a piece stays above its array.
            if (stack.get(given) | stack.get(len - moved)) & 1 == 0 {
                break moved;
            }
            given -= 1;
        };
        for index in 0..given {
            to.stack.push(stack.get(index));
        }
        for index in 0..moved {
            stack.set(index, stack.get(len - moved + index));
        }
        stack.truncate(len - given);
    }

    /// Number of words.
    pub(crate) fn len(&self) -> u32 {
        self.stack.len()
    }

    /// Whether no object is grey: all objects reached are scanned.
    pub fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }

    /// Whether an object is grey. Slow: for checks.
    pub fn contains(&self, object: ObjectReference) -> bool {
        (0..self.stack.len()).any(|index| self.stack.get(index) == object.bits())
    }

    /// Scans grey objects until `budget` units of work are done or none is left: a unit is an object
    /// or a slot. `shade` marks an object and returns whether it was unmarked, `blacken` is called once
    /// per object. Returns the work done; it may exceed the budget by a piece.
    #[inline(always)]
    pub(crate) fn trace(
        &mut self,
        heap: &Heap,
        budget: u64,
        shade: impl Fn(ObjectReference) -> bool,
        mut blacken: impl FnMut(ObjectReference),
    ) -> u64 {
        let (memory, mask) = (heap.memory(), MAX_PREFETCH - 1);
        let mut queue = [0; MAX_PREFETCH];
        let mut stack = self.stack.top();
        // **Invariant:** the queue holds the objects `[tail, head)`, at most `distance` of them.
        let (mut head, mut tail, mut work) = (0usize, 0usize, 0);
        while work < budget {
            while head - tail < self.distance && work < budget {
                let Some(word) = stack.pop() else { break };
                match ObjectReference::from_bits(word) {
                    Some(object) => {
                        memory.prefetch(object);
                        queue[head & mask] = word;
                        head += 1;
                    }
                    None => work += next_piece(memory, word >> 1, &shade, &mut stack),
                }
            }
            if head == tail || work >= budget {
                break;
            }
            if let Some(object) = ObjectReference::from_bits(queue[tail & mask]) {
                blacken(object);
                work += scan(memory, object, &shade, &mut stack);
            }
            tail += 1;
        }
        if !mutant!(memory, "a slice forgets its queue") {
            (tail..head).for_each(|index| stack.push(queue[index & mask]));
        }
        work
    }

    /// Bytes of the stack.
    pub fn metadata_bytes(&self) -> u64 {
        self.stack.committed_bytes()
    }

    /// Returns the stack's memory, all but a page.
    pub fn shrink(&self) {
        self.stack.shrink();
    }
}

#[inline(always)]
fn scan(
    memory: Memory<'_>,
    object: ObjectReference,
    shade: &impl Fn(ObjectReference) -> bool,
    stack: &mut Top<'_>,
) -> u64 {
    let Some(slots) = memory.ordinary_slots(object, Slots::All, Acquire) else {
        return scan_piece(memory, object, 0, shade, stack);
    };
    let mut work = 1;
    for value in slots {
        work += 1;
        if let Some(child) = value.reference()
            && shade(child)
        {
            stack.push(child.bits());
        }
    }
    work
}

/// Scans a piece of the array below the slot number popped from the stack.
#[cold]
#[inline(never)]
fn next_piece(
    memory: Memory<'_>,
    start: u32,
    shade: &impl Fn(ObjectReference) -> bool,
    stack: &mut Top<'_>,
) -> u64 {
    let array = stack.pop_object();
    array.map_or(0, |array| scan_piece(memory, array, start, shade, stack))
}

#[inline(never)]
fn scan_piece(
    memory: Memory<'_>,
    array: ObjectReference,
    start: u32,
    shade: &impl Fn(ObjectReference) -> bool,
    stack: &mut Top<'_>,
) -> u64 {
    let extent = Extent::of(memory, array);
    let end = extent.borrow_end.min(start.saturating_add(PIECE_SLOTS));
    if end < extent.borrow_end && !mutant!(memory, "only the first piece of an array is scanned") {
        stack.push(array.bits());
        stack.push(end << 1 | 1);
    }
    for index in start..end {
        let value = Value::from_bits(memory.word32(array, extent.slot(index)).load(Acquire));
        if let Some(child) = value.reference()
            && shade(child)
        {
            stack.push(child.bits());
        }
    }
    1 + u64::from(end - start)
}

#[cfg(test)]
mod tests;
