//! The eight header bytes of every object: the one definition of every bit.
//!
//! ```text
//! word 0, layout: written once at allocation; in a forwarded object the reference to its copy
//!   bits  0..8   end of the own slots      } cumulative, so that a drop (own), a weak count
//!   bits  8..16  end of the shared slots   } (shared..borrow) and a marker (all) each need one byte
//!   bits 16..24  end of the borrow slots   }
//!   bits 24..31  payload words of 8 bytes, at most 127
//!   bit  31      extended: an array or an object too big for the fields above. A second header
//!                word pair then holds 32-bit slot and payload lengths, and bits 0..8 the one kind
//!                of all its slots: only such an object can have weak or ephemeral slots, so that
//!                skipping them costs the marking of ordinary objects nothing
//!
//! word 1, owned by the collector
//!   bits  0..26  counts: one of 26 bits, or a strong one of 13 and a weak one of 13 (`count`)
//!   bits 26..28  colour                    written by tracing collectors without side mark tables
//!   bit  28      forwarded: word 0 is the reference to the copy    written by `Memory::forward`
//!   bit  29      parked, or logged         written by `Context::park`, cleared by `unpark`
//!   bit  30      in a region's chunk       written at allocation
//!   bit  31      large                     written at allocation by the large-object space
//! ```

use crate::memory::units::GRANULE_BYTES;
use crate::memory::value::{ObjectReference, Value};
use crate::memory::{Memory, Offset32, Offset64};
use crate::mutant;
use crate::object::size_class;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{self, Relaxed},
};

/// Bytes of the header of an ordinary object.
pub const HEADER_BYTES: u32 = 8;
/// Bytes of the header of an array or extended object.
pub const EXTENDED_HEADER_BYTES: u32 = 16;

const EXTENDED: u32 = 1 << 31;
/// Maximum slots of a shape with an ordinary header.
pub const MAX_SHAPE_SLOTS: u32 = 255;
/// Maximum payload words of a shape with an ordinary header.
pub const MAX_SHAPE_WORDS: u32 = 127;

/// Collector bit, the first of two for colours: the object was reached.
pub const REACHED: u32 = 1 << 26;
/// Collector bit: the object was copied, and its layout word is the reference to the copy.
pub(crate) const FORWARDED: u32 = 1 << 28;
/// Collector bit: logged, to be processed at the next operation that may reclaim; in a generational
/// collector at the next collection.
pub const PARKED: u32 = 1 << 29;
/// Collector bit: lies in a region's chunk and is freed with it.
pub const REGION: u32 = 1 << 30;
/// Collector bit: lies in the large-object space.
pub const LARGE: u32 = 1 << 31;

/// How a slot holds its referent, in the order in which slots are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum SlotKind {
    /// The only owner, as `Box`.
    Own = 0,
    /// One of several holders, as `Rc` or a traced pointer; may hold an immediate integer.
    Shared = 1,
    /// Does not keep alive, as `&` or `Weak`: back, parent and previous links.
    Borrow = 2,
    /// A slot of a weak array: reads as null once its referent is dead (see [`crate::ReferenceProcessor`]).
    Weak = 3,
    /// A slot of an array of ephemerons: alternately a key, held weakly, and the value kept while it lives.
    Ephemeral = 4,
}

impl SlotKind {
    /// Whether traces skip it and reference processing handles it after the trace.
    #[inline(always)]
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Weak | Self::Ephemeral)
    }
}

/// The layout of an object: a constant for shapes, computed for arrays.
///
/// Two words, which a call passes in registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The layout half of the header, and above it the size in bytes.
    bits_and_bytes: u64,
    /// Slots, and above them payload words.
    slots_and_words: u64,
}

impl Layout {
    const fn new(bits: u32, bytes: u32, slots: u32, words: u32) -> Self {
        Self {
            bits_and_bytes: bits as u64 | (bytes as u64) << 32,
            slots_and_words: slots as u64 | (words as u64) << 32,
        }
    }

    /// The layout of a shape with these numbers of slots by kind and of payload words.
    ///
    /// # Panics
    /// (At compile time, for shapes.) Above [`MAX_SHAPE_SLOTS`] slots or [`MAX_SHAPE_WORDS`] words: use an
    /// array.
    pub const fn shape(own: u32, shared: u32, borrow: u32, words: u32) -> Self {
        let slots = own + shared + borrow;
        assert!(slots <= MAX_SHAPE_SLOTS, "a shape has at most 255 slots: use an array");
        assert!(words <= MAX_SHAPE_WORDS, "a shape has at most 127 words: use an array");
        let bits = own | (own + shared) << 8 | slots << 16 | words << 24;
        let bytes = HEADER_BYTES + slots.next_multiple_of(2) * 4 + words * 8;
        let bytes =
            if bytes < size_class::MIN_CELL_BYTES { size_class::MIN_CELL_BYTES } else { bytes };
        Self::new(bits, bytes, slots, words)
    }

    /// The layout of an array of `slots` slots of one kind and `words` payload words; `None` if it
    /// would not fit an offset of 32 bits.
    #[inline]
    pub const fn array(kind: SlotKind, slots: u32, words: u32) -> Option<Self> {
        let bytes = EXTENDED_HEADER_BYTES as u64
            + (slots as u64).next_multiple_of(2) * 4
            + words as u64 * 8;
        if bytes > i32::MAX as u64 {
            return None;
        }
        let bytes = bytes as u32;
        let bits = EXTENDED | kind as u32;
        Some(Self::new(bits, bytes, slots, words))
    }

    /// The layout half of the header.
    #[inline(always)]
    const fn bits(self) -> u32 {
        self.bits_and_bytes as u32
    }

    /// Whole size in bytes, header included, before rounding to a cell.
    #[inline(always)]
    pub const fn bytes(self) -> u32 {
        (self.bits_and_bytes >> 32) as u32
    }

    /// Number of slots.
    #[inline(always)]
    pub const fn slots(self) -> u32 {
        self.slots_and_words as u32
    }

    /// Number of payload words of 8 bytes.
    #[inline(always)]
    pub const fn words(self) -> u32 {
        (self.slots_and_words >> 32) as u32
    }

    /// Number of slots of this kind.
    #[inline(always)]
    pub const fn slots_of(self, kind: SlotKind) -> u32 {
        if self.is_extended() {
            return if self.bits() & 0xff == kind as u32 { self.slots() } else { 0 };
        }
        match kind {
            SlotKind::Own => self.bits() & 0xff,
            SlotKind::Shared => (self.bits() >> 8 & 0xff) - (self.bits() & 0xff),
            SlotKind::Borrow => (self.bits() >> 16 & 0xff) - (self.bits() >> 8 & 0xff),
            SlotKind::Weak | SlotKind::Ephemeral => 0,
        }
    }

    /// Size class, or [`size_class::LARGE_CLASS`].
    #[inline(always)]
    pub(crate) const fn class(self) -> u8 {
        size_class::class_of(self.bytes())
    }

    /// Whether it fits a cell; otherwise it is a large object.
    #[inline(always)]
    pub const fn is_small(self) -> bool {
        self.bytes() <= size_class::MAX_CELL_BYTES
    }

    /// Whether the header has the second word pair.
    #[inline(always)]
    pub const fn is_extended(self) -> bool {
        self.bits() & EXTENDED != 0
    }

    /// Bytes of its header.
    #[inline(always)]
    pub const fn header_bytes(self) -> u32 {
        if self.is_extended() { EXTENDED_HEADER_BYTES } else { HEADER_BYTES }
    }

    /// Writes the header of a new object and zeroes the rest of its `cell_bytes`.
    #[inline(always)]
    pub(crate) fn install(self, memory: Memory<'_>, object: ObjectReference, collector_bits: u32) {
        let is_counted = collector_bits & 1 != 0;
        let overlaps = is_counted && mutant!(memory, "layout and count share a bit");
        let shift = if overlaps { 31 } else { 32 };
        let header = u64::from(self.bits()) | u64::from(collector_bits) << shift;
        if mutant!(memory, "a new object is not cleared") {
            memory.word64(object, Offset64::word(0)).store(header, Relaxed);
        } else {
            memory.initialise(object, header, self.bytes());
        }
        if self.is_extended() {
            memory.write(object, Offset32::word(2), self.slots());
            memory.write(object, Offset32::word(3), self.words());
        }
    }
}

/// The slots and sizes of an existing object, decoded from its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Number of the 32-bit word at which the slots begin.
    pub first: u32,
    /// End of the own slots, counted from the first slot.
    pub own_end: u32,
    /// End of the shared slots.
    pub shared_end: u32,
    /// End of the borrow slots, and of the slots that a trace scans.
    pub borrow_end: u32,
    /// End of the weak or ephemeral slots: the number of slots.
    pub slots: u32,
    /// The kind of these slots, weak or ephemeral; an object has only one of the two.
    pub weak_kind: SlotKind,
    /// Payload words of 8 bytes.
    pub words: u32,
}

impl Extent {
    /// Reads the header of `object`.
    #[inline(always)]
    pub fn of(memory: Memory<'_>, object: ObjectReference) -> Self {
        let bits = memory.read(object, Offset32::word(0));
        if bits & EXTENDED == 0 {
            Self::ordinary(bits)
        } else {
            Self::extended(memory, object, bits)
        }
    }

    #[inline(always)]
    fn ordinary(bits: u32) -> Self {
        Self {
            first: HEADER_BYTES / 4,
            own_end: bits & 0xff,
            shared_end: bits >> 8 & 0xff,
            borrow_end: bits >> 16 & 0xff,
            slots: bits >> 16 & 0xff,
            weak_kind: SlotKind::Weak,
            words: bits >> 24 & 0x7f,
        }
    }

    #[cold]
    fn extended(memory: Memory<'_>, object: ObjectReference, bits: u32) -> Self {
        let slots = memory.read(object, Offset32::word(2));
        let words = memory.read(object, Offset32::word(3));
        let kind = bits & 0xff;
        let is_weak_array = kind == SlotKind::Weak as u32;
        let is_weak = is_weak_array || kind == SlotKind::Ephemeral as u32;
        Self {
            first: EXTENDED_HEADER_BYTES / 4,
            own_end: if kind == SlotKind::Own as u32 { slots } else { 0 },
            shared_end: if kind <= SlotKind::Shared as u32 { slots } else { 0 },
            borrow_end: if is_weak { 0 } else { slots },
            slots,
            weak_kind: if is_weak_array { SlotKind::Weak } else { SlotKind::Ephemeral },
            words,
        }
    }

    /// The offset of slot number `index`.
    #[inline(always)]
    pub const fn slot(self, index: u32) -> Offset32 {
        Offset32::word(self.first.wrapping_add(index))
    }

    /// Whole size in bytes, header included, before rounding to a cell.
    pub const fn bytes(self) -> u64 {
        let bytes = self.first as u64 * 4
            + (self.slots as u64).next_multiple_of(2) * 4
            + self.words as u64 * 8;
        if bytes < size_class::MIN_CELL_BYTES as u64 {
            size_class::MIN_CELL_BYTES as u64
        } else {
            bytes
        }
    }

    /// Size in bytes of an object that is not large. A wrong program may have overwritten its header.
    #[inline(always)]
    pub(crate) fn small_bytes(self) -> u32 {
        self.bytes().min(u64::from(size_class::MAX_CELL_BYTES)) as u32
    }

    /// The kind of slot number `index`.
    pub const fn kind(self, index: u32) -> SlotKind {
        if index < self.own_end {
            SlotKind::Own
        } else if index < self.shared_end {
            SlotKind::Shared
        } else if index < self.borrow_end {
            SlotKind::Borrow
        } else {
            self.weak_kind
        }
    }
}

/// The slots of an object to scan: a drop, a weak count and a marker differ in nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slots {
    /// Own slots.
    Own,
    /// Own and shared slots: those that keep their referent alive.
    Strong,
    /// Borrow and weak slots: those that a weak count includes.
    Borrow,
    /// All slots but weak and ephemeral ones, which [`crate::ReferenceProcessor`] handles.
    All,
}

impl Slots {
    #[inline(always)]
    const fn range(self, extent: Extent) -> (u32, u32) {
        match self {
            Self::Own => (0, extent.own_end),
            Self::Strong => (0, extent.shared_end),
            Self::Borrow => (extent.shared_end, extent.slots),
            Self::All => (0, extent.borrow_end),
        }
    }
}

/// A slot of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectSlot {
    /// The object.
    pub object: ObjectReference,
    /// The offset of the slot in it.
    pub at: Offset32,
    /// The kind of the slot.
    pub kind: SlotKind,
}

impl ObjectSlot {
    /// The value in the slot.
    #[inline(always)]
    pub fn read(self, memory: Memory<'_>) -> Value {
        Value::from_bits(memory.read(self.object, self.at))
    }

    /// Stores a value, without a barrier.
    #[inline(always)]
    pub fn write(self, memory: Memory<'_>, new: Value) {
        memory.write(self.object, self.at, new.bits());
    }
}

impl<'h> Memory<'h> {
    /// The values in the slots of `object` that `slots` selects.
    ///
    /// In an ordinary object their start does not depend on the header, so the processor loads the first
    /// of them without waiting for it.
    #[inline(always)]
    pub fn slots(self, object: ObjectReference, slots: Slots) -> impl Iterator<Item = Value> + 'h {
        let bits = self.read(object, Offset32::word(0));
        let (first, (start, end)) = if bits & EXTENDED == 0 {
            (HEADER_BYTES / 4, slots.range(Extent::ordinary(bits)))
        } else {
            (EXTENDED_HEADER_BYTES / 4, self.extended_range(object, slots))
        };
        (first + start..first.wrapping_add(end))
            .map(move |word| Value::from_bits(self.read(object, Offset32::word(word))))
    }

    /// The references in the slots of `object` that `slots` selects.
    #[inline(always)]
    pub fn children(
        self,
        object: ObjectReference,
        slots: Slots,
    ) -> impl Iterator<Item = ObjectReference> + 'h {
        self.slots(object, slots).filter_map(Value::reference)
    }

    /// Whether the object has the long header, as arrays have.
    #[inline(always)]
    pub fn is_extended(self, object: ObjectReference) -> bool {
        self.read(object, Offset32::word(0)) & EXTENDED != 0
    }

    /// The selected slots of an object with the ordinary header, if they are two.
    #[inline(always)]
    pub(crate) fn two_slots(self, object: ObjectReference, slots: Slots) -> Option<[Value; 2]> {
        let bits = self.read(object, Offset32::word(0));
        let (start, end) = slots.range(Extent::ordinary(bits));
        let is_two = bits & EXTENDED == 0 && end == start + 2;
        let word = |i| self.read(object, Offset32::word(HEADER_BYTES / 4 + start + i));
        is_two.then(|| [word(0), word(1)].map(Value::from_bits))
    }

    /// Whether a slot of the object may hold a reference: two slots are one load. One with more than four
    /// always may, and so may one without slots.
    #[inline(always)]
    pub fn may_have_children(self, object: ObjectReference) -> bool {
        // An extended object counts as one with many.
        let slots = self.read(object, Offset32::word(0)) >> 16 & (EXTENDED >> 16 | 0xff);
        let holds = |pair| self.word64(object, Offset64::word(pair)).load(Relaxed) != 0;
        slots > 4 || holds(1) || slots > 2 && holds(2)
    }

    /// [`Memory::slots`], loaded with memory order `order`, of an object with the ordinary header; `None`
    /// for any other.
    #[inline(always)]
    pub(crate) fn ordinary_slots(
        self,
        object: ObjectReference,
        slots: Slots,
        order: Ordering,
    ) -> Option<impl Iterator<Item = Value> + 'h> {
        let bits = self.read(object, Offset32::word(0));
        if bits & EXTENDED != 0 {
            return None;
        }
        let (start, end) = slots.range(Extent::ordinary(bits));
        let word = move |index| self.word32(object, Offset32::word(HEADER_BYTES / 4 + index));
        Some((start..end).map(move |index| Value::from_bits(word(index).load(order))))
    }

    /// The granule in which the object ends, computed from its header.
    #[inline(always)]
    pub(crate) fn last_granule(self, object: ObjectReference) -> u32 {
        let bits = self.read(object, Offset32::word(0));
        let granules = if bits & EXTENDED == 0 {
            // Granules of slots and payload; the header takes the first granule.
            ((bits >> 16 & 0xff).div_ceil(2) + (bits >> 24)).max(1)
        } else {
            self.extended_granules(object)
        };
        object.granule().saturating_add(granules)
    }

    #[cold]
    #[inline(never)]
    fn extended_granules(self, object: ObjectReference) -> u32 {
        u32::try_from(Extent::of(self, object).bytes() / GRANULE_BYTES as u64 - 1)
            .unwrap_or(u32::MAX)
    }

    #[cold]
    #[inline(never)]
    fn extended_range(self, object: ObjectReference, slots: Slots) -> (u32, u32) {
        slots.range(Extent::of(self, object))
    }

    /// The collector's half of the header.
    #[inline(always)]
    pub fn collector_word(self, object: ObjectReference) -> &'h AtomicU32 {
        self.word32(object, Offset32::word(1))
    }

    /// Whether any of `bits` is set in the collector's half of the header.
    #[inline(always)]
    pub fn has(self, object: ObjectReference, bits: u32) -> bool {
        self.collector_word(object).load(Relaxed) & bits != 0
    }

    /// Sets `bits` in the collector's half of the header: a load and a store, for one thread at a time.
    #[inline(always)]
    pub fn set_bits(self, object: ObjectReference, bits: u32) {
        let word = self.collector_word(object);
        word.store(word.load(Relaxed) | bits, Relaxed);
    }

    /// Clears `bits` in the collector's half of the header, in the same way.
    #[inline(always)]
    pub fn clear_bits(self, object: ObjectReference, bits: u32) {
        let word = self.collector_word(object);
        word.store(word.load(Relaxed) & !bits, Relaxed);
    }
}

impl Value {
    /// The reference in a slot that `slots` selects: the cheaper test where these hold no integers.
    #[inline(always)]
    pub(crate) fn referent_in(self, slots: Slots) -> Option<ObjectReference> {
        match slots {
            Slots::Own | Slots::Borrow => self.referent(),
            Slots::Strong | Slots::All => self.reference(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ObjectMemory;
    use proptest::prelude::*;

    fn object(granule: u32) -> ObjectReference {
        ObjectReference::from_granule(granule)
    }

    proptest! {
        #[test]
        fn a_header_encodes_its_layout(own in 0u32..80, shared in 0u32..80, borrow in 0u32..80, words in 0u32..=127) {
            let memory = ObjectMemory::new().unwrap();
            let memory = memory.view();
            let layout = Layout::shape(own, shared, borrow, words);
            layout.install(memory, object(4096), 5);
            let extent = Extent::of(memory, object(4096));
            prop_assert_eq!((extent.own_end, extent.shared_end, extent.borrow_end, extent.words),
                            (own, own + shared, own + shared + borrow, words));
            prop_assert_eq!(extent.bytes(), u64::from(layout.bytes()));
            prop_assert_eq!(memory.last_granule(object(4096)), 4096 + layout.bytes() / 8 - 1);
            prop_assert_eq!(memory.collector_word(object(4096)).load(Relaxed), 5);
        }

        #[test]
        fn an_array_header_encodes_its_lengths(kind in 0u32..5, slots in 0u32..5000, words in 0u32..5000) {
            use SlotKind::{Borrow, Ephemeral, Own, Shared, Weak};
            let memory = ObjectMemory::new().unwrap();
            let memory = memory.view();
            let kind = [Own, Shared, Borrow, Weak, Ephemeral][kind as usize];
            let layout = Layout::array(kind, slots, words).unwrap();
            layout.install(memory, object(4096), 0);
            let extent = Extent::of(memory, object(4096));
            prop_assert_eq!((extent.slots, extent.words), (slots, words));
            let traced = memory.slots(object(4096), Slots::All).count() as u32;
            prop_assert_eq!(traced, if kind.is_weak() { 0 } else { slots });
            prop_assert_eq!(extent.bytes(), u64::from(layout.bytes()));
            prop_assert_eq!(memory.last_granule(object(4096)), 4096 + layout.bytes() / 8 - 1);
            if slots > 0 {
                prop_assert_eq!(extent.kind(0), kind);
                prop_assert_eq!(extent.kind(slots - 1), kind);
            }
        }

        #[test]
        fn any_header_bits_keep_every_slot_inside_the_sandbox(bits: u32, slots: u32, words: u32, granule in 1u32..u32::MAX >> 1, index: u32) {
            let memory = ObjectMemory::new().unwrap();
            let memory = memory.view();
            let o = object(granule);
            memory.write(o, Offset32::word(0), bits);
            memory.write(o, Offset32::word(2), slots);
            memory.write(o, Offset32::word(3), words);
            let extent = Extent::of(memory, o);
            let slot = extent.slot(index);
            prop_assert_eq!(slot.bytes() % 4, 0);
            memory.read(o, slot);
        }
    }

    #[test]
    fn the_smallest_shapes_take_the_smallest_cell() {
        assert_eq!(Layout::shape(0, 0, 0, 0).bytes(), 16);
        assert_eq!(Layout::shape(2, 0, 0, 0).bytes(), 16);
        assert_eq!(Layout::shape(2, 0, 1, 0).bytes(), 24);
        assert_eq!(Layout::array(SlotKind::Own, 0, 0).unwrap().bytes(), 16);
        assert_eq!(Layout::array(SlotKind::Own, u32::MAX, 0), None);
    }
}
