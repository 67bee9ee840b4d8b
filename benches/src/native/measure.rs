//! Clocks and counters around a program, as in the workbench's own cells.
//!
//! The run proper and the drop of the final live set are measured separately. There are no measurements
//! inside: the allocator is part of the program. The first run of a process is *cold*: it pays for the
//! first touch of every page. A *warm* one finds what its allocator has kept of the runs before it.

use heap::os;
use std::time::Instant;

/// Measurements of one run of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measurement {
    /// Its answer.
    pub(super) got: String,
    /// The run proper.
    pub(super) run: Interval,
    /// Dropping the final live set.
    pub(super) teardown: Interval,
    /// Peak of the resident set minus the resident set before the first run, in bytes.
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

/// Runs a program, which returns its answer and its final live set, `before` times, and then measures it.
///
/// # Errors
/// If the operating system does not report resident memory.
pub(super) fn run<Live>(
    before: u32,
    mut program: impl FnMut() -> (String, Live),
) -> Result<Measurement, String> {
    let unknown = || "the system does not report resident memory".to_owned();
    let rss_before = os::resident_bytes().ok_or_else(unknown)?;
    (0..before).for_each(|_| drop(program()));
    let start = Moment::now();
    let (got, live) = program();
    let end = Moment::now();
    drop(live);
    let dropped = Moment::now();
    let peak = os::peak_resident_bytes().ok_or_else(unknown)?;
    Ok(Measurement {
        got,
        run: end.since(&start),
        teardown: dropped.since(&end),
        peak_rss_bytes: peak.saturating_sub(rss_before),
    })
}

struct Moment {
    wall: Instant,
    cpu_ns: u64,
    page_faults: u64,
}

impl Moment {
    fn now() -> Self {
        Self { page_faults: os::page_faults(), cpu_ns: os::process_cpu_ns(), wall: Instant::now() }
    }

    fn since(&self, start: &Self) -> Interval {
        Interval {
            wall_ns: self.wall.duration_since(start.wall).as_nanos() as u64,
            cpu_ns: self.cpu_ns - start.cpu_ns,
            page_faults: self.page_faults - start.page_faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::Duration;

    // The counters are those of the whole process, so other tests add to them: only lower bounds
    // and orders can be asserted.

    #[test]
    fn touched_memory_is_counted() {
        const BYTES: u64 = 64 << 20;
        let fill = || (String::new(), black_box(vec![black_box(1_u8); BYTES as usize]));
        let measurement = run(0, fill).unwrap();
        // The kernel keeps the resident set in batches per processor, and other tests free up to 14 MB.
        assert!(measurement.peak_rss_bytes >= BYTES / 4 * 3, "{measurement:?}");
        assert!(measurement.run.page_faults > 0, "{measurement:?}");
    }

    #[test]
    fn a_warm_run_comes_after_all_others() {
        let mut runs = 0;
        let count = || {
            runs += 1;
            (runs.to_string(), ())
        };
        assert_eq!(run(3, count).unwrap().got, "4");
    }

    #[test]
    fn computing_is_cpu_time() {
        const LEAST_NS: u64 = 20_000_000;
        let compute = || {
            // By the clock that is asserted on: another may run while a busy machine does something else.
            let start = Moment::now();
            while Moment::now().since(&start).cpu_ns < LEAST_NS {
                black_box(());
            }
            ("done".to_owned(), ())
        };
        let measurement = run(0, compute).unwrap();
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
        let measurement = run(0, || (String::new(), Slow)).unwrap();
        // Were it dropped in the run, the teardown would be empty.
        assert!(measurement.teardown.wall_ns >= LEAST.as_nanos() as u64, "{measurement:?}");
    }
}
