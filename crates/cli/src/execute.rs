//! Runs one cell in this process: the workload under the collector, on a small stack, with the
//! clocks and counters around it.

mod pauses;

use crate::registry::CellError;
use collectors::registry::{Entry, Harness};
use heap::{
    AnyCollector, Caps, Checker, Collector, CollectorFactory, Commit, Config, EventLog, HeapConfig,
    Meter, Mutator, Off, OutOfMemory, Probe, os,
};
use record::{
    Answer, Cell, Final, FootprintPoint, HeaderBytes, LivePoint, Mode, Pause, PauseKind,
    SCHEMA_VERSION, Sample, Statistics,
};
use std::collections::BTreeMap;
use std::io;
use workloads::{Census, Prepared};

/// Stack size of every cell: small, so that recursion over the object graph overflows it.
const STACK_BYTES: usize = 512 << 10;
/// Samples of exact live bytes in a census.
const CENSUS_SAMPLES: u64 = 100;
/// Maximum memory that is populated before a run.
const POPULATE_AT_MOST_BYTES: u64 = 6 << 30;

/// A prepared cell: names resolved, numbers drawn.
pub struct Task {
    /// The cell.
    pub cell: Cell,
    /// Parameters of the collector.
    pub config: Config,
    /// Limit on the footprint, if one bounds this collector.
    pub heap_limit_bytes: Option<u64>,
    /// The program.
    pub program: Prepared,
    /// The published answer.
    pub expected: String,
    /// Objects and bytes of the workload, if recorded.
    pub census: Option<Census>,
    /// Run it in checking mode, with a collection before every n-th allocation.
    pub collect_every: Option<u64>,
}

/// Compiles a cell in time and pause mode for each collector: the same program in both.
pub struct Timed;

impl Harness for Timed {
    type Job = Task;
    type Report = Result<Sample, CellError>;

    fn run<C: Collector>(task: &Task) -> Result<Sample, CellError> {
        let run = match task.cell.mode {
            Mode::Pauses => in_pause_mode::<C>,
            _ => in_time_mode::<C>,
        };
        on_small_stack(|| run(task)).map_err(failed)?
    }
}

/// Runs a cell under the collector of an entry.
///
/// # Errors
/// If it runs out of memory or cannot be run.
pub(crate) fn run_cell(entry: &Entry<Timed>, task: &Task) -> Result<Sample, CellError> {
    let factory = entry.factory;
    match (task.collect_every, task.cell.mode) {
        (Some(allocations), _) => on_small_stack(|| under_stress(factory, task, allocations)),
        (None, Mode::Time | Mode::Pauses) => return (entry.run)(task),
        (None, _) => on_small_stack(|| in_memory_mode(factory, task)),
    }
    .map_err(failed)?
}

pub(crate) fn on_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
        let worker = worker.spawn_scoped(scope, work)?;
        Ok(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn failed(error: impl Into<anyhow::Error>) -> CellError {
    CellError::Failed(error.into())
}

fn heap_config(task: &Task, commit: Commit) -> HeapConfig {
    let huge_pages = task.config.huge_pages();
    HeapConfig { limit_bytes: task.heap_limit_bytes, commit, huge_pages }
}

fn in_time_mode<C: Collector>(task: &Task) -> Result<Sample, CellError> {
    let commit = Commit::Beforehand { bytes: populate_bytes::<C>(task) };
    let config = heap_config(task, commit);
    measure(task, || Mutator::<C, Off>::new(config, &task.config, Off), |_, _| {})
}

fn in_pause_mode<C: Collector>(task: &Task) -> Result<Sample, CellError> {
    let commit = Commit::Beforehand { bytes: populate_bytes::<C>(task) };
    let config = heap_config(task, commit);
    let make = || {
        let mut mutator = Mutator::<C, Off>::new(config, &task.config, Off)?;
        mutator.log_every_pause(pauses::capacity(task));
        Ok(mutator)
    };
    measure(task, make, |sample, mutator| pauses::complete(sample, &mutator.context().log))
}

fn in_memory_mode(factory: CollectorFactory, task: &Task) -> Result<Sample, CellError> {
    let config = heap_config(task, Commit::Lazily);
    let is_census = task.cell.mode == Mode::Census;
    let step_bytes = task.census.map_or(1 << 20, |census| census.allocated_bytes / CENSUS_SAMPLES);
    let make = || {
        let mut mutator = with_probe(factory, task, config, Meter::default())?;
        if is_census {
            mutator.take_census(step_bytes.max(1))?;
        }
        Ok(mutator)
    };
    measure(task, make, |sample, mutator| {
        let (bytes, objects) = (mutator.allocated_bytes(), mutator.allocated_objects());
        sample.allocated_bytes = Some(bytes);
        sample.allocated_objects = Some(objects);
        sample.header_bytes = Some(HeaderBytes {
            as_built: mutator.probe().header_bytes(),
            needed: objects * u64::from(factory.caps.header_bytes),
        });
        if is_census {
            sample.statistics = Some(statistics(sample, mutator, step_bytes));
        }
    })
}

/// A mutator with a probe: compiled once for all collectors, because its time is not measured.
fn with_probe<P: Probe>(
    factory: CollectorFactory,
    task: &Task,
    heap: HeapConfig,
    probe: P,
) -> io::Result<Mutator<AnyCollector, P>> {
    Mutator::with(heap, probe, |heap| factory.collector(heap, &task.config))
}

/// Runs a cell in checking mode, with a forced collection before every `allocations`-th allocation.
fn under_stress(
    factory: CollectorFactory,
    task: &Task,
    allocations: u64,
) -> Result<Sample, CellError> {
    let config = heap_config(task, Commit::Lazily);
    let make = || {
        let mut mutator = with_probe(factory, task, config, Checker::default())?;
        mutator.collect_every(allocations);
        Ok(mutator)
    };
    measure(task, make, |_, _| {})
}

/// Bytes to commit before the clock starts, so that no discipline pays for page faults: its largest
/// footprint, which for one that never reclaims is all that the workload allocates.
fn populate_bytes<C: Collector>(task: &Task) -> u64 {
    const MARGIN_BYTES: u64 = 8 << 20;
    let caps = C::CAPS;
    let reclaims = caps.bounded || caps.counts || caps.defers || caps.drops || caps.needs_free;
    let expected = task.census.map_or(0, |census| {
        if reclaims { census.peak_live_bytes * 2 } else { census.allocated_bytes * 17 / 16 }
    });
    let held = task.heap_limit_bytes.filter(|_| caps.bounded).unwrap_or(expected);
    (held + MARGIN_BYTES).min(task.heap_limit_bytes.unwrap_or(u64::MAX)).min(POPULATE_AT_MOST_BYTES)
}

/// Makes the heap, runs the program, then tears its live set down; the latter two with their own clocks.
fn measure<C: Collector, P: Probe>(
    task: &Task,
    make: impl FnOnce() -> io::Result<Mutator<C, P>>,
    complete: impl FnOnce(&mut Sample, &Mutator<C, P>),
) -> Result<Sample, CellError> {
    // Before the heap, for one that is committed beforehand is resident from then on.
    let resident_before_bytes = os::resident_bytes().unwrap_or(0);
    let mut mutator = make().map_err(failed)?;
    mutator.start();
    let faults_before = os::page_faults();
    let run_clock = Clock::start();
    let result = task.program.run(&mut mutator);
    let (wall_ns, cpu_ns) = run_clock.read();
    mutator.stop();
    let page_faults = os::page_faults() - faults_before;
    // Read before the survey of live objects, which takes memory, too.
    let peak_resident_bytes = os::peak_resident_bytes().unwrap_or(0);
    let live_bytes = mutator.reachable().map_err(failed)?.bytes;

    let out_of_memory = result.as_ref().err().map(|error| out_of_memory(error, &mutator));
    let log = &mutator.context().log;
    let got = result.unwrap_or_else(|error| error.to_string());
    let mut sample = Sample {
        schema: SCHEMA_VERSION,
        collector: task.cell.collector.clone(),
        workload: task.cell.workload.clone(),
        answer: Answer { got, expected: task.expected.clone() },
        wall_ns,
        cpu_ns,
        heap_limit_bytes: task.heap_limit_bytes,
        page_faults,
        peak_footprint_bytes: Some(mutator.heap().budget().peak_bytes()),
        peak_rss_bytes: peak_resident_bytes.saturating_sub(resident_before_bytes),
        huge_page_bytes: task.config.huge_pages().then(os::huge_page_bytes).flatten(),
        rss_difference_bytes: log.resident_difference_bytes(),
        accounting_errors: log.accounting_errors(),
        footprint: log.footprint().iter().map(footprint_point).collect(),
        live: log.live_samples().iter().map(live_point).collect(),
        pauses: log.pauses().iter().map(pause).collect(),
        pause_histogram: log.pause_histogram(),
        pause_total_ns: log.pause_total_ns(),
        collections: collections(log, mutator.collector().caps()),
        threads: Some(mutator.collector().threads()),
        queue_peak_bytes: mutator.heap().budget().queue_peak_bytes(),
        phases: log.phases().iter().map(|&(name, at_ns)| (name.to_owned(), at_ns)).collect(),
        ..Sample::default()
    };
    complete(&mut sample, &mutator);

    let unreclaimed_bytes = mutator.collector().parts().allocated_bytes();
    let teardown_clock = Clock::start();
    mutator.tear_down();
    (sample.teardown_wall_ns, sample.teardown_cpu_ns) = teardown_clock.read();
    let leaked = mutator.collector().parts().allocated();
    sample.end = Some(Final {
        live_bytes,
        unreclaimed_bytes,
        leaked_bytes: leaked.bytes,
        leaked_objects: leaked.objects,
    });
    match out_of_memory {
        None => Ok(sample),
        Some(reason) => Err(CellError::OutOfMemory { reason, partial: Some(Box::new(sample)) }),
    }
}

/// Collections by trigger; `None` for a discipline that does not collect, and for one that pauses the
/// program without recording collections.
fn collections(log: &EventLog, caps: Caps) -> Option<BTreeMap<String, u64>> {
    let counts: BTreeMap<String, u64> =
        log.collections().map(|(cause, count)| (cause.word().to_owned(), count)).collect();
    let is_known = !counts.is_empty() || caps.cycles && log.pauses().is_empty();
    is_known.then_some(counts)
}

fn out_of_memory<C: Collector, P: Probe>(error: &OutOfMemory, mutator: &Mutator<C, P>) -> String {
    let budget = mutator.heap().budget();
    format!(
        "{error}: {} bytes were requested, {} of {} are held; try a larger --heap",
        budget.refused_bytes(),
        budget.committed_bytes(),
        budget.limit_bytes()
    )
}

/// Wall clock and the CPU clock of all threads of the process.
struct Clock {
    wall_ns: u64,
    cpu_ns: u64,
}

impl Clock {
    fn start() -> Self {
        Self { wall_ns: os::monotonic_ns(), cpu_ns: os::process_cpu_ns() }
    }

    fn read(self) -> (u64, u64) {
        (os::monotonic_ns() - self.wall_ns, os::process_cpu_ns() - self.cpu_ns)
    }
}

fn statistics(
    sample: &Sample,
    mutator: &Mutator<AnyCollector, Meter>,
    step_bytes: u64,
) -> Statistics {
    let (objects, bytes) = (mutator.allocated_objects(), mutator.allocated_bytes());
    let meter = mutator.probe();
    // The smallest size that at least this share of the objects does not exceed.
    let quantile = |share: f64| {
        let wanted = (share * objects as f64).ceil() as u64;
        let mut seen = 0;
        let found = meter.sizes().iter().find(|&(_, &count)| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |(&size, _)| u64::from(size))
    };
    let live_peak_bytes = sample.live.iter().map(|point| point.live_bytes).max().unwrap_or(0);
    Statistics {
        objects,
        bytes,
        mean_bytes: bytes as f64 / objects.max(1) as f64,
        median_bytes: quantile(0.5),
        p90_bytes: quantile(0.9),
        pointer_density: meter.slot_bytes() as f64 / bytes.max(1) as f64,
        live_peak_bytes,
        live_granularity_bytes: step_bytes,
        turnover: bytes as f64 / live_peak_bytes.max(1) as f64,
    }
}

fn footprint_point(sample: &heap::FootprintSample) -> FootprintPoint {
    FootprintPoint {
        allocated_bytes: sample.allocated_bytes,
        at_ns: sample.at_ns,
        footprint_bytes: sample.footprint.total_bytes(),
        used_bytes: sample.footprint.reserved_bytes,
        metadata_bytes: sample.footprint.metadata_bytes,
    }
}

fn live_point(sample: &heap::LiveSample) -> LivePoint {
    LivePoint {
        allocated_bytes: sample.allocated_bytes,
        at_ns: sample.at_ns,
        live_bytes: sample.live_bytes,
    }
}

fn pause(pause: &heap::Pause) -> Pause {
    let kind = match pause.kind {
        heap::PauseKind::Ttsp => PauseKind::Ttsp,
        heap::PauseKind::Stw => PauseKind::Stw,
        heap::PauseKind::Increment => PauseKind::Increment,
        heap::PauseKind::AllocStall => PauseKind::AllocStall,
        heap::PauseKind::Cascade => PauseKind::Cascade,
    };
    Pause { start_ns: pause.start_ns, wall_ns: pause.wall_ns, cpu_ns: pause.cpu_ns, kind }
}
