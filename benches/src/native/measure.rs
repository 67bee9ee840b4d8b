//! Clocks and counters around a program, as the workbench's own cells have them.
//!
//! The run proper and the dropping of the final live set are measured apart. Nothing is measured
//! inside: what the allocator does is part of the program.

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Instant;

/// What one run of a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measurement {
    /// Its answer.
    pub(super) got: String,
    /// The run proper.
    pub(super) run: Interval,
    /// Dropping the final live set.
    pub(super) teardown: Interval,
    /// Peak of the resident set minus the resident set before the run, in bytes.
    pub(super) peak_rss_bytes: u64,
}

/// Differences of the clocks and counters between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// Wall time in ns.
    pub(super) wall_ns: u64,
    /// CPU time of the process in ns.
    pub(super) cpu_ns: u64,
    /// Minor and major page faults.
    pub(super) page_faults: u64,
}

/// Runs a program, which returns its answer and its final live set.
///
/// # Errors
/// If the operating system refuses a clock or a counter.
pub(super) fn run<Live>(program: impl FnOnce() -> (String, Live)) -> Result<Measurement, String> {
    let rss_before = status_bytes("VmRSS")?;
    let start = Moment::now()?;
    let (got, live) = program();
    let end = Moment::now()?;
    drop(live);
    let dropped = Moment::now()?;
    Ok(Measurement {
        got,
        run: end.since(&start),
        teardown: dropped.since(&end),
        peak_rss_bytes: status_bytes("VmHWM")?.saturating_sub(rss_before),
    })
}

struct Moment {
    wall: Instant,
    cpu_ns: u64,
    page_faults: u64,
}

impl Moment {
    fn now() -> Result<Self, String> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)
            .map_err(|e| format!("getrusage refuses to count page faults: {e}"))?;
        let cpu = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
            .map_err(|e| format!("no CPU clock of the process: {e}"))?;
        Ok(Self {
            wall: Instant::now(),
            cpu_ns: (cpu.tv_sec() as u64) * 1_000_000_000 + cpu.tv_nsec() as u64,
            page_faults: (usage.minor_page_faults() + usage.major_page_faults()) as u64,
        })
    }

    fn since(&self, start: &Self) -> Interval {
        Interval {
            wall_ns: self.wall.duration_since(start.wall).as_nanos() as u64,
            cpu_ns: self.cpu_ns - start.cpu_ns,
            page_faults: self.page_faults - start.page_faults,
        }
    }
}

/// A field of the process status, in bytes.
fn status_bytes(field: &str) -> Result<u64, String> {
    const FILE: &str = "/proc/self/status";
    let text = fs::read_to_string(FILE).map_err(|e| format!("cannot read {FILE}: {e}"))?;
    field_bytes(&text, field).ok_or_else(|| format!("{FILE} has no line '{field}: N kB'"))
}

fn field_bytes(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Duration;

    // The counters are those of the whole process, so other tests add to them: only lower bounds
    // and orders can be asserted.

    #[test]
    fn memory_that_is_touched_is_counted() {
        const BYTES: u64 = 64 << 20;
        let fill = || (String::new(), black_box(vec![black_box(1_u8); BYTES as usize]));
        let measurement = run(fill).unwrap();
        // The kernel keeps the resident set in batches per processor, and other tests free up to 14 MB.
        assert!(measurement.peak_rss_bytes >= BYTES / 4 * 3, "{measurement:?}");
        assert!(measurement.run.page_faults > 0, "{measurement:?}");
    }

    #[test]
    fn computing_is_cpu_time() {
        const LEAST_NS: u64 = 20_000_000;
        let compute = || {
            // By the clock that is asserted on: another may run while a busy machine does something else.
            let start = Moment::now().unwrap();
            while Moment::now().unwrap().since(&start).cpu_ns < LEAST_NS {
                black_box(());
            }
            ("done".to_owned(), ())
        };
        let measurement = run(compute).unwrap();
        assert_eq!(measurement.got, "done");
        assert!(measurement.run.cpu_ns >= LEAST_NS, "{measurement:?}");
        assert!(measurement.run.wall_ns > 0, "{measurement:?}");
    }

    #[test]
    fn the_live_set_is_dropped_in_the_teardown() {
        const LEAST: Duration = Duration::from_millis(20);
        struct Slow;
        impl Drop for Slow {
            fn drop(&mut self) {
                std::thread::sleep(LEAST);
            }
        }
        let measurement = run(|| (String::new(), Slow)).unwrap();
        // Were it dropped in the run, the teardown would be empty.
        assert!(measurement.teardown.wall_ns >= LEAST.as_nanos() as u64, "{measurement:?}");
    }

    #[test]
    fn status_fields_are_read_whole() {
        let status = "VmHWM:\t  2048 kB\nVmRSS:\t    12 kB\nThreads:\t1\n";
        assert_eq!(field_bytes(status, "VmRSS"), Some(12 * 1024));
        assert_eq!(field_bytes(status, "VmHWM"), Some(2 << 20));
        assert_eq!(field_bytes(status, "Vm"), None);
        assert_eq!(field_bytes(status, "Threads"), None);
    }
}
