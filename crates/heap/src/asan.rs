//! Tells the address sanitizer where no object lies. It knows what `malloc` gives out and takes back,
//! and to it a heap is one allocation that is never freed.
//!
//! Under `cfg(gcw_asan)` (`conformance/scripts/asan.sh`) a block is poisoned when a space takes it and
//! when it is given back. Initialising an object makes its own bytes accessible, not the rest of its
//! cell; freeing it takes that back. In any other build these functions are empty.
//!
//! Source: the interface `sanitizer/asan_interface.h` of LLVM's runtime.

use crate::bitmap::Bitmap;
use crate::block::{BLOCK_BYTES, Block};
use crate::memory::Memory;
use crate::size_class::CELL_BYTES;
use crate::value::ObjectReference;
use std::sync::atomic::Ordering::Relaxed;

#[cfg(gcw_asan)]
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const std::ffi::c_void, bytes: usize);
    fn __asan_unpoison_memory_region(start: *const std::ffi::c_void, bytes: usize);
}

#[cfg(gcw_asan)]
fn address(memory: Memory<'_>, object: ObjectReference) -> *const std::ffi::c_void {
    memory.word32(object, crate::memory::Offset32::word(0)).as_ptr().cast()
}

/// An object of so many bytes is about to lie here.
#[inline(always)]
pub(crate) fn unpoison(memory: Memory<'_>, object: ObjectReference, bytes: u32) {
    #[cfg(gcw_asan)]
    // SAFETY: changes the sanitizer's own table only, for bytes inside the reservation.
    unsafe {
        __asan_unpoison_memory_region(address(memory, object), bytes as usize);
    }
    #[cfg(not(gcw_asan))]
    let _ = (memory, object, bytes);
}

/// So many bytes from here on hold no object any more, or none yet.
#[inline(always)]
pub(crate) fn poison(memory: Memory<'_>, start: ObjectReference, bytes: u64) {
    #[cfg(gcw_asan)]
    // SAFETY: as in `unpoison`.
    unsafe {
        __asan_poison_memory_region(address(memory, start), bytes as usize);
    }
    #[cfg(not(gcw_asan))]
    let _ = (memory, start, bytes);
}

/// These blocks hold no object.
#[inline(always)]
pub(crate) fn poison_blocks(memory: Memory<'_>, start: Block, count: u32) {
    let first = ObjectReference::from_granule(start.first_granule());
    poison(memory, first, u64::from(count) * u64::from(BLOCK_BYTES));
}

/// The cells of a size class that begin at the bits of `cells` have been freed: a part of word number
/// `word` of a bitmap.
#[inline(always)]
pub(crate) fn poison_cells(memory: Memory<'_>, word: u32, cells: u64, class: u8) {
    if cfg!(gcw_asan) {
        for bit in (0..u64::BITS).filter(|bit| cells >> bit & 1 == 1) {
            let cell = ObjectReference::from_granule(word * u64::BITS + bit);
            poison(memory, cell, u64::from(CELL_BYTES[usize::from(class)]));
        }
    }
}

/// The cell of a size class that begins here has been freed.
#[inline(always)]
pub(crate) fn poison_cell(memory: Memory<'_>, cell: ObjectReference, class: u8) {
    let granule = cell.granule();
    poison_cells(memory, granule / u64::BITS, 1 << (granule % u64::BITS), class);
}

/// The cells of a block that were allocated `before` a sweep and are not `after` it have been freed.
#[inline(always)]
pub(crate) fn poison_swept(
    memory: Memory<'_>,
    block: Block,
    [before, after]: [&Bitmap; 2],
    class: u8,
) {
    if cfg!(gcw_asan) {
        let words = before.block(block).iter().zip(after.block(block));
        for (word, (before, after)) in (block.first_granule() / u64::BITS..).zip(words) {
            let dead = before.load(Relaxed) & !after.load(Relaxed);
            poison_cells(memory, word, dead, class);
        }
    }
}
