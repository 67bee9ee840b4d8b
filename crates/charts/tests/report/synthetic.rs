//! A synthetic run: deterministic, with every outcome and every shape that a chart must handle. The
//! numbers are plausible, not measured.

use Family::{Control, Ownership, Tracing};
use LineStyle::{Dashed, Solid};
use Reclaims::{AtOnce, InBatches, Nothing};
use record::{
    Answer, Cell, CollectorInfo, Colour, Environment, Family, Final, FootprintPoint, HeaderBytes,
    HeapSize, LineStyle, LivePoint, Manifest, Mode, Outcome, Pause, PauseKind, Record, Run,
    SCHEMA_VERSION, Sample, Size, Statistics, WorkloadInfo,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

const MB: u64 = 1_000_000;
const MS: u64 = 1_000_000;
/// Peak of live bytes of every workload.
const PEAK_LIVE: u64 = 24 * MB;

/// The behaviour of a synthetic collector.
struct Nature {
    name: &'static str,
    family: Family,
    /// For a light and for a dark page.
    colour: [&'static str; 2],
    line: LineStyle,
    /// Run time relative to the first collector.
    pace: f64,
    reclaims: Reclaims,
}

#[derive(Clone, Copy, PartialEq)]
enum Reclaims {
    Nothing,
    AtOnce { slack: f64, pauses: usize },
    InBatches,
}

const fn nature(
    name: &'static str,
    family: Family,
    colour: [&'static str; 2],
    line: LineStyle,
    pace: f64,
    reclaims: Reclaims,
) -> Nature {
    Nature { name, family, colour, line, pace, reclaims }
}

const fn at_once(slack: f64, pauses: usize) -> Reclaims {
    AtOnce { slack, pauses }
}

const RC: Family = Family::ReferenceCounting;

const NATURES: [Nature; 8] = [
    nature("no-gc", Control, ["#6E7781", "#9AA4AF"], Solid, 1.0, Nothing),
    nature("region", Ownership, ["#7CC9AE", "#8FE3C8"], Solid, 1.04, at_once(1.35, 40)),
    nature("manual", Ownership, ["#009E73", "#2CC295"], Dashed, 1.18, at_once(1.08, 600)),
    nature("ownership", Ownership, ["#00664A", "#1A9C75"], Solid, 1.25, at_once(1.1, 1500)),
    nature("rc", RC, ["#D55E00", "#F08A4B"], Solid, 1.7, at_once(1.16, 3000)),
    nature("rc|count-loads", RC, ["#8F3F00", "#C96A2E"], Dashed, 3.4, at_once(1.16, 3000)),
    nature("rc-weak", RC, ["#F0935A", "#FFB98A"], Solid, 1.85, at_once(1.3, 1200)),
    nature("mark-sweep", Tracing, ["#0072B2", "#4DA3E0"], Solid, 1.4, InBatches),
];

impl Nature {
    fn is_bounded(&self) -> bool {
        self.family == Tracing
    }
}

/// Name, allocated bytes, wall time of the fastest collector.
const WORKLOADS: [(&str, u64, u64); 4] = [
    ("gcbench", 400 * MB, 380 * MS),
    ("binary-trees@regions", 900 * MB, 610 * MS),
    ("cycle-torture", 130 * MB, 95 * MS),
    ("lru-cache", 260 * MB, 240 * MS),
];

/// The outcome of a pair; every possible outcome occurs.
fn outcome(workload: &str, collector: &str) -> Outcome {
    let not_applicable = |reason: &str| Outcome::NotApplicable { reason: reason.to_owned() };
    let reason = |what: &str| what.to_owned();
    match (workload, collector) {
        ("lru-cache", "region") => not_applicable("the program has no regions"),
        ("cycle-torture", "ownership") => {
            not_applicable("shared slots outside a region have no owner")
        }
        ("cycle-torture", "mark-sweep") => {
            Outcome::OutOfMemory { reason: reason("32 B asked for, 60.0 MB of 60.0 MB held") }
        }
        ("binary-trees@regions", "rc|count-loads") => Outcome::Timeout { limit_ms: 10_000 },
        ("lru-cache", "manual") => Outcome::WrongAnswer {
            expected: reason("hits 812344"),
            got: reason("hits 812343, <script>alert(1)</script>"),
        },
        ("lru-cache", "rc-weak") => Outcome::Crash { reason: reason("signal 11") },
        ("gcbench", "rc-weak") => {
            Outcome::StackOverflow { reason: reason("thread main has overflowed its stack") }
        }
        _ => Outcome::Ok,
    }
}

/// The run, with this many repeats of every time cell and these heap sizes.
pub(crate) fn run(repeats: u32, heaps: &[HeapSize]) -> Run {
    let mut records = Vec::new();
    for (index, &workload) in WORKLOADS.iter().enumerate() {
        records.push(census(workload));
        for nature in &NATURES {
            let unbound = [HeapSize::Unlimited];
            for &heap in if nature.is_bounded() { heaps } else { &unbound[..] } {
                records.extend(cell(index, nature, heap, repeats));
            }
        }
    }
    for (order, record) in records.iter_mut().enumerate() {
        record.order = order as u32;
    }
    Run {
        directory: PathBuf::from("runs/synthetic"),
        manifest: manifest(repeats, heaps),
        records,
        problems: Vec::new(),
    }
}

fn record(
    collector: &str,
    workload: &str,
    heap: HeapSize,
    mode: Mode,
    block: u32,
    outcome: Outcome,
    sample: Option<Sample>,
) -> Record {
    Record {
        schema: SCHEMA_VERSION,
        cell: Cell {
            collector: collector.to_owned(),
            workload: workload.to_owned(),
            size: Size::Default,
            heap,
            mode,
        },
        block,
        twin: false,
        calibration_ns: None,
        order: 0,
        seed: 1,
        started_unix_ms: 1_763_000_000_000,
        process_wall_ns: match outcome {
            Outcome::NotApplicable { .. } => 0,
            _ if mode == Mode::Census => 2_000 * MS,
            _ => 900 * MS,
        },
        outcome,
        sample,
    }
}

fn cell(index: usize, nature: &Nature, heap: HeapSize, repeats: u32) -> Vec<Record> {
    let (workload, ..) = WORKLOADS[index];
    let outcome = outcome(workload, nature.name);
    let of = |mode, block| {
        let sample = match outcome {
            Outcome::Ok | Outcome::WrongAnswer { .. } | Outcome::OutOfMemory { .. } => {
                Some(sample(index, nature, heap, mode, block))
            }
            _ => None,
        };
        record(nature.name, workload, heap, mode, block, outcome.clone(), sample)
    };
    match outcome {
        Outcome::NotApplicable { .. } => vec![of(Mode::Time, 0)],
        _ => {
            let times = (0..repeats).map(|block| of(Mode::Time, block));
            [of(Mode::Memory, 0)].into_iter().chain(times).collect()
        }
    }
}

/// A sample with the quantities that every mode has.
fn plain(collector: &str, workload: &str, allocated: u64) -> Sample {
    Sample {
        schema: SCHEMA_VERSION,
        collector: collector.to_owned(),
        workload: workload.to_owned(),
        answer: Answer { got: "42".to_owned(), expected: "42".to_owned() },
        allocated_bytes: Some(allocated),
        allocated_objects: Some(allocated / 24),
        ..Sample::default()
    }
}

fn sample(index: usize, nature: &Nature, heap: HeapSize, mode: Mode, block: u32) -> Sample {
    let (workload, allocated, fastest) = WORKLOADS[index];
    let mut noise =
        Noise(u64::from(block) * 7919 + index as u64 * 104_729 + nature.name.len() as u64);
    let starved = matches!(outcome(workload, nature.name), Outcome::OutOfMemory { .. });
    let limit = match heap {
        HeapSize::LiveMultiple(x) if nature.is_bounded() => Some((PEAK_LIVE as f64 * x) as u64),
        _ => None,
    };
    // A smaller heap makes a batch collector slower.
    let pressure = match heap {
        HeapSize::LiveMultiple(x) => 1.0 + 0.6 / x,
        _ => 1.0,
    };
    let wall = (fastest as f64 * nature.pace * pressure * (1.0 + 0.06 * noise.unit())) as u64;
    let end = if starved { 0.6 } else { 1.0 };
    let footprint = footprint(nature, allocated, wall, limit, end);
    let pauses = pauses(nature, wall, &mut noise);
    let peak = footprint.iter().map(|p| p.footprint_bytes).max().unwrap_or_default();
    let leaks = workload == "cycle-torture" && nature.family == RC;
    Sample {
        wall_ns: wall,
        cpu_ns: (wall as f64 * (0.97 + 0.02 * noise.unit())) as u64,
        teardown_wall_ns: match nature.reclaims {
            AtOnce { pauses, .. } => pauses as u64 * 6_000 + noise.below(90_000),
            _ => 2_000 + noise.below(900),
        },
        teardown_cpu_ns: 2_000,
        heap_limit_bytes: limit,
        header_bytes: Some(HeaderBytes {
            as_built: allocated / 3,
            needed: if nature.family == Ownership { 0 } else { allocated / 6 },
        }),
        page_faults: if mode == Mode::Time { noise.below(40) } else { peak / 4096 },
        peak_footprint_bytes: Some(peak),
        peak_rss_bytes: peak + 3 * MB,
        rss_difference_bytes: (mode == Mode::Memory).then_some(700_000),
        footprint,
        pause_total_ns: pauses.iter().map(|p| p.wall_ns).sum(),
        pause_histogram: histogram(&pauses),
        pauses,
        end: Some(Final {
            live_bytes: PEAK_LIVE / 3,
            unreclaimed_bytes: if nature.reclaims == Nothing { allocated } else { PEAK_LIVE / 2 },
            leaked_bytes: if leaks { 61 * MB } else { 0 },
            leaked_objects: if leaks { 2 * MB } else { 0 },
        }),
        ..plain(nature.name, workload, allocated)
    }
}

/// Live bytes at a share of the run: up, a plateau with waves, down to a third.
fn live(share: f64) -> f64 {
    let hull = (share * 6.0).min(1.0) * (1.0 - 0.5 * ((share - 0.75) * 4.0).clamp(0.0, 1.0));
    PEAK_LIVE as f64 * hull * (0.92 + 0.08 * (share * 70.0).sin())
}

fn footprint(
    nature: &Nature,
    allocated: u64,
    wall: u64,
    limit: Option<u64>,
    end: f64,
) -> Vec<FootprintPoint> {
    const POINTS: u32 = 1200;
    let mut held = 0.0;
    let mut debris = 0.0;
    (0..=(f64::from(POINTS) * end) as u32)
        .map(|i| {
            let share = f64::from(i) / f64::from(POINTS);
            let new = allocated as f64 / f64::from(POINTS);
            held = match nature.reclaims {
                Nothing => allocated as f64 * share,
                AtOnce { slack, .. } => live(share) * slack,
                InBatches => {
                    debris += new * 0.8;
                    let limit = limit.map_or(f64::INFINITY, |l| l as f64 * 0.97);
                    if live(share) + debris > limit.min(64e6) {
                        debris = 0.0;
                    }
                    (live(share) + debris).min(limit)
                }
            };
            let blocks = (held / 32_768.0).ceil() as u64 * 32_768;
            FootprintPoint {
                allocated_bytes: (allocated as f64 * share) as u64,
                at_ns: (wall as f64 * share) as u64,
                footprint_bytes: blocks + 65_536,
                used_bytes: blocks,
                metadata_bytes: 65_536,
            }
        })
        .collect()
}

/// Pauses over five decades: many short, few long, by family.
fn pauses(nature: &Nature, wall: u64, noise: &mut Noise) -> Vec<Pause> {
    let (n, kind) = match nature.reclaims {
        Nothing => (0, PauseKind::Stw),
        AtOnce { pauses, .. } => (pauses, PauseKind::Cascade),
        InBatches => (23, PauseKind::Stw),
    };
    let mut pauses: Vec<Pause> = (0..n)
        .map(|i| {
            let tail = noise.unit().powi(6) * 4.0;
            let wall_ns = match kind {
                PauseKind::Stw => 2_000_000 + noise.below(4_000_000),
                _ => (1_100.0 * 10f64.powf(tail)) as u64,
            };
            Pause {
                start_ns: (wall as f64 * (i as f64 + noise.unit()) / n as f64) as u64,
                wall_ns,
                cpu_ns: (wall_ns > 100_000)
                    .then(|| if i % 9 == 4 { wall_ns / 3 } else { wall_ns - wall_ns / 50 }),
                kind,
            }
        })
        .collect();
    if kind == PauseKind::Stw {
        let increments = pauses.iter().map(|p| Pause {
            start_ns: p.start_ns + 9 * MS,
            wall_ns: 30_000 + p.wall_ns / 90,
            cpu_ns: None,
            kind: PauseKind::Increment,
        });
        let mut all: Vec<Pause> = pauses.iter().copied().chain(increments).collect();
        all.sort_by_key(|p| p.start_ns);
        pauses = all;
    }
    pauses
}

fn histogram(pauses: &[Pause]) -> Vec<(u64, u64)> {
    let mut buckets = BTreeMap::new();
    for pause in pauses {
        *buckets.entry(pause.wall_ns.next_power_of_two()).or_insert(0) += 1;
    }
    buckets.into_iter().collect()
}

fn census(workload: (&str, u64, u64)) -> Record {
    let (name, allocated, _) = workload;
    let points = (0..=200).map(|i| {
        let share = f64::from(i) / 200.0;
        LivePoint {
            allocated_bytes: (allocated as f64 * share) as u64,
            at_ns: 0,
            live_bytes: live(share) as u64,
        }
    });
    let sample = Sample {
        live: points.collect(),
        statistics: Some(Statistics {
            objects: allocated / 24,
            bytes: allocated,
            mean_bytes: 24.3,
            median_bytes: 24,
            p90_bytes: 32,
            pointer_density: 0.41,
            live_peak_bytes: PEAK_LIVE,
            live_granularity_bytes: MB,
            turnover: allocated as f64 / PEAK_LIVE as f64,
        }),
        ..plain("mark-sweep", name, allocated)
    };
    let (heap, mode) = (HeapSize::Unlimited, Mode::Census);
    record("mark-sweep", name, heap, mode, 0, Outcome::Ok, Some(sample))
}

fn manifest(repeats: u32, heaps: &[HeapSize]) -> Manifest {
    let collectors = NATURES.iter().map(|nature| CollectorInfo {
        name: nature.name.to_owned(),
        family: nature.family,
        summary: format!("{}, as made up for a test", nature.name),
        capabilities: Vec::new(),
        colour: {
            let [light, dark] = nature.colour.map(str::to_owned);
            Colour { light, dark }
        },
        line: nature.line,
        bounded: nature.is_bounded(),
    });
    let workloads = WORKLOADS.iter().map(|(name, allocated, _)| WorkloadInfo {
        name: (*name).to_owned(),
        summary: "Builds trees of many sizes while a large one lives on.".to_owned(),
        analysis: "Short-lived trees of doubling depth beside one long-lived tree. Immediate reclamation stays close \
                   to the live curve; collecting a full heap trades memory for fewer, longer pauses."
            .to_owned(),
        source: "made up".to_owned(),
        seed: 1,
        size: Size::Default,
        parameters: BTreeMap::from([("depth".to_owned(), 16), ("bytes".to_owned(), *allocated)]),
        peak_live_bytes: PEAK_LIVE,
    });
    Manifest {
        schema: SCHEMA_VERSION,
        run_id: format!("synthetic-{repeats}"),
        started: "2025-11-22T12:00:00Z".to_owned(),
        command: format!("gcw run first-light --repeat {repeats} --heap 2.5x --seed 1"),
        seed: 1,
        profile: "full".to_owned(),
        suite: "first-light".to_owned(),
        repeats,
        heaps: heaps.to_vec(),
        modes: Mode::ALL.to_vec(),
        timeout_ms: 10_000,
        collectors: collectors.collect(),
        workloads: workloads.collect(),
        environment: Environment {
            cpu: "Imaginary 9000".to_owned(),
            cpus: 2,
            memory_bytes: 16_000 * MB,
            os: "Linux 6.1".to_owned(),
            rustc: "rustc 1.95.0".to_owned(),
            build: "release".to_owned(),
            commit: "0123abc".to_owned(),
            settings: BTreeMap::from([
                ("aslr".to_owned(), "2".to_owned()),
                ("governor".to_owned(), "absent".to_owned()),
            ]),
            load_before: 0.12,
        },
        ..Manifest::default()
    }
}

/// A small generator of noise, the same every time (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut x = self.0;
        x ^= x >> 33;
        x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
        x ^ (x >> 33)
    }

    /// At least 0, below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
