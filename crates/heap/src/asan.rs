//! Tells the address sanitizer where no object lies. It knows what `malloc` gives out and takes back,
//! and to it a heap is one allocation that is never freed.
//!
//! Under `cfg(gcw_asan)` (`conformance/scripts/asan.sh`) a block is poisoned when a space takes it and
//! when it is given back. Initialising an object makes its own bytes accessible, not the rest of its
//! cell; freeing it takes that back. Where a sweep touches no object, of lines say, it reads the headers
//! of those that it keeps in this build, to poison what lies between them. In any other build these
//! functions are empty.
//!
//! Source: the interface `sanitizer/asan_interface.h` of LLVM's runtime.

use crate::bitmap::Bitmap;
use crate::block::{BLOCK_BYTES, BLOCK_GRANULES, Block};
use crate::header::Extent;
use crate::memory::Memory;
use crate::size_class::CELL_BYTES;
use crate::value::{GRANULE_BYTES, ObjectReference, UNIT_BYTES};
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

/// All of a block has been freed but the objects that begin at the bits of `kept`. Reads their headers.
#[inline(always)]
pub(crate) fn poison_between(memory: Memory<'_>, block: Block, kept: &Bitmap) {
    if cfg!(gcw_asan) {
        let mut freed = block.first_granule();
        let poison_to = |freed: u32, end: u32| {
            let bytes = u64::from(end - freed) * GRANULE_BYTES as u64;
            poison(memory, ObjectReference::from_granule(freed), bytes);
        };
        for (first, word) in (freed..).step_by(u64::BITS as usize).zip(kept.block(block)) {
            let word = word.load(Relaxed);
            for bit in (0..u64::BITS).filter(|bit| word >> bit & 1 == 1) {
                let object = ObjectReference::from_granule(first + bit);
                poison_to(freed, object.granule());
                let bytes = Extent::of(memory, object).bytes();
                freed = object.granule() + (bytes / GRANULE_BYTES as u64) as u32;
            }
        }
        poison_to(freed, block.first_granule() + BLOCK_GRANULES);
    }
}

/// All of a block has been freed that lies behind the end of its last object, given as reference bits.
#[inline(always)]
pub(crate) fn poison_behind(memory: Memory<'_>, block: Block, end: u32) {
    let filled_bytes = u64::from(end - (block.first_granule() << 1)) * UNIT_BYTES as u64;
    if let Some(end) = ObjectReference::from_bits(end) {
        poison(memory, end, u64::from(BLOCK_BYTES) - filled_bytes);
    }
}
