//! A small made-up run for the tests of this crate.
//!
//! Workload `tree`, two repeats: `no-gc` (a control), `rc` three times as slow, `mark-sweep` at two
//! heap sizes, out of memory at the smaller. Workload `list`: `rc` only.

use crate::{Row, summarise};
use record::{
    Cell, CollectorInfo, Colour, Family, Final, HeapSize, LineStyle, Manifest, Mode, Outcome,
    Pause, PauseKind, Record, Run, SCHEMA_VERSION, Sample, Size, WorkloadInfo,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The two heap sizes of the plan.
pub(crate) const HEAPS: [HeapSize; 2] = [HeapSize::LiveMultiple(2.0), HeapSize::LiveMultiple(3.0)];

/// A sample in which every quantity is zero or missing.
pub(crate) fn sample() -> Sample {
    Sample { schema: SCHEMA_VERSION, ..Sample::default() }
}

/// A stop-the-world pause.
pub(crate) fn pause(start_ns: u64, wall_ns: u64, cpu_ns: Option<u64>) -> Pause {
    Pause { start_ns, wall_ns, cpu_ns, kind: PauseKind::Stw }
}

/// A finished record with times `scale` (wall), `2 scale` (CPU), `scale/10` (longest pause; none for a
/// scale of 100 or less) and peak `10 scale`.
pub(crate) fn record(
    workload: &str,
    collector: &str,
    heap: HeapSize,
    mode: Mode,
    block: u32,
    scale: u64,
) -> Record {
    let sample = Sample {
        collector: collector.to_owned(),
        workload: workload.to_owned(),
        wall_ns: scale,
        cpu_ns: 2 * scale,
        peak_footprint_bytes: Some(10 * scale),
        allocated_bytes: Some(5000),
        pauses: if scale > 100 { vec![pause(1, scale / 10, Some(scale / 20))] } else { vec![] },
        pause_total_ns: if scale > 100 { scale / 10 } else { 0 },
        end: Some(Final {
            live_bytes: 400,
            unreclaimed_bytes: if collector == "no-gc" { 5000 } else { 500 },
            leaked_bytes: u64::from(block),
            leaked_objects: u64::from(block),
        }),
        ..sample()
    };
    Record {
        schema: SCHEMA_VERSION,
        cell: Cell {
            collector: collector.to_owned(),
            workload: workload.to_owned(),
            size: Size::Small,
            heap,
            mode,
        },
        block,
        twin: false,
        calibration_ns: None,
        order: 0,
        seed: 1,
        started_unix_ms: 0,
        process_wall_ns: 0,
        outcome: Outcome::Ok,
        sample: Some(sample),
    }
}

/// A run with these records and a manifest of the collectors `no-gc`, `rc`, `mark-sweep` and the
/// workloads `tree`, `list`.
pub(crate) fn run_of(records: Vec<Record>) -> Run {
    let collector = |name: &str, family| CollectorInfo {
        name: name.to_owned(),
        family,
        summary: String::new(),
        capabilities: vec![],
        colour: Colour { light: "#000000".to_owned(), dark: "#ffffff".to_owned() },
        line: LineStyle::Solid,
        bounded: family == Family::Tracing,
    };
    let workload = |name: &str| WorkloadInfo {
        name: name.to_owned(),
        summary: String::new(),
        analysis: String::new(),
        source: String::new(),
        seed: 1,
        size: Size::Small,
        parameters: BTreeMap::new(),
        peak_live_bytes: 1000,
    };
    Run {
        directory: PathBuf::from("made-up"),
        manifest: Manifest {
            schema: SCHEMA_VERSION,
            heaps: HEAPS.to_vec(),
            collectors: vec![
                collector("no-gc", Family::Control),
                collector("rc", Family::ReferenceCounting),
                collector("mark-sweep", Family::Tracing),
            ],
            workloads: vec![workload("tree"), workload("list")],
            ..Manifest::default()
        },
        records,
        problems: vec![],
    }
}

/// The run described above, its records out of order.
pub(crate) fn run() -> Run {
    let mut records = Vec::new();
    for block in [1, 0] {
        for mode in [Mode::Memory, Mode::Time] {
            records.push(record("list", "rc", HEAPS[1], mode, block, 700));
            let mut failed = record("tree", "mark-sweep", HEAPS[0], mode, block, 200);
            if block == 1 {
                failed.outcome = Outcome::OutOfMemory { reason: "the heap is full".to_owned() };
            }
            records.push(failed);
            records.push(record("tree", "mark-sweep", HEAPS[1], mode, block, 200));
            records.push(record("tree", "rc", HEAPS[0], mode, block, 300));
            records.push(record("tree", "no-gc", HeapSize::Unlimited, mode, block, 100));
        }
    }
    run_of(records)
}

/// The row of a pair of that run.
pub(crate) fn row(workload: &str, collector: &str, heap: HeapSize) -> Row {
    let summary = summarise(&run());
    summary.row_at(workload, collector, heap).expect("the run has this row").clone()
}
