//! A custom registry in one file: the `gcw` command line over two toy collectors.
//!
//! Run it like the tool itself, `cargo run -p gcw --example toy-registry -- run`. Its heap is a
//! list of boxes. `keep` never frees one; `sweep` drops all but the live ones when the limit is
//! reached. The programs of its second suite fail, each in its own way: the tests of the command
//! line run them.

use gcw::{CellError, CellJob, Provider, Registry, Suite};
use record::{
    Answer, CollectorInfo, Colour, Family, Final, FootprintPoint, LineStyle, Mode, Pause,
    PauseKind, SCHEMA_VERSION, Sample, Size, WorkloadInfo,
};
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Size of every object.
const OBJECT_BYTES: u64 = 1024;
/// Objects that the programs hold at any time.
const LIVE_OBJECTS: u64 = 64;

fn main() -> ExitCode {
    gcw::main(Registry::new(Toy::new()))
}

struct Toy {
    collectors: [CollectorInfo; 2],
    suites: [Suite; 2],
}

impl Toy {
    fn new() -> Self {
        let collector = |name: &str, bounded, family, light: &str, dark: &str| CollectorInfo {
            name: name.to_owned(),
            family,
            summary: format!("a toy that can {name}"),
            capabilities: if bounded { vec!["bounded".to_owned()] } else { Vec::new() },
            colour: Colour { light: light.to_owned(), dark: dark.to_owned() },
            line: LineStyle::Solid,
            bounded,
        };
        let suite = |name: &str, summary: &str, workloads: &[&str]| Suite {
            name: name.to_owned(),
            summary: summary.to_owned(),
            workloads: workloads.iter().map(|&w| w.to_owned()).collect(),
        };
        Self {
            collectors: [
                collector("keep", false, Family::Control, "#6e7781", "#9aa4af"),
                collector("sweep", true, Family::Tracing, "#0072b2", "#4da3e0"),
            ],
            suites: [
                suite("toys", "programs that work", &["window", "window@slow"]),
                suite(
                    "failures",
                    "programs that fail",
                    &["wrong", "panic", "overflow", "hungry", "endless", "silent", "picky"],
                ),
            ],
        }
    }
}

impl Provider for Toy {
    fn collectors(&self) -> &[CollectorInfo] {
        &self.collectors
    }

    fn suites(&self) -> &[Suite] {
        &self.suites
    }

    fn workloads(&self, suite: &str, size: Size) -> anyhow::Result<Vec<WorkloadInfo>> {
        let found = self.suites.iter().find(|s| s.name == suite);
        let suite = found.ok_or_else(|| anyhow::anyhow!("{suite}:1: expected a toy"))?;
        let workload = |name: &String| WorkloadInfo {
            name: name.clone(),
            summary: "a sliding window of live objects".to_owned(),
            analysis: "The simplest program in which something dies.".to_owned(),
            source: "made up".to_owned(),
            seed: 1,
            size,
            parameters: BTreeMap::from([("objects".to_owned(), objects(size))]),
            peak_live_bytes: LIVE_OBJECTS * OBJECT_BYTES,
        };
        Ok(suite.workloads.iter().map(workload).collect())
    }

    fn census(&self) -> Option<&str> {
        Some("sweep")
    }

    fn applies(&self, collector: &str, _: &str, workload: &str) -> Result<(), String> {
        match (collector, workload) {
            ("keep", "picky") => Err("it never frees, as picky demands".to_owned()),
            _ => Ok(()),
        }
    }

    fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError> {
        match job.cell.workload.as_str() {
            "wrong" => window(job, 0).map(|mut sample| {
                sample.answer.got = "41".to_owned();
                sample
            }),
            "panic" => panic!("the toy is broken"),
            "overflow" => Err(CellError::Failed(anyhow::anyhow!("sank to {}", sink(1)))),
            "hungry" => Err(CellError::OutOfMemory {
                reason: format!("{OBJECT_BYTES} bytes requested, none left"),
                partial: window(job, 0).ok().map(Box::new),
            }),
            "endless" => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            "silent" => std::process::exit(0),
            "window@slow" => window(job, 20),
            _ => window(job, 1),
        }
    }
}

fn objects(size: Size) -> u64 {
    match size {
        Size::Small => 2_000,
        Size::Default => 20_000,
        Size::Large => 200_000,
    }
}

/// Allocates objects, holds the last [`LIVE_OBJECTS`] of them, and reads each object `rounds` times.
fn window(job: &CellJob, rounds: u64) -> Result<Sample, CellError> {
    let count = objects(job.cell.size);
    let sweeps = job.cell.collector == "sweep";
    let limit = job.heap_limit_bytes.unwrap_or(u64::MAX);
    let (mut heap, mut sum) = (VecDeque::new(), 0_u64);
    let (mut footprint, mut pauses, mut peak) = (Vec::new(), Vec::new(), 0);
    let (start, cpu_start) = (Instant::now(), cpu_ns());
    for number in 1..=count {
        if (heap.len() as u64 + 1) * OBJECT_BYTES > limit {
            let pause = Instant::now();
            if sweeps {
                heap.drain(..heap.len().saturating_sub(LIVE_OBJECTS as usize - 1));
            }
            if (heap.len() as u64 + 1) * OBJECT_BYTES > limit {
                let reason = format!("{limit} bytes are the limit, all of them live");
                return Err(CellError::OutOfMemory { reason, partial: None });
            }
            pauses.push(Pause {
                start_ns: nanoseconds(pause - start),
                wall_ns: nanoseconds(pause.elapsed()),
                cpu_ns: None,
                kind: PauseKind::Stw,
            });
        }
        heap.push_back(vec![1_u8; OBJECT_BYTES as usize].into_boxed_slice());
        let held = heap.len() as u64 * OBJECT_BYTES;
        peak = peak.max(held);
        for _ in 0..rounds {
            sum += heap.back().map_or(0, |o| black_box(o).iter().map(|&b| u64::from(b)).sum());
        }
        if number % (count / 100) == 0 && job.cell.mode == Mode::Memory {
            footprint.push(FootprintPoint {
                allocated_bytes: number * OBJECT_BYTES,
                at_ns: nanoseconds(start.elapsed()),
                footprint_bytes: held,
                used_bytes: held,
                metadata_bytes: 0,
            });
        }
    }
    let (wall_ns, cpu_ns) = (nanoseconds(start.elapsed()), cpu_ns() - cpu_start);
    let unreclaimed_bytes = heap.len() as u64 * OBJECT_BYTES;
    let teardown = Instant::now();
    drop(heap);
    Ok(Sample {
        schema: SCHEMA_VERSION,
        collector: job.cell.collector.clone(),
        workload: job.cell.workload.clone(),
        answer: Answer {
            got: sum.to_string(),
            expected: (count * rounds * OBJECT_BYTES).to_string(),
        },
        wall_ns,
        cpu_ns,
        teardown_wall_ns: nanoseconds(teardown.elapsed()),
        teardown_cpu_ns: 0,
        heap_limit_bytes: job.heap_limit_bytes,
        allocated_bytes: Some(count * OBJECT_BYTES),
        allocated_objects: Some(count),
        header_bytes: None,
        page_faults: 0,
        peak_footprint_bytes: Some(peak),
        peak_rss_bytes: 0,
        rss_difference_bytes: None,
        accounting_errors: 0,
        footprint,
        live: Vec::new(),
        pause_histogram: pauses.iter().map(|p| (p.wall_ns, 1)).collect(),
        pause_total_ns: pauses.iter().map(|p| p.wall_ns).sum(),
        pauses,
        end: Some(Final {
            live_bytes: LIVE_OBJECTS * OBJECT_BYTES,
            unreclaimed_bytes,
            leaked_bytes: 0,
            leaked_objects: 0,
        }),
        statistics: None,
        collections: None,
        threads: None,
        queue_peak_bytes: None,
        phases: Vec::new(),
    })
}

/// Recurses until the stack ends.
fn sink(depth: u64) -> u64 {
    if black_box(depth) == 0 { 0 } else { sink(depth + 1) + black_box(1) }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// CPU time of this (single-threaded) process, from the scheduler's own count.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
