//! Every call into the operating system: address space, clocks, what the process holds.
//!
//! Linux is first; what only Linux offers has a portable fallback or says that it is unknown.

use std::io;
use std::ptr::NonNull;

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
    /// What the operating system says, and which knob to turn.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            let error = io::Error::last_os_error();
            return Err(io::Error::new(
                error.kind(),
                format!(
                    "cannot reserve {bytes} bytes of address space: {error}; memory is committed only \
                     when it is used, so raise `ulimit -v` or set vm.overcommit_memory to 0 or 1"
                ),
            ));
        }
        let base = NonNull::new(base.cast()).expect("mmap never returns null without MAP_FIXED");
        Ok(Self { base, bytes })
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

    /// Commits `[offset, offset + bytes)`, so that no later touch faults. The contents are kept.
    pub(crate) fn populate(&self, offset: usize, bytes: usize) {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes));
        if bytes == 0 {
            return;
        }
        let start = self.base.as_ptr().wrapping_add(offset);
        // SAFETY: the range lies inside the mapping; populating changes no contents.
        #[cfg(target_os = "linux")]
        if unsafe { libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE) } == 0 {
            return;
        }
        for page in (0..bytes).step_by(PAGE_BYTES) {
            // SAFETY: inside the mapping and aligned to a page; adding nothing atomically commits the
            // page and keeps what another thread may have stored.
            unsafe {
                (*start.add(page).cast::<std::sync::atomic::AtomicU32>())
                    .fetch_add(0, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    /// Returns `[offset, offset + bytes)` to the operating system; it reads as zero afterwards.
    ///
    /// Both bounds must be multiples of [`PAGE_BYTES`].
    pub(crate) fn decommit(&self, offset: usize, bytes: usize) {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes));
        assert!(offset.is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES));
        // SAFETY: the range lies inside the mapping, whose memory is only ever read and written as
        // integers, so turning it into zeroes is a store like any other.
        unsafe {
            libc::madvise(
                self.base.as_ptr().wrapping_add(offset).cast(),
                bytes,
                libc::MADV_DONTNEED,
            );
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing that borrows from it outlives this value.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.bytes);
        }
    }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to.
    let status = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(status, 0, "clock {clock} cannot be read: {}", io::Error::last_os_error());
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Monotonic time since some moment before the process started, in ns.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// CPU time of the calling thread, in ns. Costs about half a microsecond.
pub fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of all threads of the process, in ns.
pub fn process_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Page faults of the process so far, minor and major together.
pub fn page_faults() -> u64 {
    // SAFETY: rusage is plain integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid rusage to write to.
    let status = unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    assert_eq!(status, 0, "page faults cannot be read: {}", io::Error::last_os_error());
    (usage.ru_minflt + usage.ru_majflt) as u64
}

/// Resident memory of the process now, in bytes; `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES as u64)
}

/// Largest resident memory of this process since it started (`VmHWM`), in bytes; `None` where the
/// system does not tell. `ru_maxrss` would report a forking parent's peak instead.
pub fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
