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

    /// Asks for huge pages from the first touch on.
    ///
    /// # Errors
    /// If the system has none.
    pub(crate) fn use_huge_pages(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        // SAFETY: the range is the mapping; the size of its pages changes no contents.
        unsafe { madvise(self.base.cast(), self.bytes, MmapAdvise::MADV_HUGEPAGE) }?;
        Ok(())
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

/// Checks that the system gives huge pages to a program that asks for them. It may still have none free.
///
/// # Errors
/// The reason why not.
pub fn huge_pages() -> io::Result<()> {
    gives_huge_pages(std::fs::read_to_string(HUGE_PAGES))
}

const HUGE_PAGES: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// [`huge_pages`] by the contents of [`HUGE_PAGES`], in which the word in force is in brackets.
fn gives_huge_pages(setting: io::Result<String>) -> io::Result<()> {
    let reason = match setting {
        Ok(words) if !words.contains("[never]") => return Ok(()),
        Ok(_) => "never".to_owned(),
        Err(error) => error.to_string(),
    };
    let reason = format!("the system gives no huge pages; {HUGE_PAGES}: {reason}");
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

/// Bytes of the process in huge pages now; `None` where the system does not report it.
pub fn huge_page_bytes() -> Option<u64> {
    kibibytes("/proc/self/smaps_rollup", "AnonHugePages:")
}

/// Page faults of the process so far, minor and major together.
pub fn page_faults() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF)
        .unwrap_or_else(|error| panic!("page faults cannot be read: {error}"));
    (usage.minor_page_faults() + usage.major_page_faults()) as u64
}

/// Context switches of the calling thread so far: those in which it waited, and those in which the system ran
/// another thread instead.
pub fn context_switches() -> (u64, u64) {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)
        .unwrap_or_else(|error| panic!("context switches cannot be read: {error}"));
    (usage.voluntary_context_switches() as u64, usage.involuntary_context_switches() as u64)
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
    kibibytes("/proc/self/status", "VmHWM:")
}

/// The amount in a line of a file, in bytes.
fn kibibytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_refused_with_the_reason() {
        assert!(gives_huge_pages(Ok("always [madvise] never\n".to_owned())).is_ok());
        let never = gives_huge_pages(Ok("always madvise [never]\n".to_owned())).unwrap_err();
        assert!(never.to_string().ends_with("enabled: never"), "{never}");
        let absent = gives_huge_pages(Err(io::ErrorKind::NotFound.into())).unwrap_err();
        assert!(absent.to_string().ends_with("not found"), "{absent}");
    }
}
