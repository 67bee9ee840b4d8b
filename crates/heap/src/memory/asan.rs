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

use crate::memory::Memory;
use crate::memory::value::ObjectReference;

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
