//! The sandbox: one reservation that no value and no offset can leave.
//!
//! An address is `base + reference * 4 + offset`. A reference is a `u32`, so the first summand stays
//! below 16 GiB; an offset is a `u32` of bytes, so the second stays below 4 GiB; the reservation is
//! 20 GiB and a page. **Invariant:** for any bits of a reference and of an offset, an access stays inside
//! the reservation and is aligned. There are no masks and no bounds checks.
//!
//! Words are atomics read and written `Relaxed`. Memory that is not yet published (a cell that one
//! space owns) is initialised with plain stores, which are two to three times cheaper.

pub(crate) mod asan;
pub(crate) mod budget;
pub(crate) mod charged_vec;
pub(crate) mod footprint;
pub(crate) mod mutant;
pub(crate) mod null_block;
pub mod os;
pub(crate) mod parameter;
pub(crate) mod stack;
pub(crate) mod sync;
pub(crate) mod units;
pub(crate) mod value;

use crate::memory::null_block::NullBlock;
use crate::memory::os::{PAGE_BYTES, Reservation};
use crate::memory::units::{ADDRESSABLE_BYTES, BLOCK_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

const OFFSET_BYTES: u64 = 1 << 32;

/// A byte offset of a word of `WORD_BYTES` inside an object: always a multiple of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Offset<const WORD_BYTES: u32>(u32);

/// A byte offset of a 32-bit word.
pub type Offset32 = Offset<4>;
/// A byte offset of a 64-bit word.
pub type Offset64 = Offset<8>;

impl<const WORD_BYTES: u32> Offset<WORD_BYTES> {
    /// The offset of word number `index`; wraps around at 4 GiB.
    #[inline(always)]
    pub const fn word(index: u32) -> Self {
        Self(index.wrapping_mul(WORD_BYTES))
    }

    /// Bytes from the start of the object.
    #[inline(always)]
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

/// The object memory of one heap: owns the reservation.
#[derive(Debug)]
pub(crate) struct ObjectMemory {
    reservation: Reservation,
}

impl ObjectMemory {
    /// Reserves the sandbox; nothing is committed yet.
    pub(crate) fn new() -> io::Result<Self> {
        let bytes = ADDRESSABLE_BYTES + OFFSET_BYTES + PAGE_BYTES as u64;
        Ok(Self { reservation: Reservation::new(bytes as usize)? })
    }

    /// [`Reservation::use_huge_pages`] for all of it.
    pub(crate) fn use_huge_pages(&self) -> io::Result<()> {
        self.reservation.use_huge_pages()
    }

    /// Access to the memory.
    #[inline(always)]
    pub(crate) fn view(&self) -> Memory<'_> {
        Memory { base: self.reservation.base(), owner: PhantomData }
    }

    /// Commits the first `bytes` of the object memory.
    pub(crate) fn populate(&self, bytes: u64) {
        self.reservation.populate(0, bytes.min(ADDRESSABLE_BYTES) as usize);
    }

    /// Returns a range, given in bytes from the base, to the operating system.
    pub(crate) fn decommit(&self, offset: u64, bytes: u64) {
        self.reservation.decommit(offset as usize, bytes as usize);
    }

    /// Length of the reservation in bytes.
    #[cfg(test)]
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.reservation.bytes()
    }
}

/// Access to the object memory of one heap: a pointer that loops can keep in a register.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'h> {
    /// **Invariant:** the base of an [`ObjectMemory`] that lives for `'h`.
    base: NonNull<u8>,
    owner: PhantomData<&'h ObjectMemory>,
}

/// The base of an object memory. Only [`Memory`] accesses memory through it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base(NonNull<u8>);

// SAFETY: a base is an address; the memory behind it is shared by atomics.
unsafe impl Send for Base {}
// SAFETY: as for `Send`.
unsafe impl Sync for Base {}

impl<'h> Memory<'h> {
    /// Access through a base stored elsewhere.
    ///
    /// # Safety
    /// The [`ObjectMemory`] of this base must live for `'h`.
    #[inline(always)]
    pub(crate) unsafe fn at(base: Base) -> Self {
        Self { base: base.0, owner: PhantomData }
    }

    /// The base address.
    pub(crate) fn base(self) -> Base {
        Base(self.base)
    }

    #[inline(always)]
    fn address(self, object: ObjectReference, offset: u32) -> *mut u8 {
        let distance = object.bits() as usize * UNIT_BYTES + offset as usize;
        // SAFETY: at most (2^32 - 1) * 4 + 2^32 - 1 bytes, which with eight more lies inside the
        // reservation of 20 GiB and a page.
        unsafe { self.base.as_ptr().add(distance) }
    }

    /// The 32-bit word at `offset` of `object`.
    #[inline(always)]
    pub fn word32(self, object: ObjectReference, offset: Offset32) -> &'h AtomicU32 {
        // SAFETY: the address is inside the reservation and a multiple of four (a reference is even,
        // so its bytes are a multiple of eight); all shared access to it is atomic.
        unsafe { &*self.address(object, offset.0).cast::<AtomicU32>() }
    }

    /// The 64-bit payload word at `offset` of `object`.
    #[inline(always)]
    pub fn word64(self, object: ObjectReference, offset: Offset64) -> &'h AtomicU64 {
        // SAFETY: as in `word32`, with both summands multiples of eight.
        unsafe { &*self.address(object, offset.0).cast::<AtomicU64>() }
    }

    /// Reads a 32-bit word.
    #[inline(always)]
    pub fn read(self, object: ObjectReference, offset: Offset32) -> u32 {
        self.word32(object, offset).load(Relaxed)
    }

    /// Writes a 32-bit word.
    #[inline(always)]
    pub fn write(self, object: ObjectReference, offset: Offset32, bits: u32) {
        self.word32(object, offset).store(bits, Relaxed);
    }

    /// Writes a 32-bit word with release order: an acquiring load of it sees all earlier writes.
    /// On x86-64 an ordinary store.
    #[inline(always)]
    pub fn publish(self, object: ObjectReference, offset: Offset32, bits: u32) {
        self.word32(object, offset).store(bits, Release);
    }

    /// Writes adjacent 32-bit words of a new, unpublished object.
    #[inline(always)]
    pub(crate) fn fill<const N: usize>(
        self,
        object: ObjectReference,
        first: Offset32,
        words: [u32; N],
    ) {
        const { assert!(N < 1024) };
        // SAFETY: inside the reservation, for an offset may reach a page further than the last
        // word, and aligned to four; unpublished, as in `initialise`.
        unsafe { self.address(object, first.0).cast::<[u32; N]>().write_unaligned(words) };
    }

    /// The start of the null block, where no object lies.
    #[inline(always)]
    pub(crate) fn null_block(self) -> &'h NullBlock {
        const { assert!(size_of::<NullBlock>() < BLOCK_BYTES as usize) };
        // SAFETY: the base is page-aligned, the block lies inside the reservation, and its fields are
        // atomic.
        unsafe { &*self.base.as_ptr().cast() }
    }

    /// Prefetches the first cache line of the object.
    #[inline(always)]
    pub fn prefetch(self, object: ObjectReference) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: prefetching has no effect on memory, for any address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.address(object, 0).cast());
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: prefetching has no effect on memory, for any address.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{}]", in(reg) self.address(object, 0), options(nostack, readonly, preserves_flags));
        }
    }

    /// Writes the first 64-bit word of a new object (its header) and zeroes the rest of it.
    ///
    /// For unpublished memory that one space owns. `bytes` is the whole length, a multiple of eight and at
    /// least 16.
    #[inline(always)]
    pub(crate) fn initialise(self, object: ObjectReference, header: u64, bytes: u32) {
        asan::unpoison(self, object, bytes);
        let start = self.address(object, 0).cast::<u64>();
        debug_assert!(bytes >= 16 && bytes.is_multiple_of(8));
        // SAFETY: the object lies inside the reservation (its start by type, its length because an
        // offset of `bytes` does), is aligned to eight, and is unpublished: a free cell belongs to the
        // one space that took it, so no other access to these words is under way.
        unsafe {
            start.write(header);
            start.add(1).write_bytes(0, bytes as usize / 8 - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The arithmetic of `address`, in integers that cannot wrap.
    fn last_byte(bits: u32, offset: u32, width: u64) -> u64 {
        u64::from(bits) * UNIT_BYTES as u64 + u64::from(offset) + width - 1
    }

    proptest! {
        #[test]
        fn no_reference_and_no_offset_leaves_the_sandbox(bits: u32, index: u32) {
            let memory = ObjectMemory::new().unwrap();
            let Some(object) = ObjectReference::from_bits(bits & !1) else { return Ok(()) };
            let narrow = Offset32::word(index);
            let wide = Offset64::word(index);
            let end = memory.reserved_bytes() as u64;
            let memory = memory.view();
            let base = memory.base.as_ptr() as u64;
            prop_assert!(last_byte(object.bits(), narrow.bytes(), 4) < end);
            prop_assert!(last_byte(object.bits(), wide.bytes(), 8) < end);
            prop_assert_eq!(memory.word32(object, narrow).as_ptr() as u64 % 4, 0);
            prop_assert_eq!(memory.word64(object, wide).as_ptr() as u64 % 8, 0);
            prop_assert!(memory.word32(object, narrow).as_ptr() as u64 - base < end);
            // Reading is enough to fault if the arithmetic above were wrong.
            prop_assert_eq!(memory.read(object, narrow), 0);
            prop_assert_eq!(memory.word64(object, wide).load(Relaxed), 0);
        }
    }

    #[test]
    fn the_furthest_word_is_inside() {
        let memory = ObjectMemory::new().unwrap();
        let memory = memory.view();
        let object = ObjectReference::from_bits(u32::MAX - 1).unwrap();
        memory.word64(object, Offset64::word(u32::MAX >> 3)).store(7, Relaxed);
        assert_eq!(memory.word64(object, Offset64::word(u32::MAX >> 3)).load(Relaxed), 7);
    }
}
