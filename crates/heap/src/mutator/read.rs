//! Reads of roots, slots and payload words.

use super::{Loaded, Mutator, Ref};
use crate::collector::Collector;
use crate::context::roots::Rooted;
use crate::memory::value::Value;
use crate::mutator::probe::{Access, Probe};
use crate::object::header::SlotKind;
use crate::object::shape::{Checked, Kind, NotOwn, Slot, Strong, Word};
use std::sync::atomic::Ordering::Relaxed;

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// The object that a root, local or global refers to.
    ///
    /// # Panics
    /// If it refers to none: its scope has ended, or no object was assigned to it.
    #[inline(always)]
    pub fn get(&self, place: &impl Rooted) -> Ref<'_> {
        let object = self.cx.roots.get(place);
        if P::ON {
            let allocated = |object| self.collector.parts().is_allocated(object);
            self.probe.root_read(place.index(), object, allocated);
        }
        Ref::of(object)
    }

    /// The object that a local or global refers to, if any.
    #[inline(always)]
    pub fn try_get(&self, place: &impl Rooted) -> Option<Ref<'_>> {
        self.cx.roots.peek(place.index()).map(Ref::of)
    }

    #[inline(always)]
    pub(super) fn load_bits<K: Kind>(&self, object: Ref<'_>, slot: Slot<K>) -> Value {
        let (object, at) = (object.object, slot.offset());
        if P::ON {
            self.probe.accesses(&self.heap, object, at, K::KIND);
            self.touch(object, Access::Read);
        }
        let value = Value::from_bits(self.heap.memory().read(object, at));
        let value = self.collector.load(&self.cx, K::KIND, value);
        if P::ON {
            self.probe
                .loaded(object, at, value, |object| self.collector.parts().is_allocated(object));
        }
        value
    }

    /// The object that an own or shared slot refers to; `None` for null and for integers.
    #[inline(always)]
    pub fn load<'m, K: Strong>(&'m self, object: Ref<'m>, slot: Slot<K>) -> Option<Ref<'m>> {
        let value = self.load_bits(object, slot);
        let object = if K::KIND == SlotKind::Own { value.referent() } else { value.reference() };
        object.map(Ref::of)
    }

    /// The contents of a slot that may hold immediates.
    #[inline(always)]
    pub fn load_value<'m, K: NotOwn + Strong>(
        &'m self,
        object: Ref<'m>,
        slot: Slot<K>,
    ) -> Loaded<'m> {
        let value = self.load_bits(object, slot);
        match (value.as_int(), value.reference()) {
            (Some(int), _) => Loaded::Int(int),
            (_, Some(object)) => Loaded::Object(Ref::of(object)),
            _ => Loaded::Null,
        }
    }

    /// The object that a borrow slot refers to, if it still exists: `Weak::upgrade`. Disciplines
    /// without weak counts trust the program, as `&` does. Also the referent of a weak slot or an
    /// ephemeron, which is then kept like every object loaded.
    #[inline(always)]
    pub fn upgrade<'m, K: Checked>(&'m self, object: Ref<'m>, slot: Slot<K>) -> Option<Ref<'m>> {
        self.load_bits(object, slot).reference().map(Ref::of)
    }

    /// A payload word.
    #[inline(always)]
    pub fn word(&self, object: Ref<'_>, word: Word) -> u64 {
        self.touch(object.object, Access::Read);
        if P::ON {
            self.probe.word_read(object.object, word.offset());
        }
        self.heap.memory().word64(object.object, word.offset()).load(Relaxed)
    }

    /// Sets a payload word.
    #[inline(always)]
    pub fn set_word(&self, object: Ref<'_>, word: Word, value: u64) {
        self.touch(object.object, Access::Write);
        if P::ON {
            self.probe.word_set(object.object, word.offset(), value);
        }
        self.heap.memory().word64(object.object, word.offset()).store(value, Relaxed);
    }
}
