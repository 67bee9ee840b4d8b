//! Weak references: arrays of weak slots and of ephemerons, and objects registered for finalization.

use super::{Mutator, Ref};
use crate::collector::Collector;
use crate::context::roots::{Local, Rooted};
use crate::memory::value::{ObjectReference, Value};
use crate::mutator::probe::Probe;
use crate::object::header::SlotKind;
use crate::object::shape::{Checked, Slot};

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// Registers an object for finalization: once it has become unreachable, [`Mutator::finalizable`]
    /// returns it, with this tag. An object registered several times is returned as often.
    ///
    /// # Panics
    /// If the discipline has no finalizers: see [`crate::Caps::finalizers`].
    pub fn finalize(&mut self, place: &impl Rooted, tag: u32) {
        assert!(
            self.collector.caps().finalizers,
            "this discipline has no finalizers: list `finalizers` among the needs of the program"
        );
        self.cx.weak.register_finalizable(self.cx.roots.get(place), tag);
    }

    /// The next object registered for finalization that has become unreachable, and its tag; `None` if
    /// no collection has found one that was not returned yet. Those found by the same collection come
    /// in the order of their registration.
    ///
    /// It is intact, with all that it refers to, and lives as long as it is reachable. The local does not
    /// own it: an object that has become unreachable with it may.
    pub fn finalizable(&mut self) -> Option<(Local, u32)> {
        let (object, tag) = self.cx.weak.poll_finalizable()?;
        let object = self.collector.load(&self.cx, SlotKind::Weak, object.into()).reference()?;
        Some((self.push_local(Some(object)), tag))
    }

    /// The referent of a weak slot or an ephemeron, without keeping it alive as [`Mutator::upgrade`] does:
    /// for tests.
    pub fn peek<'m, K: Checked>(&'m self, object: Ref<'m>, slot: Slot<K>) -> Option<Ref<'m>> {
        let value = Value::from_bits(self.heap.memory().read(object.object, slot.offset()));
        value.referent().map(Ref::of)
    }

    /// Registers a new array of weak or ephemeral slots, if the discipline traces: counting treats them as
    /// borrows.
    #[cold]
    pub(super) fn register_weak(&mut self, array: ObjectReference, kind: SlotKind, slots: u32) {
        assert!(
            self.collector.caps().has(kind),
            "this discipline has no {kind:?} slots: list them among the needs of the program"
        );
        assert!(
            kind != SlotKind::Ephemeral || slots.is_multiple_of(2),
            "ephemerons have two slots each, a key and a value: {slots} is an odd number"
        );
        if !self.collector.caps().counts {
            self.cx.weak.register(kind, array);
        }
    }
}
