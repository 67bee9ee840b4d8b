//! Reference processing after a trace: weak slots, ephemerons and finalizable objects.
//!
//! None of them keeps an object alive by itself, and the tracer need not know them: their slots lie in
//! arrays of their own, whose header declares no slots to trace. An array is registered here when it is
//! made. So a collector traces as if there were none, and then runs these phases:
//!
//! 1. *Ready objects*, which the program has not polled yet, are kept alive like roots.
//! 2. *Ephemerons* (see [`Ephemerons`]): values whose keys were reached are traced, until no further key
//!    is reached.
//! 3. *Clear*: weak slots and ephemerons of unreached referents become null. Nothing has been reclaimed
//!    yet, so the program never sees a dangling slot.
//! 4. *Resurrect* (see [`Finalizers`]): registered objects that were not reached become ready, in the
//!    order of their registration, and are traced with their descendants.
//! 5. *Update*: dead arrays are removed; all references are updated to the new places of their referents.
//!
//! Weak slots are cleared before resurrection, as for `WeakReference` in Java: no weak slot refers to an
//! object that a program polls from the queue, not even a slot that was resurrected with it. So a weak slot
//! becomes null at one moment: when its referent is unreachable. (Jones, Hosking and Moss, "The Garbage
//! Collection Handbook", 2nd edition 2023, chapter 12, discusses the orders.)
//!
//! Each collection, also a minor one, scans all registered arrays; without any this costs one test.
//!
//! **Invariant:** outside a collection no weak slot, key or value refers to a reclaimed object.

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

/// Returns the current place of a reached object; `None` for one that was not reached.
pub trait Places: Fn(ObjectReference) -> Option<ObjectReference> {}

impl<F: Fn(ObjectReference) -> Option<ObjectReference>> Places for F {}

/// The phase of the collection under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    /// No collection is under way.
    #[default]
    Idle,
    /// Objects that the program can reach are being traced.
    Reaching,
    /// Descendants of finalizable objects are being traced.
    Resurrecting,
}

/// All arrays of weak slots and of ephemerons, and all objects registered for finalization.
#[derive(Debug)]
pub struct ReferenceProcessor {
    arrays: WeakArrays,
    ephemerons: Ephemerons,
    finalizers: Finalizers,
    stage: Stage,
    /// Whether the collection under way makes no object ready.
    skips: bool,
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
            skips: false,
            charged_bytes: 0,
            heap: heap.clone(),
        }
    }

    // ---- the mutator's side -------------------------------------------------------------------

    /// Registers a new array of slots of this kind, which traces skip.
    #[cold]
    pub(crate) fn register(&mut self, kind: SlotKind, array: ObjectReference) {
        if mutant!(self.heap.memory(), "a new weak array is not registered") {
            return;
        }
        if kind == SlotKind::Ephemeral {
            self.ephemerons.arrays.register(array);
        } else {
            self.arrays.register(array);
        }
        self.settle_account();
    }

    /// Registers an object for finalization.
    #[cold]
    pub(crate) fn register_finalizable(&mut self, object: ObjectReference, tag: u32) {
        self.finalizers.registered.push((object, tag));
        self.settle_account();
    }

    /// Removes the oldest ready object from the queue.
    pub(crate) fn poll_finalizable(&mut self) -> Option<(ObjectReference, u32)> {
        self.finalizers.ready.pop_front()
    }

    /// The ready objects, oldest first, with the tags of their registration.
    pub fn ready(&self) -> impl Iterator<Item = (ObjectReference, u32)> {
        self.finalizers.ready.iter().copied()
    }

    /// The program ends: registered objects are not finalized any more.
    pub(crate) fn end(&mut self) {
        self.finalizers = Finalizers::default();
        self.settle_account();
    }

    // ---- the collector's side -----------------------------------------------------------------

    /// Advances reference processing after a trace. Returns true if there is more to trace: the collector
    /// then traces, calls [`ReferenceProcessor::object_reached`] for each object reached, and calls this again.
    ///
    /// `place` returns the current place of a reached object, `reach` adds an object to trace from.
    ///
    /// [`crate::NonMovingSpace::trace_weak`] implements this loop for collectors that mark.
    #[inline]
    pub fn advance(&mut self, place: impl Places, reach: impl FnMut(ObjectReference)) -> bool {
        if self.is_empty() {
            self.skips = false;
            return false;
        }
        self.advance_slowly(place, reach)
    }

    #[cold]
    #[inline(never)]
    fn advance_slowly(
        &mut self,
        place: impl Places,
        mut reach: impl FnMut(ObjectReference),
    ) -> bool {
        let Self { arrays, ephemerons, finalizers, stage, skips, heap, .. } = self;
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
                finalizers.resurrect(memory, *skips, &place, |object| {
                    reach(object);
                    if place(object).is_some() {
                        // A collector that copies it at once does not report it again.
                        ephemerons.object_reached(memory, object);
                    }
                })
            };
        if !has_more {
            if is_late {
                arrays.clear(memory, &place);
            }
            (*stage, *skips) = (Stage::Idle, false);
            ephemerons.finish();
            self.update(place, |_, new| new);
        }
        self.settle_account();
        has_more
    }

    /// Reports an object that was reached since [`ReferenceProcessor::advance`].
    #[inline]
    pub fn object_reached(&mut self, object: ObjectReference) {
        self.ephemerons.object_reached(self.heap.memory(), object);
    }

    /// Makes the collection under way keep finalizable objects without making them ready; another
    /// collection must follow at once. A collection that began earlier may miss a finalizable object, which
    /// those that it finds would then keep alive.
    pub fn skip_cycle(&mut self) {
        self.skips = !mutant!(self.heap.memory(), "a skipped cycle makes objects ready");
    }

    /// Updates all references to the places that `new` returns, while the objects still lie at their old
    /// places: for a collector that assigns new places when all objects have been reached.
    pub fn update_references(&mut self, new: impl Fn(ObjectReference) -> ObjectReference) {
        self.update(|object| Some(new(object)), |old, _| old);
    }

    /// `body` returns the place of an object's slots, given its old place and its new one.
    fn update(
        &mut self,
        place: impl Places,
        body: impl Fn(ObjectReference, ObjectReference) -> ObjectReference,
    ) {
        let memory = self.heap.memory();
        self.arrays.update(memory, &place, &body);
        self.ephemerons.arrays.update(memory, &place, &body);
        self.finalizers.update(&place);
    }

    // ---- the account --------------------------------------------------------------------------

    fn is_empty(&self) -> bool {
        self.arrays.is_empty() && self.ephemerons.arrays.is_empty() && self.finalizers.is_empty()
    }

    /// Committed bytes of all tables.
    pub fn metadata_bytes(&self) -> u64 {
        self.charged_bytes
    }

    /// Charges the difference to the current size of the tables.
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
