//! The state that a mutator thread shares with its collector: roots, parked objects, event log.

pub(crate) mod events;
pub(crate) mod moves;
pub(crate) mod roots;
pub(crate) mod weak;

use crate::blocks::heap::Heap;
use crate::context::events::{EventLog, PauseKind, PauseStart};
use crate::context::moves::Moves;
use crate::context::roots::RootStack;
use crate::context::weak::ReferenceProcessor;
use crate::memory::Memory;
use crate::memory::stack::Stack;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::PARKED;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

/// The mutator's half of the state that a collector works on.
#[derive(Debug)]
pub struct Context {
    /// The heap that mutator and collector share.
    pub heap: Heap,
    /// The objects that the program holds.
    pub roots: RootStack,
    /// Pauses, phases, footprint.
    pub log: EventLog,
    /// The objects that moved, if recorded.
    pub moves: Moves,
    /// Weak slots, ephemerons and finalizable objects, processed after a trace.
    pub weak: ReferenceProcessor,
    parked: Stack,
}

impl Context {
    pub(crate) fn new(heap: &Heap) -> io::Result<Self> {
        let (roots, parked) = (RootStack::new(heap)?, heap.stack()?);
        let (moves, weak) = (Moves::default(), ReferenceProcessor::new(heap));
        Ok(Self { heap: heap.clone(), roots, log: EventLog::new(), moves, weak, parked })
    }

    /// The object memory.
    #[inline(always)]
    pub fn memory(&self) -> Memory<'_> {
        self.heap.memory()
    }

    /// Ends a pause and records it.
    pub(crate) fn end_pause(&mut self, mut start: PauseStart, kind: PauseKind) {
        if mutant!(self.memory(), "a pause is logged half as long") {
            start = start.later_half();
        }
        if !mutant!(self.memory(), "a pause is not logged") {
            self.log.end_pause(start, kind);
        }
    }

    /// Logs an object that lost its owner or its last count in an operation that may not reclaim, because
    /// references to it may still be in use; or, in a generational collector, an old object into which a
    /// reference to a young one was stored.
    ///
    /// **Invariant:** an object is parked at most once (header bit [`PARKED`]).
    #[inline(always)]
    pub fn park(&self, object: ObjectReference) {
        let memory = self.memory();
        let word = memory.collector_word(object);
        let bits = word.load(Relaxed);
        if bits & PARKED == 0 || mutant!(memory, "an object is parked twice") {
            word.store(bits | PARKED, Relaxed);
            self.parked.push_object(object);
        }
    }

    /// Removes one parked object from the log, to check whether it is still unowned.
    #[inline(always)]
    pub fn unpark(&self) -> Option<ObjectReference> {
        let (object, memory) = (self.parked.pop_object()?, self.memory());
        if !mutant!(memory, "a parked object stays parked") {
            memory.clear_bits(object, PARKED);
        }
        (!mutant!(memory, "a parked object is lost")).then_some(object)
    }

    /// Whether any object is parked.
    #[inline(always)]
    pub(crate) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Committed bytes of stacks and tables.
    pub fn metadata_bytes(&self) -> u64 {
        let stacks_bytes = self.roots.metadata_bytes() + self.parked.committed_bytes();
        stacks_bytes + self.weak.metadata_bytes()
    }
}
