//! The measurements of one child process, which prints them as one JSON line.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The measured quantities of one finished (or out-of-memory) run of a workload.
///
/// External programs print the same line and omit unknown quantities, which are shown as n/a, never
/// as 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// [`crate::SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// Collector, as in [`crate::Cell::collector`].
    pub collector: String,
    /// Workload, as in [`crate::Cell::workload`].
    pub workload: String,
    /// The answer, to be compared with the published one.
    pub answer: Answer,
    /// Wall time of the run proper (teardown excluded).
    pub wall_ns: u64,
    /// CPU time of the whole process (all threads) over the same interval.
    pub cpu_ns: u64,
    /// Wall time of dropping the final live set.
    pub teardown_wall_ns: u64,
    /// CPU time of dropping the final live set.
    pub teardown_cpu_ns: u64,
    /// Limit on the footprint in force; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_limit_bytes: Option<u64>,
    /// Bytes of all objects allocated, headers included, before rounding to cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_bytes: Option<u64>,
    /// Number of objects allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_objects: Option<u64>,
    /// Header bytes of all objects allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<HeaderBytes>,
    /// Minor plus major page faults during the run proper.
    pub page_faults: u64,
    /// Largest footprint, exact (tracked at every change, not sampled).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_footprint_bytes: Option<u64>,
    /// VmHWM of the process minus its VmRSS before the heap was made: a cross-check.
    pub peak_rss_bytes: u64,
    /// Bytes of the process in huge pages at the end of the run proper; absent unless it asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub huge_page_bytes: Option<u64>,
    /// Largest difference between VmRSS growth and the footprint over the samples; lazily committed mode only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_difference_bytes: Option<u64>,
    /// Samples at which the footprint was not the sum of its parts. Anything but 0 is a defect.
    #[serde(default)]
    pub accounting_errors: u64,
    /// Footprint over time, in order.
    #[serde(default)]
    pub footprint: Vec<FootprintPoint>,
    /// Exact live bytes over time, where the mode or the collector provides them.
    #[serde(default)]
    pub live: Vec<LivePoint>,
    /// Pauses in order of their start; only the longest ones where there were too many to print.
    #[serde(default)]
    pub pauses: Vec<Pause>,
    /// Histogram of all pauses, including those not in `pauses`: (upper bound of the wall time in ns, count).
    #[serde(default)]
    pub pause_histogram: Vec<(u64, u64)>,
    /// Sum of the wall time of all pauses.
    #[serde(default)]
    pub pause_total_ns: u64,
    /// Number of pauses. Only in [`crate::Mode::Pauses`], where each one is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_count: Option<u64>,
    /// Pauses that did not fit into the memory set aside for them: anything but 0 makes the utilisation an
    /// upper bound.
    #[serde(default)]
    pub pauses_lost: u64,
    /// Share of time left to the program, over windows of growing length, of all pauses. Only in
    /// [`crate::Mode::Pauses`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utilisation: Vec<Utilisation>,
    /// State at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Final>,
    /// Statistics row of the workload; only in [`crate::Mode::Census`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// Number of collections by trigger: `exhausted` (the limit), `growth` (the sizing policy),
    /// `requested` (the program), `young`. Absent where there is no collector, where the program does not
    /// report them, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<BTreeMap<String, u64>>,
    /// Maximum number of threads working on a collection at once, including the program's own. Absent
    /// in the same cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Peak size of the queues: stacks of objects reached and still to be marked, copied or dropped. A
    /// part of the footprint's metadata. Absent without queues, and in the same cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_peak_bytes: Option<u64>,
    /// Named phases of the workload: (name, ns since the start of the run).
    #[serde(default)]
    pub phases: Vec<(String, u64)>,
}

/// A result and the literal it must equal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The computed answer.
    pub got: String,
    /// The literal from the literature or the suite file.
    pub expected: String,
}

impl Answer {
    /// Whether the run computed the published answer.
    pub fn is_right(&self) -> bool {
        self.got == self.expected
    }
}

/// Header bytes, over all objects allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderBytes {
    /// As built: the common header that serves every discipline.
    pub as_built: u64,
    /// The header bytes that this discipline alone would need.
    pub needed: u64,
}

/// One point of the footprint timeline. Serialised as an array, in field order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "(u64, u64, u64, u64, u64)")]
pub struct FootprintPoint {
    /// Allocation clock: bytes allocated so far.
    pub allocated_bytes: u64,
    /// Wall clock: ns since the start of the run.
    pub at_ns: u64,
    /// Bytes held from the operating system by the heap, metadata included.
    pub footprint_bytes: u64,
    /// The part of it in blocks and large objects that hold (or held) objects.
    pub used_bytes: u64,
    /// The part of it in side tables, stacks and logs.
    pub metadata_bytes: u64,
}

impl From<FootprintPoint> for (u64, u64, u64, u64, u64) {
    fn from(p: FootprintPoint) -> Self {
        (p.allocated_bytes, p.at_ns, p.footprint_bytes, p.used_bytes, p.metadata_bytes)
    }
}

/// One point of the live curve: exact reachable bytes. Serialised as an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, u64, u64)")]
pub struct LivePoint {
    /// Allocation clock: bytes allocated so far.
    pub allocated_bytes: u64,
    /// Wall clock: ns since the start of the run.
    pub at_ns: u64,
    /// Bytes of reachable objects, headers included, before rounding to cells.
    pub live_bytes: u64,
}

impl From<LivePoint> for (u64, u64, u64) {
    fn from(p: LivePoint) -> Self {
        (p.allocated_bytes, p.at_ns, p.live_bytes)
    }
}

/// The reason why a mutator did not run its own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// Time to safepoint: from the request to stop until the mutator is parked.
    Ttsp,
    /// Stop the world: all mutators parked.
    Stw,
    /// Collection work done inside an allocation or barrier.
    Increment,
    /// Waiting for memory while a collection is in progress.
    AllocStall,
    /// Recursive drop, decrement, free or region release.
    Cascade,
}

/// One pause. Serialised as an array: start, wall, CPU (null where not read), kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, u64, Option<u64>, PauseKind)")]
pub struct Pause {
    /// Start, ns since the start of the run.
    pub start_ns: u64,
    /// Wall time.
    pub wall_ns: u64,
    /// CPU time of the pausing thread; read for pauses of 50 µs or more, in the pause pass only.
    pub cpu_ns: Option<u64>,
    /// Kind.
    pub kind: PauseKind,
}

impl From<Pause> for (u64, u64, Option<u64>, PauseKind) {
    fn from(p: Pause) -> Self {
        (p.start_ns, p.wall_ns, p.cpu_ns, p.kind)
    }
}

/// Mutator utilisation at one length of window. Serialised as an array.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "(u64, f64, f64)", from = "(u64, f64, f64)")]
pub struct Utilisation {
    /// Length of the window.
    pub window_ns: u64,
    /// Minimum mutator utilisation, 0 to 1: the smallest share of time left to the program in any window of
    /// this length (Cheng and Blelloch, PLDI 2001).
    pub mmu: f64,
    /// Bounded mutator utilisation: the smallest share in any window of this length or longer (Sachindran,
    /// Moss and Berger, OOPSLA 2004).
    pub bmu: f64,
}

impl From<Utilisation> for (u64, f64, f64) {
    fn from(point: Utilisation) -> Self {
        (point.window_ns, point.mmu, point.bmu)
    }
}

impl From<(u64, f64, f64)> for Utilisation {
    fn from((window_ns, mmu, bmu): (u64, f64, f64)) -> Self {
        Self { window_ns, mmu, bmu }
    }
}

/// The state at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Final {
    /// Bytes reachable when the run proper ended.
    pub live_bytes: u64,
    /// Bytes held by objects not yet reclaimed when the run proper ended.
    pub unreclaimed_bytes: u64,
    /// Bytes still held by objects after teardown and a last full collection.
    pub leaked_bytes: u64,
    /// Number of those objects.
    pub leaked_objects: u64,
}

/// The statistics row of a workload (after DaCapo's nominal statistics).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Objects allocated.
    pub objects: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Mean object size.
    pub mean_bytes: f64,
    /// Median object size.
    pub median_bytes: u64,
    /// 90th percentile of object size.
    pub p90_bytes: u64,
    /// Share of object bytes that are reference slots, 0 to 1.
    pub pointer_density: f64,
    /// Peak of exact live bytes over the census samples.
    pub live_peak_bytes: u64,
    /// Distance between census samples on the allocation clock: the precision of the peak.
    pub live_granularity_bytes: u64,
    /// Bytes allocated over live peak.
    pub turnover: f64,
}
