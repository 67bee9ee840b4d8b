//! Saturating reference counts in the collector's half of the header.
//!
//! A count that reaches its maximum sticks there: the object is never reclaimed by counting. That
//! leaks, but it never frees an object in use.

use crate::context::roots::RootStack;
use crate::memory::Memory;
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::object::header::{ObjectSlot, PARKED, Slots};
use crate::space::cells::NoMarks;
use crate::space::non_moving::NonMovingSpace;
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

/// A count field of the header, for one thread at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    shift: u32,
    bits: u32,
}

impl Count {
    /// All 26 bits, for a discipline with one count.
    pub const ONLY: Self = Self { shift: 0, bits: 26 };
    /// The strong one of two counts, 13 bits.
    pub const STRONG: Self = Self { shift: 0, bits: 13 };
    /// The weak one of two counts, 13 bits.
    pub const WEAK: Self = Self { shift: 13, bits: 13 };

    /// A count of one, in place: the collector bits of a new object.
    pub const fn one(self) -> u32 {
        1 << self.shift
    }

    const fn mask(self) -> u32 {
        ((1 << self.bits) - 1) << self.shift
    }

    /// The count in these header bits.
    #[inline(always)]
    pub const fn of(self, bits: u32) -> u32 {
        (bits & self.mask()) >> self.shift
    }

    /// The count of an object.
    #[inline(always)]
    pub fn get(self, memory: Memory<'_>, object: ObjectReference) -> u32 {
        self.of(memory.collector_word(object).load(Relaxed))
    }

    /// The maximum, at which it sticks.
    pub const fn most(self) -> u32 {
        (1 << self.bits) - 1
    }

    /// Whether the count sticks at its maximum.
    #[inline(always)]
    pub const fn is_stuck(self, count: u32) -> bool {
        count == self.most()
    }

    /// Adds one.
    #[inline(always)]
    pub fn increment(self, memory: Memory<'_>, object: ObjectReference) {
        let word = memory.collector_word(object);
        let bits = word.load(Relaxed);
        let full = bits & self.mask() == self.mask() && !mutant!(memory, "a full count wraps");
        word.store(bits.wrapping_add(u32::from(!full) << self.shift), Relaxed);
    }

    /// Adds one again that trial deletion took away.
    #[inline(always)]
    pub fn restore(self, memory: Memory<'_>, object: ObjectReference) {
        if !mutant!(memory, "a count is not restored") {
            self.increment(memory, object);
        }
    }

    /// Subtracts one; returns whether that was the last. A stuck count stays; a count of zero
    /// stays zero, so that a program that releases too often cannot spill into the other bits.
    #[inline(always)]
    pub fn decrement(self, memory: Memory<'_>, object: ObjectReference) -> bool {
        let word = memory.collector_word(object);
        let bits = word.load(Relaxed);
        let field = bits & self.mask();
        let is_full = field == self.mask() && !mutant!(memory, "a full count is decremented");
        if is_full || field == 0 {
            return false;
        }
        word.store(bits - self.one(), Relaxed);
        field == self.one()
    }

    /// Whether an unparked object is to be freed: its count, zero when it was parked, still is.
    #[inline(always)]
    pub fn still_dead(self, memory: Memory<'_>, object: ObjectReference) -> bool {
        self.get(memory, object) == 0 || mutant!(memory, "a parked object is freed though stored")
    }

    /// The counting barrier: increments the new referent and stores it. Returns the old one, which the
    /// caller decrements now: in this order no count reaches zero where both are the same.
    #[inline(always)]
    pub fn store(
        self,
        memory: Memory<'_>,
        slot: ObjectSlot,
        new: Value,
    ) -> Option<ObjectReference> {
        if let Some(new) = new.reference() {
            self.increment(memory, new);
        }
        let old = slot.read(memory).reference();
        slot.write(memory, new);
        old
    }

    /// Whether these header bits count one reference, and none of the bits `held` is set.
    #[inline(always)]
    pub const fn is_last(self, bits: u32, held: u32) -> bool {
        bits & (self.mask() | held) == self.one()
    }

    /// Subtracts one for a cascade; returns whether the object is freed with it: that was the last, and
    /// the object is not parked (a parked one is found when it is unparked). The zero is not written to
    /// an object that is freed.
    #[inline(always)]
    pub fn release(self, memory: Memory<'_>, object: ObjectReference) -> bool {
        if mutant!(memory, "children are not decremented") {
            return false;
        }
        let bits = memory.collector_word(object).load(Relaxed);
        let ignored = if mutant!(memory, "a cascade frees a parked object") { PARKED } else { 0 };
        if self.is_last(bits & !ignored, PARKED) {
            return true;
        }
        self.decrement(memory, object);
        false
    }

    /// Writes the zero that [`Count::release`] left out.
    #[inline(always)]
    pub fn clear(self, memory: Memory<'_>, object: ObjectReference) {
        memory.clear_bits(object, self.mask());
    }

    /// Checks that every allocated object counts its references in all slots and its roots. Slow.
    ///
    /// # Errors
    /// The first object whose count differs.
    pub fn verify_all(
        self,
        objects: &NonMovingSpace<NoMarks>,
        roots: &RootStack,
    ) -> Result<(), String> {
        let mut expected = in_degrees(objects, Slots::All, |_| true);
        roots.iter().for_each(|root| *expected.entry(root.object).or_default() += 1);
        self.verify(objects, |object| expected.get(&object).copied().unwrap_or(0))
    }

    /// Checks the count of every allocated object against `expected` of it; one that sticks may be
    /// higher. Slow: for [`crate::Inspect::verify`].
    ///
    /// # Errors
    /// The first object whose count differs.
    pub fn verify(
        self,
        objects: &NonMovingSpace<NoMarks>,
        expected: impl Fn(ObjectReference) -> u32,
    ) -> Result<(), String> {
        let memory = objects.heap().memory();
        for object in objects.objects() {
            let (found, expected) = (self.get(memory, object), expected(object));
            if found != expected && !self.is_stuck(found) {
                let name = object.bits();
                return Err(format!("object {name:#x} counts {found}, not {expected} references"));
            }
        }
        Ok(())
    }
}

/// References to each of `objects` in the selected slots of the objects that `holds` accepts.
pub fn in_degrees(
    objects: &NonMovingSpace<NoMarks>,
    slots: Slots,
    holds: impl Fn(ObjectReference) -> bool,
) -> HashMap<ObjectReference, u32> {
    let memory = objects.heap().memory();
    let mut degrees = HashMap::new();
    for object in objects.objects().filter(|&object| holds(object)) {
        for child in memory.children(object, slots) {
            *degrees.entry(child).or_default() += 1;
        }
    }
    degrees
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ObjectMemory;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counting_touches_no_other_bit_and_sticks_at_the_top(bits: u32, steps in proptest::collection::vec(any::<bool>(), 1..60), which in 0usize..3) {
            let memory = ObjectMemory::new().unwrap();
            let memory = memory.view();
            let object = ObjectReference::from_granule(8);
            let count = [Count::ONLY, Count::STRONG, Count::WEAK][which];
            memory.collector_word(object).store(bits, Relaxed);
            let mut model = u64::from(count.of(bits));
            let top = u64::from(count.mask() >> count.shift);
            for up in steps {
                if up { count.increment(memory, object); model = (model + 1).min(top) }
                else {
                    let was = model;
                    if model != top { model = model.saturating_sub(1) }
                    prop_assert_eq!(count.decrement(memory, object), was == 1);
                }
                let now = memory.collector_word(object).load(Relaxed);
                prop_assert_eq!(u64::from(count.of(now)), model);
                prop_assert_eq!(now & !count.mask(), bits & !count.mask());
            }
        }
    }
}
