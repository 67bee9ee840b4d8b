//! What is looked at when a trace is done: weak slots, ephemerons and finalizable objects.
//!
//! None of them may hold an object for the tracer, and the tracer need not know them: their slots lie
//! in arrays of their own, whose header says that there is nothing to trace. Such an array is
//! registered here when it is made. So a collector traces as if there were none, and then does this:
//!
//! 1. *Ready objects*, which the program has not asked for yet, are kept alive like roots.
//! 2. *Ephemerons* (see [`Ephemerons`]): values whose keys were reached are traced, until no key
//!    that matters is reached any more.
//! 3. *Clear*: weak slots and ephemerons of what was not reached now read as null. Nothing has been
//!    reclaimed yet, so the program never sees a slot that dangles.
//! 4. *Resurrect* (see [`Finalizers`]): registered objects that were not reached become ready, in the
//!    order in which they were registered, and are traced with all that they refer to.
//! 5. *Update*: arrays that died are forgotten; everything refers to where its referent is now.
//!
//! Weak slots are cleared before anything is resurrected, as for `WeakReference` in Java: what a program
//! takes from the queue cannot be found by a weak slot any more, not even by one that was resurrected
//! with it. So there is one moment at which a weak slot is null: when its referent cannot be reached.
//! (Jones, Hosking and Moss, "The Garbage Collection Handbook", 2nd edition 2023, chapter 12, discusses
//! the orders.)
//!
//! Each collection looks at all registered arrays, a minor one as well; unless there are none, which
//! costs one test.
//!
//! **Invariant:** outside a collection no weak slot, key or value refers to what was reclaimed.

mod ephemerons;
mod finalizers;
mod slots;
#[cfg(test)]
mod tests;

use crate::blocks::heap::Heap;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::SlotKind;
use ephemerons::Ephemerons;
use finalizers::Finalizers;
use slots::WeakArrays;

/// How far the work of a collection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    /// None is under way.
    #[default]
    Idle,
    /// Everything that the program can reach is being found.
    Reaching,
    /// So is all that finalizable objects refer to.
    Resurrecting,
}

/// All arrays of weak slots and of ephemerons, and all objects registered for finalization.
#[derive(Debug)]
pub struct ReferenceProcessor {
    arrays: WeakArrays,
    ephemerons: Ephemerons,
    finalizers: Finalizers,
    stage: Stage,
    /// Whether the collection under way makes nothing ready.
    postpones: bool,
    charged_bytes: u64,
    heap: Heap,
}

impl ReferenceProcessor {
    pub(crate) fn new(heap: &Heap) -> Self {
        Self {
            arrays: WeakArrays::default(),
            ephemerons: Ephemerons::default(),
            finalizers: Finalizers::default(),
            stage: Stage::Idle,
            postpones: false,
            charged_bytes: 0,
            heap: heap.clone(),
        }
    }

    // ---- the mutator's side -------------------------------------------------------------------

    /// Registers a new array of slots of this kind, which are hidden from tracing.
    #[cold]
    pub(crate) fn register(&mut self, kind: SlotKind, array: ObjectReference) {
        if mutant!(self.heap.memory(), "a new weak array is not registered") {
            return;
        }
        if kind == SlotKind::Ephemeral {
            self.ephemerons.register(array);
        } else {
            self.arrays.register(array);
        }
        self.settle_account();
    }

    /// Registers an object for finalization.
    #[cold]
    pub(crate) fn register_finalizable(&mut self, object: ObjectReference, tag: u32) {
        self.finalizers.register_finalizable(object, tag);
        self.settle_account();
    }

    /// Takes the oldest ready object from the queue.
    pub(crate) fn poll_finalizable(&mut self) -> Option<(ObjectReference, u32)> {
        self.finalizers.poll_finalizable()
    }

    /// The ready objects, oldest first, with the tags of their registration.
    pub fn ready(&self) -> impl Iterator<Item = (ObjectReference, u32)> {
        self.finalizers.ready()
    }

    /// The program ends: what is still registered is not finalized.
    pub(crate) fn end(&mut self) {
        self.finalizers = Finalizers::default();
        self.settle_account();
    }

    // ---- the collector's side -----------------------------------------------------------------

    /// Goes on with what is to be done when a trace is. As long as this is true, there is more to trace:
    /// the collector does so, tells [`ReferenceProcessor::object_reached`] of each object that it reaches, and calls it again.
    ///
    /// `place` says where an object is now if it was reached, `reach` adds an object to trace from.
    ///
    /// [`crate::ObjectSpace::trace_weak`] does so for collectors that mark.
    #[inline]
    pub fn advance(
        &mut self,
        place: impl Fn(ObjectReference) -> Option<ObjectReference>,
        reach: impl FnMut(ObjectReference),
    ) -> bool {
        if self.is_empty() {
            self.postpones = false;
            return false;
        }
        self.advance_slowly(place, reach)
    }

    #[cold]
    #[inline(never)]
    fn advance_slowly(
        &mut self,
        place: impl Fn(ObjectReference) -> Option<ObjectReference>,
        mut reach: impl FnMut(ObjectReference),
    ) -> bool {
        let Self { arrays, ephemerons, finalizers, stage, postpones, heap, .. } = self;
        let memory = heap.memory();
        let is_late = mutant!(memory, "weak slots are cleared after resurrection");
        let has_more = match stage {
            Stage::Idle => {
                *stage = Stage::Reaching;
                let any_ready = finalizers.reach_ready(memory, &place, &mut reach);
                ephemerons.begin(memory, &place, &mut reach) || any_ready
            }
            _ if mutant!(memory, "ephemerons are scanned once") => false,
            _ => ephemerons.advance(memory, &place, &mut reach),
        };
        let has_more = has_more
            || *stage == Stage::Reaching && {
                *stage = Stage::Resurrecting;
                if !is_late {
                    arrays.clear(memory, &place);
                }
                ephemerons.clear(memory, &place);
                finalizers.resurrect(memory, *postpones, &place, |object| {
                    reach(object);
                    if place(object).is_some() {
                        // A collector that copies it at once does not meet it again.
                        ephemerons.object_reached(memory, object);
                    }
                })
            };
        if !has_more {
            if is_late {
                arrays.clear(memory, &place);
            }
            (*stage, *postpones) = (Stage::Idle, false);
            ephemerons.finish();
            self.update(place, |_, new| new);
        }
        self.settle_account();
        has_more
    }

    /// An object was reached since [`ReferenceProcessor::advance`].
    #[inline]
    pub fn object_reached(&mut self, object: ObjectReference) {
        self.ephemerons.object_reached(self.heap.memory(), object);
    }

    /// The collection under way only keeps what it finds finalizable, for another one follows at once: one
    /// that began earlier may miss an object, which those that it finds would then keep.
    pub fn skip_cycle(&mut self) {
        self.postpones = !mutant!(self.heap.memory(), "a skipped cycle makes objects ready");
    }

    /// Everything that is left is about to move to where `new` says: for a collector that decides where
    /// when all has been reached. Objects still lie at their old places.
    pub fn update_references(&mut self, new: impl Fn(ObjectReference) -> ObjectReference) {
        self.update(|object| Some(new(object)), |old, _| old);
    }

    /// `body` says where the slots of an object are, given its old place and its new one.
    fn update(
        &mut self,
        place: impl Fn(ObjectReference) -> Option<ObjectReference>,
        body: impl Fn(ObjectReference, ObjectReference) -> ObjectReference,
    ) {
        let memory = self.heap.memory();
        self.arrays.update(memory, &place, &body);
        self.ephemerons.update(memory, &place, &body);
        self.finalizers.update(&place);
    }

    // ---- the account --------------------------------------------------------------------------

    fn is_empty(&self) -> bool {
        self.arrays.is_empty() && self.ephemerons.is_empty() && self.finalizers.is_empty()
    }

    /// Bytes of all tables.
    pub fn metadata_bytes(&self) -> u64 {
        self.charged_bytes
    }

    /// Charges what the tables hold now.
    fn settle_account(&mut self) {
        let tables = [self.arrays.bytes(), self.ephemerons.bytes(), self.finalizers.bytes()];
        let bytes = tables.iter().sum();
        self.heap.budget().charge(bytes);
        self.heap.budget().discharge(self.charged_bytes);
        self.charged_bytes = bytes;
    }
}

impl Drop for ReferenceProcessor {
    fn drop(&mut self) {
        self.heap.budget().discharge(self.charged_bytes);
    }
}
