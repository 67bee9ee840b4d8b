//! Every call into the operating system: address space, clocks, memory of the process.
//!
//! Linux first; a function that only Linux offers has a portable fallback or returns `None`.

use nix::libc::c_void;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Size of the pages in which memory is committed and returned, in bytes.
pub const PAGE_BYTES: usize = 4096;

/// Address space that is reserved, readable and writable, and committed by the first touch.
#[derive(Debug)]
pub(crate) struct Reservation {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a reservation is an address range owned by this value; it is not tied to a thread.
unsafe impl Send for Reservation {}
// SAFETY: a shared reservation offers no access to memory but through raw pointers.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `bytes` of zeroed address space without committing any of it.
    ///
    /// # Errors
    /// The error of the operating system, and the setting to change.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let length = NonZeroUsize::new(bytes).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: an anonymous mapping at an address of the kernel's choice overlaps no other mapping.
        let base = unsafe { mmap_anonymous(None, length, access, flags) }.map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(
                error.kind(),
                format!(
                    "cannot reserve {bytes} bytes of address space: {error}; memory is committed only \
                     on first use, so raise `ulimit -v` or set vm.overcommit_memory to 0 or 1"
                ),
            )
        })?;
        Ok(Self { base: base.cast(), bytes })
    }

    /// First byte.
    #[inline(always)]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length in bytes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Start of `[offset, offset + bytes)`, which must lie inside the mapping.
    fn start_of(&self, offset: usize, bytes: usize) -> NonNull<c_void> {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes));
        self.base.map_addr(|base| base.saturating_add(offset)).cast()
    }

    /// Commits `[offset, offset + bytes)`, so that no later touch faults. The contents are kept.
    pub(crate) fn populate(&self, offset: usize, bytes: usize) {
        let start = self.start_of(offset, bytes);
        if bytes == 0 {
            return;
        }
        // SAFETY: the range lies inside the mapping; populating changes no contents.
        #[cfg(target_os = "linux")]
        if unsafe { madvise(start, bytes, MmapAdvise::MADV_POPULATE_WRITE) }.is_ok() {
            return;
        }
        for page in (0..bytes).step_by(PAGE_BYTES) {
            // SAFETY: inside the mapping and aligned to a page; adding nothing atomically commits the
            // page and keeps what another thread may have stored.
            unsafe {
                start.byte_add(page).cast::<AtomicU32>().as_ref().fetch_add(0, Ordering::Relaxed);
            }
        }
    }

    /// Returns `[offset, offset + bytes)` to the operating system; it reads as zero afterwards.
    ///
    /// Both bounds must be multiples of [`PAGE_BYTES`].
    pub(crate) fn decommit(&self, offset: usize, bytes: usize) {
        let start = self.start_of(offset, bytes);
        assert!(offset.is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES));
        // SAFETY: the range lies inside the mapping, whose memory is only ever read and written as
        // integers, so turning it into zeroes is a store like any other.
        let _ = unsafe { madvise(start, bytes, MmapAdvise::MADV_DONTNEED) };
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, and no borrow of it outlives this value.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}

fn clock_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock)
        .unwrap_or_else(|error| panic!("clock {clock} cannot be read: {error}"));
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Monotonic time since some moment before the process started, in ns.
pub fn monotonic_ns() -> u64 {
    clock_ns(ClockId::CLOCK_MONOTONIC)
}

/// CPU time of the calling thread, in ns. Costs about half a microsecond.
pub fn thread_cpu_ns() -> u64 {
    clock_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of all threads of the process, in ns.
pub fn process_cpu_ns() -> u64 {
    clock_ns(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

/// Page faults of the process so far, minor and major together.
pub fn page_faults() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF)
        .unwrap_or_else(|error| panic!("page faults cannot be read: {error}"));
    (usage.minor_page_faults() + usage.major_page_faults()) as u64
}

/// Resident memory of the process now, in bytes; `None` where the system does not report it.
pub fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES as u64)
}

/// Largest resident memory of this process since it started (`VmHWM`), in bytes; `None` where the
/// system does not report it. `ru_maxrss` would report a forking parent's peak instead.
pub fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
