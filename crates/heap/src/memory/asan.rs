//! Marks memory without objects for the address sanitizer, which tracks `malloc` and `free`: to it a heap
//! is one allocation that is never freed.
//!
//! Under `cfg(gcw_asan)` (`conformance/scripts/asan.sh`) a block is poisoned when a space acquires it and
//! when it releases it. Initialising an object unpoisons its own bytes, not the rest of its cell; freeing it
//! poisons them again. A sweep that touches no object, such as that of lines, reads in this build the
//! headers of the objects that it keeps, to poison the gaps. In any other build these functions are empty.
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

/// Unpoisons the `bytes` of an object that is about to be initialised.
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

/// Poisons `bytes` from `start` on: they hold no object.
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
