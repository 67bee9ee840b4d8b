//! The contents of a slot: null, a small integer or a reference, in 32 bits.

use crate::memory::units::BLOCK_GRANULES;
use std::num::NonZeroU32;

/// An object's place in the heap: granule index times two, so never zero and never odd.
///
/// A copy of a reference is a number; the collector decides how long its object exists. Dereferencing a
/// stale one gives a wrong answer, never undefined behaviour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectReference(NonZeroU32);

impl ObjectReference {
    /// Reads raw bits: `None` for null and for immediate integers.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & 1 != 0 {
            return None;
        }
        match NonZeroU32::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// Reads raw bits that are known to be a reference.
    ///
    /// # Safety
    /// The bits must be even and not zero.
    #[inline(always)]
    pub(crate) unsafe fn from_bits_unchecked(bits: u32) -> Self {
        debug_assert!(bits != 0 && bits.is_multiple_of(2));
        // SAFETY: not zero by the contract of this function.
        Self(unsafe { NonZeroU32::new_unchecked(bits) })
    }

    /// The reference to the granule with this index.
    ///
    /// # Panics
    /// For granule 0, which is never an object.
    #[inline(always)]
    pub(crate) fn from_granule(granule: u32) -> Self {
        Self(NonZeroU32::new(granule << 1).expect("granule 0 is never an object"))
    }

    /// Raw bits, even and not zero.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0.get()
    }

    /// Index of the object's first granule.
    #[inline(always)]
    pub const fn granule(self) -> u32 {
        self.0.get() >> 1
    }

    /// Index of the block in which the object starts.
    #[inline(always)]
    pub const fn block(self) -> u32 {
        self.granule() / BLOCK_GRANULES
    }
}

/// The contents of a slot: 0 is null, odd is a 31-bit immediate integer, even is a reference.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Value(u32);

impl Value {
    /// The empty slot.
    pub const NULL: Self = Self(0);

    /// Any bit pattern is a value.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// An immediate integer; `None` if it does not fit 31 bits.
    #[inline(always)]
    pub const fn int(value: i32) -> Option<Self> {
        if (value << 1) >> 1 == value { Some(Self(((value as u32) << 1) | 1)) } else { None }
    }

    /// Raw bits.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether it is a reference.
    #[inline(always)]
    pub const fn is_reference(self) -> bool {
        self.0 != 0 && self.0 & 1 == 0
    }

    /// The reference, if it is one.
    #[inline(always)]
    pub const fn reference(self) -> Option<ObjectReference> {
        ObjectReference::from_bits(self.0)
    }

    /// The reference in a slot that holds no integers (own and borrow slots): a cheaper test.
    #[inline(always)]
    pub fn referent(self) -> Option<ObjectReference> {
        NonZeroU32::new(self.0 & !1).map(ObjectReference)
    }

    /// The immediate integer, if it is one.
    #[inline(always)]
    pub const fn as_int(self) -> Option<i32> {
        if self.0 & 1 == 1 { Some((self.0 as i32) >> 1) } else { None }
    }
}

impl From<ObjectReference> for Value {
    #[inline(always)]
    fn from(object: ObjectReference) -> Self {
        Self(object.bits())
    }
}

impl From<Option<ObjectReference>> for Value {
    #[inline(always)]
    fn from(object: Option<ObjectReference>) -> Self {
        object.map_or(Self::NULL, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_is_exactly_one_of_null_integer_and_reference(bits: u32) {
            let value = Value::from_bits(bits);
            let kinds = [bits == 0, value.as_int().is_some(), value.reference().is_some()];
            prop_assert_eq!(kinds.iter().filter(|&&k| k).count(), 1);
        }

        #[test]
        fn integers_of_31_bits_come_back(value in -(1 << 30)..(1 << 30)) {
            prop_assert_eq!(Value::int(value).and_then(Value::as_int), Some(value));
        }
    }

    #[test]
    fn integers_of_32_bits_are_refused() {
        assert_eq!(Value::int(1 << 30), None);
        assert_eq!(Value::int(i32::MIN), None);
    }
}
