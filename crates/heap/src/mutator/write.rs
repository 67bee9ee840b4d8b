//! Writes of slots. Every change of a slot passes the collector's write barrier.

use super::{Mutator, Ref};
use crate::collector::Collector;
use crate::context::roots::Root;
use crate::memory::value::Value;
use crate::mutator::probe::{Access, Probe};
use crate::object::header::{ObjectSlot, SlotKind};
use crate::object::shape::{NotOwn, Own, Slot, Strong};

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// Stores a reference, or null, in any slot that does not own.
    #[inline(always)]
    pub fn store<'m, K: NotOwn>(
        &'m self,
        object: Ref<'m>,
        slot: Slot<K>,
        value: impl Into<Option<Ref<'m>>>,
    ) {
        let value = value.into().map(|child| child.object).into();
        self.store_value(object, slot, value);
    }

    /// Stores an immediate integer in a shared slot.
    ///
    /// # Panics
    /// If it does not fit 31 bits.
    #[inline(always)]
    pub fn store_int<K: NotOwn + Strong>(&self, object: Ref<'_>, slot: Slot<K>, value: i32) {
        let value = Value::int(value).expect("an immediate integer has 31 bits");
        self.store_value(object, slot, value);
    }

    #[inline(always)]
    pub(super) fn store_value<K: NotOwn>(&self, object: Ref<'_>, slot: Slot<K>, value: Value) {
        if P::ON {
            self.probe.accesses(&self.heap, object.object, slot.offset(), K::KIND);
            self.touch(object.object, Access::Write);
            self.probe.stored(object.object, slot.offset(), value);
        }
        let slot = ObjectSlot { object: object.object, at: slot.offset(), kind: K::KIND };
        self.collector.store(&self.cx, slot, value);
    }

    /// Moves a root (or null) into an own slot. The object that the slot owned before is dropped.
    #[inline(always)]
    pub fn put(&self, object: Ref<'_>, slot: Slot<Own>, root: impl Into<Option<Root>>) {
        let new = root.into().map(|root| self.consume(&root));
        self.replace_owned(object, slot, new.into());
    }

    #[inline(always)]
    pub(super) fn replace_owned(&self, object: Ref<'_>, slot: Slot<Own>, new: Value) {
        if !P::ON && !self.collector.caps().releases() {
            let slot = ObjectSlot { object: object.object, at: slot.offset(), kind: SlotKind::Own };
            return self.collector.store(&self.cx, slot, new);
        }
        let old = self.exchange(object, slot, new);
        if let Some(orphan) = old.referent() {
            if P::ON {
                self.probe.ownership_ended(&self.heap, orphan);
            }
            self.collector.owner_lost(&self.cx, orphan);
        }
    }

    /// Moves the object out of an own slot.
    #[inline(always)]
    pub fn take(&self, object: Ref<'_>, slot: Slot<Own>) -> Option<Root> {
        let taken = self.exchange(object, slot, Value::NULL).reference()?;
        Some(self.push_root(taken))
    }

    /// Exchanges the contents of two own slots.
    #[inline(always)]
    pub fn swap(&self, a: Ref<'_>, s: Slot<Own>, b: Ref<'_>, t: Slot<Own>) {
        let from_b = Value::from_bits(self.heap.memory().read(b.object, t.offset()));
        self.taken(b.object, t.offset(), from_b);
        let from_a = self.exchange(a, s, from_b);
        self.exchange(b, t, from_a);
    }

    #[inline(always)]
    pub(super) fn exchange(&self, object: Ref<'_>, slot: Slot<Own>, new: Value) -> Value {
        let (object, at) = (object.object, slot.offset());
        let old = Value::from_bits(self.heap.memory().read(object, at));
        if P::ON {
            self.probe.accesses(&self.heap, object, at, SlotKind::Own);
            self.touch(object, Access::Write);
            self.taken(object, at, old);
            self.probe.stored(object, at, new);
        }
        self.collector.store(&self.cx, ObjectSlot { object, at, kind: SlotKind::Own }, new);
        old
    }
}
