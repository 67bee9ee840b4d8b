//! Moving one object: its copy, the forwarding reference in its old place, the update of slots.
//!
//! The old memory of a copied object is free for other use, so its layout word holds the reference to the
//! copy, and [`FORWARDED`] is set. Slots are updated without barriers: the program is stopped, and its
//! object graph does not change.

use crate::memory::asan;
use crate::memory::mutant::MUTANTS;
use crate::memory::value::{ObjectReference, Value};
use crate::memory::{Memory, Offset32, Offset64};
use crate::mutant;
use crate::object::header::{Extent, FORWARDED, LARGE};
use std::sync::atomic::Ordering::Relaxed;

impl Memory<'_> {
    /// The new place of the object; `None` if it has not moved.
    #[inline(always)]
    pub fn forwarded(self, object: ObjectReference) -> Option<ObjectReference> {
        if self.has(object, FORWARDED) {
            ObjectReference::from_bits(self.read(object, Offset32::word(0)))
        } else {
            None
        }
    }

    /// Leaves a forwarding reference in an object that was copied: from now on its only readable content.
    #[inline(always)]
    pub fn forward(self, object: ObjectReference, copy: ObjectReference) {
        if mutant!(self, "no forwarding reference is left") {
            return;
        }
        self.write(object, Offset32::word(0), copy.bits());
        self.set_bits(object, FORWARDED);
    }

    /// Copies the `bytes` of an object, header included, to unpublished memory. The two places may
    /// overlap if `to` is the lower one.
    #[inline(always)]
    pub(crate) fn copy(self, from: ObjectReference, to: ObjectReference, bytes: u32) {
        asan::unpoison(self, to, bytes);
        let short = u32::from(mutant!(self, "a copy is one word short"));
        for word in (0..bytes / 8 - short).map(Offset64::word) {
            self.word64(to, word).store(self.word64(from, word).load(Relaxed), Relaxed);
        }
    }

    /// Updates every slot of the object to the place that `new` returns for its referent.
    #[inline(always)]
    pub fn update_slots(
        self,
        object: ObjectReference,
        mut new: impl FnMut(ObjectReference) -> ObjectReference,
    ) {
        self.visit_references(object, |at, old| self.write(object, at, new(old).bits()));
    }

    /// [`Memory::update_slots`], the last slot first: for a collector that scans copies last in, first out,
    /// so that it scans the referent of the first slot first.
    #[inline(always)]
    pub fn update_slots_backwards(
        self,
        object: ObjectReference,
        mut new: impl FnMut(ObjectReference) -> ObjectReference,
    ) {
        let extent = Extent::of(self, object);
        let slots = (0..extent.borrow_end).rev();
        self.visit(object, extent, slots, |at, old| self.write(object, at, new(old).bits()));
    }

    /// Calls `found` with each slot of the object that holds a reference, all of which it updates, at once
    /// or later.
    #[inline(always)]
    pub(crate) fn visit_references(
        self,
        object: ObjectReference,
        found: impl FnMut(Offset32, ObjectReference),
    ) {
        let extent = Extent::of(self, object);
        self.visit(object, extent, 0..extent.borrow_end, found);
    }

    #[inline(always)]
    fn visit(
        self,
        object: ObjectReference,
        extent: Extent,
        slots: impl Iterator<Item = u32>,
        mut found: impl FnMut(Offset32, ObjectReference),
    ) {
        if MUTANTS
            && self.has(object, LARGE)
            && mutant!(self, "a large object's slots are not updated")
        {
            return;
        }
        let last = extent.borrow_end.wrapping_sub(1);
        for slot in slots {
            if slot == last && mutant!(self, "an object's last slot is not updated") {
                continue;
            }
            let at = extent.slot(slot);
            if let Some(old) = Value::from_bits(self.read(object, at)).reference() {
                found(at, old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ObjectMemory;
    use crate::object::header::{Layout, SlotKind, Slots};
    use proptest::prelude::*;

    fn object(granule: u32) -> ObjectReference {
        ObjectReference::from_granule(granule)
    }

    proptest! {
        /// Copying by any distance, overlapping or not, leaves an equal object.
        #[test]
        fn a_copy_is_the_object(slots in 0u32..40, words in 0u32..40, extended: bool, distance in 1u32..80) {
            let memory = ObjectMemory::new().unwrap();
            let memory = memory.view();
            let layout = match extended {
                true => Layout::array(SlotKind::Shared, slots, words).unwrap(),
                false => Layout::shape(0, slots, 0, words),
            };
            let (from, to) = (object(4096), object(4096 - distance));
            layout.install(memory, from, 5);
            let first = layout.header_bytes() / 4;
            let contents: Vec<u32> = (first..layout.bytes() / 4).map(|word| word * 77 + 1).collect();
            for (word, &bits) in (first..).zip(&contents) {
                memory.write(from, Offset32::word(word), bits);
            }
            let extent = Extent::of(memory, from);
            memory.copy(from, to, layout.bytes());
            prop_assert_eq!(Extent::of(memory, to), extent);
            prop_assert_eq!(memory.collector_word(to).load(Relaxed), 5);
            let copied = (first..layout.bytes() / 4).map(|word| memory.read(to, Offset32::word(word)));
            prop_assert_eq!(copied.collect::<Vec<_>>(), contents);
        }
    }

    #[test]
    fn a_forwarded_object_refers_to_its_copy_which_keeps_its_bits() {
        let memory = ObjectMemory::new().unwrap();
        let memory = memory.view();
        let (from, to) = (object(4096), object(8192));
        Layout::shape(1, 1, 0, 0).install(memory, from, 3);
        assert_eq!(memory.forwarded(from), None);
        memory.copy(from, to, 16);
        memory.forward(from, to);
        assert_eq!(memory.forwarded(from), Some(to));
        assert_eq!(memory.forwarded(to), None, "the copy has not moved");
        assert_eq!(memory.collector_word(to).load(Relaxed), 3);
    }

    #[test]
    fn references_are_updated_and_other_values_stay() {
        let memory = ObjectMemory::new().unwrap();
        let memory = memory.view();
        let (holder, old, new) = (object(4096), object(100), object(200));
        Layout::shape(1, 3, 1, 1).install(memory, holder, 0);
        let before = [old.into(), Value::NULL, Value::int(-7).unwrap(), old.into(), old.into()];
        for (slot, value) in (0..).zip(before) {
            memory.write(holder, Extent::of(memory, holder).slot(slot), value.bits());
        }
        memory.word64(holder, Offset64::word(4)).store(u64::from(old.bits()), Relaxed);
        memory.update_slots(holder, |_| new);
        let after = [new.into(), Value::NULL, Value::int(-7).unwrap(), new.into(), new.into()];
        assert_eq!(memory.slots(holder, Slots::All).collect::<Vec<_>>(), after);
        let payload = memory.word64(holder, Offset64::word(4)).load(Relaxed);
        assert_eq!(payload, u64::from(old.bits()), "a payload word is no reference");
    }
}
