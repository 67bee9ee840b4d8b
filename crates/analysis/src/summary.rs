//! One row per cell of a run: the repeats of a (workload, collector, size, heap) folded together.
//!
//! Times and pauses come from the prefaulted time mode only and the footprint from the lazily
//! committed memory mode only; the two are never mixed. A number covers *all* repeats of its mode or
//! is missing with the reason: an estimate from the surviving repeats only would favour a discipline
//! that sometimes fails.

use crate::{Collections, Estimate, Measured, PauseSummary, Row, scaling};
use record::{CollectorInfo, FootprintPoint, HeapSize, Mode, Outcome, Record, Run, Sample};
use serde::Serialize;
use std::collections::BTreeMap;

/// All rows of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Rows in suite order, then registry order, then size, then the order of the heap sizes.
    pub rows: Vec<Row>,
    /// Workloads that have a row, in suite order; names unknown to the manifest come last.
    pub workloads: Vec<String>,
    /// Collectors that have a row, in registry order; names unknown to the manifest come last.
    pub collectors: Vec<String>,
    /// Heap sizes that have a row, in the order of the plan.
    pub heaps: Vec<HeapSize>,
}

impl Summary {
    /// The row of a pair at this heap size. The row of a pair that was run at one heap size only (no
    /// limit binds it) is used at every heap size.
    pub fn row_at(&self, workload: &str, collector: &str, heap: HeapSize) -> Option<&Row> {
        let pair =
            || self.rows.iter().filter(|r| r.workload == workload && r.collector == collector);
        let mut all = pair();
        let only = all.next().filter(|_| all.next().is_none());
        pair().find(|row| row.heap == heap).or(only)
    }

    /// The heap size of comparisons at one heap size: the middle one of those limited by a multiple or
    /// an amount, or else the first. `None` without rows.
    pub fn reference_heap(&self) -> Option<HeapSize> {
        let limited: Vec<HeapSize> =
            self.heaps.iter().copied().filter(|h| *h != HeapSize::Unlimited).collect();
        limited.get(limited.len() / 2).or(self.heaps.first()).copied()
    }
}

/// Folds a run into rows. Census records make no row, because they describe the workload.
pub fn summarise(run: &Run) -> Summary {
    let manifest = &run.manifest;
    let mut workloads: Vec<String> = manifest.workloads.iter().map(|w| w.name.clone()).collect();
    let mut collectors: Vec<String> = manifest.collectors.iter().map(|c| c.name.clone()).collect();
    let mut heaps = manifest.heaps.clone();
    let mut groups: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
    for record in run.records.iter().filter(|r| r.cell.mode != Mode::Census && !r.twin) {
        let cell = &record.cell;
        let key = (
            position_or_push(&mut workloads, &cell.workload),
            position_or_push(&mut collectors, &cell.collector),
            cell.size,
            position_or_push(&mut heaps, &cell.heap),
        );
        groups.entry(key).or_default().push(record);
    }
    let rows: Vec<Row> =
        groups.into_values().map(|records| row(&manifest.collectors, records)).collect();
    workloads.retain(|name| rows.iter().any(|row| row.workload == *name));
    collectors.retain(|name| rows.iter().any(|row| row.collector == *name));
    heaps.retain(|heap| rows.iter().any(|row| row.heap == *heap));
    Summary { rows, workloads, collectors, heaps }
}

pub(crate) fn position_or_push<T: PartialEq + Clone>(list: &mut Vec<T>, item: &T) -> usize {
    list.iter().position(|known| known == item).unwrap_or_else(|| {
        list.push(item.clone());
        list.len() - 1
    })
}

/// The row of a non-empty group of records of one cell.
fn row(collectors: &[CollectorInfo], mut records: Vec<&Record>) -> Row {
    records.sort_by_key(|r| (r.block, r.order));
    let cell = &records[0].cell;
    let of_mode = |mode| -> Vec<&Record> {
        records.iter().copied().filter(|r| r.cell.mode == mode).collect()
    };
    let time = finished(&of_mode(Mode::Time), "time");
    let memory = finished(&of_mode(Mode::Memory), "memory");
    // Pauses have a mode of their own since schema 2; an external program has one mode.
    let paused = match of_mode(Mode::Pauses) {
        records if records.is_empty() => time.clone(),
        records => finished(&records, "pause"),
    };
    // A run without memory cells has the peaks of its timed ones; an external program has one mode.
    let peaks = match of_mode(Mode::Memory) {
        records if records.is_empty() => time.clone(),
        _ => memory.clone(),
    };
    let samples = || records.iter().filter_map(|r| r.sample.as_ref());
    let any: Vec<&Sample> = records.iter().filter_map(|r| finished_sample(r)).collect();
    let timed = |pick: fn(&Sample) -> u64| estimate(&time, |s| Some(pick(s)), "");
    let ends = || any.iter().filter_map(|s| s.end);
    Row {
        workload: cell.workload.clone(),
        collector: cell.collector.clone(),
        family: collectors.iter().find(|c| c.name == cell.collector).map(|c| c.family),
        size: cell.size,
        heap: cell.heap,
        heap_limit_bytes: samples().find_map(|s| s.heap_limit_bytes),
        outcome: worst(&records).clone(),
        n: of_mode(Mode::Time).iter().filter(|r| finished_sample(r).is_some()).count(),
        wall_ns: timed(|s| s.wall_ns),
        cpu_ns: timed(|s| s.cpu_ns),
        teardown_wall_ns: timed(|s| s.teardown_wall_ns),
        page_faults: timed(|s| s.page_faults),
        peak_footprint_bytes: estimate(&peaks, |s| s.peak_footprint_bytes, "its footprint"),
        pauses: pauses(&paused),
        paused_share: paused_share(&paused),
        utilisation: utilisation(&paused),
        collections: collections(&time),
        queue_peak_bytes: match any[..] {
            [] => Measured::Missing(failure(&records)),
            _ => scaling::queue_peak(&any),
        },
        allocated_bytes: reported(any.iter().find_map(|s| s.allocated_bytes), &records),
        header_bytes: reported(any.iter().find_map(|s| s.header_bytes), &records),
        live_bytes: reported(ends().map(|e| e.live_bytes).next(), &records),
        unreclaimed_bytes: reported(ends().map(|e| e.unreclaimed_bytes).max(), &records),
        leaked_bytes: reported(ends().map(|e| e.leaked_bytes).max(), &records),
        footprint: footprint(&memory),
        accounting_errors: samples().map(|s| s.accounting_errors).sum(),
    }
}

/// The samples of one mode, or the reason why they do not cover the cell.
fn finished<'run>(records: &[&'run Record], mode: &str) -> Measured<Vec<&'run Sample>> {
    if records.is_empty() {
        return Measured::Missing(format!("not run in {mode} mode"));
    }
    let samples: Vec<&Sample> = records.iter().filter_map(|r| finished_sample(r)).collect();
    if samples.len() == records.len() {
        return Measured::Known(samples);
    }
    Measured::Missing(failure(records))
}

/// The sample of a record that ended with the right answer.
fn finished_sample(record: &Record) -> Option<&Sample> {
    record.sample.as_ref().filter(|_| record.outcome == Outcome::Ok)
}

/// The reason why not all of these records finished.
pub(crate) fn failure(records: &[&Record]) -> String {
    let failed = records.iter().filter(|r| finished_sample(r).is_none()).count();
    match worst(records) {
        Outcome::NotApplicable { reason } => reason.clone(),
        Outcome::Ok => "an ok record has no sample".to_owned(),
        outcome => format!("{outcome}, in {failed} of {} repeats", records.len()),
    }
}

/// The worst outcome of a non-empty list, the first among equals.
fn worst<'run>(records: &[&'run Record]) -> &'run Outcome {
    // Backwards, because `max_by_key` takes the last one among equals.
    let outcomes = records.iter().rev().map(|record| &record.outcome);
    outcomes.max_by_key(|outcome| severity(outcome)).expect("the list is not empty")
}

/// Rank of an outcome: findings below defects, and defects by the numbers that they invalidate.
fn severity(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::NotApplicable { .. } => 1,
        Outcome::Timeout { .. } => 2,
        Outcome::OutOfMemory { .. } => 3,
        Outcome::StackOverflow { .. } => 4,
        Outcome::Crash { .. } => 5,
        Outcome::WrongAnswer { .. } => 6,
    }
}

fn estimate(
    samples: &Measured<Vec<&Sample>>,
    pick: impl Fn(&Sample) -> Option<u64>,
    name: &str,
) -> Measured<Estimate> {
    samples.as_ref().and_then(|samples| {
        let values: Option<Vec<f64>> = samples.iter().map(|s| pick(s).map(|v| v as f64)).collect();
        let reason = || format!("the program does not report {name}");
        Measured::known_or(values.and_then(Estimate::of), reason)
    })
}

fn pauses(samples: &Measured<Vec<&Sample>>) -> Measured<PauseSummary> {
    samples.as_ref().and_then(|samples| {
        if samples.iter().any(|s| s.collector.starts_with("native:")) {
            return Measured::Missing("a native program does not report its pauses".to_owned());
        }
        let reason = || "no sample to take pauses from".to_owned();
        Measured::known_or(PauseSummary::of(samples), reason)
    })
}

fn paused_share(samples: &Measured<Vec<&Sample>>) -> Measured<Estimate> {
    let share = |s: &&Sample| s.pause_total_ns as f64 / s.wall_ns.max(1) as f64;
    pauses(samples).and_then(|_| {
        let shares = samples.known().map(|samples| samples.iter().map(share).collect());
        let reason = || "no sample to take pauses from".to_owned();
        Measured::known_or(shares.and_then(Estimate::of), reason)
    })
}

/// The median over the repeats at each window that all of them have.
fn utilisation(samples: &Measured<Vec<&Sample>>) -> Vec<(u64, f64)> {
    let Some((first, rest)) = samples.known().and_then(|samples| samples.split_first()) else {
        return Vec::new();
    };
    let at = |sample: &Sample, window_ns: u64| {
        let point = sample.utilisation.iter().find(|point| point.window_ns == window_ns);
        point.map(|point| point.bmu)
    };
    let median = |window_ns| {
        let values: Option<Vec<f64>> =
            [first].into_iter().chain(rest).map(|sample| at(sample, window_ns)).collect();
        Some((window_ns, Estimate::of(values?)?.median))
    };
    first.utilisation.iter().filter_map(|point| median(point.window_ns)).collect()
}

fn collections(samples: &Measured<Vec<&Sample>>) -> Measured<Collections> {
    let reason = || "no collections, or not reported by the program".to_owned();
    samples.as_ref().and_then(|samples| Measured::known_or(Collections::of(samples), reason))
}

/// A quantity that external programs may omit.
fn reported<T>(value: Option<T>, records: &[&Record]) -> Measured<T> {
    Measured::known_or(value, || match records.iter().any(|r| finished_sample(r).is_some()) {
        true => "the program does not report it".to_owned(),
        false => failure(records),
    })
}

fn footprint(samples: &Measured<Vec<&Sample>>) -> Vec<FootprintPoint> {
    let Some(samples) = samples.known() else { return Vec::new() };
    let mut by_peak = samples.clone();
    by_peak.sort_by_key(|s| s.peak_footprint_bytes);
    by_peak[(by_peak.len() - 1) / 2].footprint.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HEAPS, row};

    #[test]
    fn rows_stand_in_suite_registry_and_heap_order() {
        let summary = summarise(&fixture::run());
        let order: Vec<String> = summary
            .rows
            .iter()
            .map(|r| format!("{}/{}@{}", r.collector, r.workload, r.heap))
            .collect();
        assert_eq!(
            order,
            [
                "no-gc/tree@unlimited",
                "rc/tree@2x",
                "mark-sweep/tree@2x",
                "mark-sweep/tree@3x",
                "rc/list@3x"
            ]
        );
        assert_eq!(summary.workloads, ["tree", "list"]);
        assert_eq!(summary.collectors, ["no-gc", "rc", "mark-sweep"]);
        assert_eq!(summary.heaps, [HEAPS[0], HEAPS[1], HeapSize::Unlimited]);
    }

    #[test]
    fn names_the_manifest_does_not_know_come_last() {
        let mut run = fixture::run();
        let heap = HeapSize::Unlimited;
        run.records.insert(0, fixture::record("tree", "native:box", heap, Mode::Time, 0, 200));
        let summary = summarise(&run);
        assert_eq!(summary.collectors.last().unwrap(), "native:box");
        let row = summary.row_at("tree", "native:box", heap).unwrap();
        assert_eq!(row.family, None);
        assert_eq!(row.pauses.reason(), Some("a native program does not report its pauses"));
    }

    #[test]
    fn each_quantity_comes_from_its_own_mode() {
        let mut run = fixture::run();
        run.records.retain(|r| r.cell.collector == "rc" && r.cell.workload == "tree");
        for record in &mut run.records {
            let sample = record.sample.as_mut().unwrap();
            match record.cell.mode {
                Mode::Memory => sample.wall_ns = 999_999,
                _ => sample.peak_footprint_bytes = Some(999_999),
            }
        }
        let summary = summarise(&run);
        let row = &summary.rows[0];
        assert_eq!(row.wall_ns.known().unwrap().values, [300.0, 300.0]);
        assert_eq!(row.cpu_ns.known().unwrap().median, 600.0);
        assert_eq!(row.peak_footprint_bytes.known().unwrap().median, 3000.0);
        assert_eq!(row.pauses.known().unwrap().repeats, 2);
        assert_eq!((row.n, row.leaked_bytes.known()), (2, Some(&1)));

        run.records.retain(|r| r.cell.mode == Mode::Time);
        let row = &summarise(&run).rows[0];
        // Without memory cells, those of time have a peak, too.
        assert_eq!(row.peak_footprint_bytes.known().unwrap().values, [999_999.0; 2]);
        assert!(row.footprint.is_empty());
    }

    #[test]
    fn values_are_in_block_order_for_any_file_order() {
        let record =
            |block, wall_ns| fixture::record("tree", "rc", HEAPS[0], Mode::Time, block, wall_ns);
        let run = fixture::run_of(vec![record(2, 30), record(0, 10), record(1, 20)]);
        let row = &summarise(&run).rows[0];
        assert_eq!(row.wall_ns.known().unwrap().values, [10.0, 20.0, 30.0]);
    }

    #[test]
    fn one_failed_repeat_leaves_no_estimate() {
        let row = row("tree", "mark-sweep", HEAPS[0]);
        assert_eq!(row.outcome.word(), "OOM");
        assert_eq!(row.n, 1);
        let reason = Some("OOM: the heap is full, in 1 of 2 repeats");
        assert_eq!(row.wall_ns.reason(), reason);
        assert_eq!(row.peak_footprint_bytes.reason(), reason);
        assert_eq!(row.pauses.reason(), reason);
        assert!(row.allocated_bytes.known().is_some(), "the repeat that finished knows it");
    }

    #[test]
    fn the_worst_outcome_wins_and_not_applicable_has_its_reason() {
        let mut run = fixture::run();
        run.records.retain(|r| r.cell.collector == "rc" && r.cell.workload == "tree");
        for record in &mut run.records {
            let reason = "needs regions".to_owned();
            record.outcome = Outcome::NotApplicable { reason };
            record.sample = None;
        }
        let row = &summarise(&run).rows[0];
        assert_eq!(row.wall_ns.reason(), Some("needs regions"));
        assert_eq!(row.leaked_bytes.reason(), Some("needs regions"));
        run.records[0].outcome = Outcome::Timeout { limit_ms: 1 };
        run.records[1].outcome =
            Outcome::WrongAnswer { expected: "1".to_owned(), got: "2".to_owned() };
        run.records[2].outcome = Outcome::Crash { reason: "signal".to_owned() };
        assert_eq!(summarise(&run).rows[0].outcome.word(), "wrong");
    }

    #[test]
    fn census_records_make_no_row() {
        let census = fixture::record("tree", "rc", HEAPS[0], Mode::Census, 0, 100);
        assert!(summarise(&fixture::run_of(vec![census])).rows.is_empty());
    }

    #[test]
    fn a_pair_run_once_is_compared_at_every_heap_size() {
        let summary = summarise(&fixture::run());
        assert!(summary.row_at("tree", "no-gc", HEAPS[1]).is_some());
        assert!(summary.row_at("tree", "mark-sweep", HeapSize::Bytes(1)).is_none());
        assert_eq!(summary.reference_heap(), Some(HEAPS[1]));
    }

    #[test]
    fn the_sparkline_is_that_of_the_median_repeat() {
        let mut run = fixture::run();
        run.records.retain(|r| r.cell.workload == "list" && r.cell.mode == Mode::Memory);
        run.records.push(run.records[0].clone());
        for (record, peak) in run.records.iter_mut().zip([30, 10, 20]) {
            let sample = record.sample.as_mut().unwrap();
            sample.peak_footprint_bytes = Some(peak);
            sample.footprint = vec![FootprintPoint { footprint_bytes: peak, ..Default::default() }];
        }
        assert_eq!(summarise(&run).rows[0].footprint[0].footprint_bytes, 20);
    }

    #[test]
    fn serialises_known_and_missing_apart() {
        let json = serde_json::to_value(row("tree", "mark-sweep", HEAPS[0])).unwrap();
        assert_eq!(json["wall_ns"]["missing"], "OOM: the heap is full, in 1 of 2 repeats");
        assert_eq!(json["allocated_bytes"]["known"], 5000);
    }
}
