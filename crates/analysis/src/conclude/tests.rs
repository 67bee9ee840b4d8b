//! Tests of `conclude.rs`, `league.rs` and `sentences.rs`: whole runs, most of them bad ones. Each must end
//! in sentences that are true.

use super::*;
use crate::fixture::{HEAPS, record, run_of};
use crate::verdict::Verdict;
use record::{Cell, HeapSize, Outcome, Record};

/// Ten blocks of a collector on a workload in time mode: `cpu` times the speed of the block, with 1 % of
/// noise that differs between the collectors.
fn blocks(workload: &str, collector: &str, cpu: u64) -> Vec<Record> {
    let phase: u32 = collector.bytes().map(u32::from).sum();
    let at = |block: u32| {
        let noise = 995 + u64::from((block * 7 + phase * 3) % 10);
        let scale = cpu * noise * u64::from(10 + block);
        let mut record = record(workload, collector, HEAPS[0], Mode::Time, block, scale);
        if let Some(sample) = &mut record.sample {
            sample.peak_footprint_bytes = Some(2000);
        }
        record
    };
    (0..10).map(at).collect()
}

fn twin(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { twin: true, ..record.clone() }).collect()
}

/// `rc` needs twice the time of `mark-sweep` on `tree` and 0.7 of it on `list`.
fn good() -> Vec<Record> {
    let pairs = [("tree", 100, 200), ("list", 100, 70)];
    let of = |(workload, reference, other): &(&str, u64, u64)| {
        let reference = blocks(workload, "mark-sweep", *reference);
        [twin(&reference), reference, blocks(workload, "rc", *other)].concat()
    };
    pairs.iter().flat_map(of).collect()
}

fn conclusions_of(records: Vec<Record>) -> Conclusions {
    conclude(&run_of(records))
}

fn verdicts(conclusions: &Conclusions) -> Vec<Option<Verdict>> {
    let competitors = conclusions.contests.iter().flat_map(|c| &c.competitors);
    competitors.filter(|c| !c.is_reference).map(|c| Some(c.cpu.known()?.verdict)).collect()
}

fn check(conclusions: &Conclusions, words: &[&str]) {
    let text = conclusions.sentences.join("\n");
    for word in words {
        assert!(text.contains(word), "'{word}' is missing in: {text}");
    }
}

#[test]
fn a_good_run_names_the_best_of_each_workload_and_all_decisions() {
    let conclusions = conclusions_of(good());
    assert_eq!(verdicts(&conclusions), [Some(Verdict::Slower), Some(Verdict::Faster)]);
    check(&conclusions, &["mark-sweep on tree", "rc on list", "Decided: 2 of 2"]);
    assert_eq!(conclusions.sentinel.differs, Some(vec![]));
    let row = |name: &str| conclusions.league.iter().find(|row| row.name == name).unwrap();
    let mean = row("rc").cpu.known().unwrap();
    assert!((mean.ratio - f64::sqrt(2.0 * 0.7)).abs() < 0.02, "{mean:?}");
    let (low, high) = mean.without_one.unwrap();
    assert!((low - 0.7).abs() < 0.01 && (high - 2.0).abs() < 0.02);
    assert_eq!((row("rc").finished, row("mark-sweep").cpu.known().unwrap().ratio), ((2, 2), 1.0));
    assert_eq!(row("rc").peak.known(), Some(&2.0), "2000 bytes of 1000 live");
    let reason = row("mark-sweep").minimum_heap.reason();
    assert_eq!(reason, Some("minimum heaps are not recorded"));
    check(&conclusions, &["mark-sweep and rc with 2.00×, equal to the byte"]);
}

#[test]
fn teardown_is_a_part_of_the_time() {
    let mut records = good();
    for record in records.iter_mut().filter(|r| r.cell.collector == "rc") {
        let sample = record.sample.as_mut().unwrap();
        sample.teardown_cpu_ns = sample.cpu_ns;
    }
    let conclusions = conclusions_of(records);
    assert_eq!(verdicts(&conclusions), [Some(Verdict::Slower), Some(Verdict::Slower)]);
}

#[test]
fn a_twin_that_differs_makes_the_run_unreliable() {
    let mut records = good();
    for record in records.iter_mut().filter(|r| r.twin && r.cell.workload == "list") {
        record.sample.as_mut().unwrap().cpu_ns *= 2;
    }
    let conclusions = conclusions_of(records);
    assert_eq!(conclusions.sentinel.differs, Some(vec!["list".to_owned()]));
    assert!(
        conclusions.sentences[0].starts_with("UNRELIABLE: mark-sweep differs from itself on list")
    );
}

#[test]
fn a_reference_that_failed_leaves_no_ratio() {
    let mut records = good();
    for record in records.iter_mut().filter(|r| r.cell.collector == "mark-sweep" && r.block == 3) {
        record.outcome = Outcome::OutOfMemory { reason: "full".to_owned() };
    }
    let conclusions = conclusions_of(records);
    assert_eq!(verdicts(&conclusions), [None, None]);
    let reason = conclusions.contests[0].competitors[0].cpu.reason().unwrap();
    assert!(reason.contains("OOM"), "{reason}");
    assert!(conclusions.league.iter().all(|row| row.cpu.known().is_none()), "{conclusions:?}");
    assert_eq!(conclusions.decided, (0, 0));
    check(&conclusions, &["Least CPU time: n/a (fewer than two collectors"]);
}

#[test]
fn a_workload_that_one_does_not_finish_is_in_no_mean_and_is_named() {
    let mut records = good();
    let fails = |r: &&mut Record| r.cell.collector == "rc" && r.cell.workload == "list";
    for record in records.iter_mut().filter(fails) {
        record.outcome = Outcome::NotApplicable { reason: "cycles".to_owned() };
    }
    let conclusions = conclusions_of(records);
    assert_eq!(conclusions.left_out, [("list".to_owned(), vec!["rc".to_owned()])]);
    let rc = conclusions.league.iter().find(|row| row.name == "rc").unwrap();
    assert_eq!((rc.cpu.known().unwrap().workloads, rc.finished), (1, (1, 2)));
    check(&conclusions, &["Not finished: rc on list"]);
}

#[test]
fn a_workload_without_room_in_the_budget_is_in_no_mean() {
    let kept = |r: &Record| r.cell.workload == "tree" || r.block < 2;
    let conclusions = conclusions_of(good().into_iter().filter(kept).collect());
    assert_eq!(conclusions.left_out, [("list".to_owned(), vec![])]);
    let rc = conclusions.league.iter().find(|row| row.name == "rc").unwrap();
    let mean = rc.cpu.known().unwrap();
    assert!(mean.workloads == 1 && mean.interval.is_some(), "{mean:?}");
}

#[test]
fn one_block_or_one_collector_or_none_decides_nothing() {
    let one_block: Vec<Record> = good().into_iter().filter(|r| r.block == 0).collect();
    let conclusions = conclusions_of(one_block);
    assert!(verdicts(&conclusions).iter().flatten().all(|v| !v.is_decided()));
    assert_eq!((conclusions.sentinel.differs.clone(), conclusions.decided), (None, (0, 2)));
    check(&conclusions, &["fewer than 9 blocks", "Decided: 0 of 2"]);

    let alone: Vec<Record> =
        good().into_iter().filter(|r| r.cell.collector == "mark-sweep").collect();
    let conclusions = conclusions_of(alone);
    assert_eq!(conclusions.decided, (0, 0));
    check(&conclusions, &["fewer than two collectors that reclaim finished"]);

    let conclusions = conclusions_of(vec![]);
    assert!(conclusions.contests.is_empty() && conclusions.league.is_empty());
    assert_eq!(conclusions.sentences, ["Nothing is concluded: no timed block has finished."]);
}

#[test]
fn a_control_is_never_best() {
    let mut records = good();
    for workload in ["tree", "list"] {
        records.extend(blocks(workload, "no-gc", 10));
    }
    let conclusions = conclusions_of(records);
    let best = conclusions.contests.iter().map(|contest| contest.best.known().unwrap().clone());
    assert_eq!(best.collect::<Vec<_>>(), [vec!["mark-sweep"], vec!["rc"]]);
}

#[test]
fn a_run_of_the_previous_schema_has_no_twin_and_is_judged_as_well() {
    let mut records: Vec<Record> = good().into_iter().filter(|r| !r.twin).collect();
    records.iter_mut().for_each(|record| record.schema = 1);
    let conclusions = conclusions_of(records);
    assert_eq!(verdicts(&conclusions), [Some(Verdict::Slower), Some(Verdict::Faster)]);
    assert_eq!(
        (conclusions.sentinel.differs.clone(), conclusions.sentinel.resolution),
        (None, None)
    );
    check(&conclusions, &["Decided: 2 of 2 comparisons in CPU time."]);
}

#[test]
fn names_of_one_collector_are_never_decided_nor_best_alone() {
    let names = ["no-gc", "rc", "mark-sweep"];
    let mut records = Vec::new();
    for name in names {
        records.extend(blocks("tree", name, 100));
    }
    let mut run = run_of(records);
    for collector in &mut run.manifest.collectors {
        collector.family = record::Family::Tracing;
    }
    for record in &mut run.records {
        // Something is reclaimed.
        record.sample.as_mut().unwrap().end.as_mut().unwrap().unreclaimed_bytes = 500;
    }
    let conclusions = conclude(&run);
    let verdicts = verdicts(&conclusions);
    assert!(
        verdicts.iter().all(|v| !matches!(v, Some(Verdict::Faster | Verdict::Slower))),
        "{verdicts:?}"
    );
    assert_eq!(conclusions.contests[0].best.known().unwrap().len(), names.len());
    check(&conclusions, &["open on tree"]);
}

#[test]
fn a_duel_has_a_sentence_for_each_side_but_the_last() {
    let mut run = run_of(good().into_iter().filter(|r| r.cell.workload == "tree").collect());
    let side = |collector: &str| Cell {
        collector: collector.to_owned(),
        workload: "tree".to_owned(),
        size: record::Size::Small,
        heap: HEAPS[0],
        mode: Mode::Time,
    };
    run.manifest.sides = vec![side("rc"), side("mark-sweep")];
    let conclusions = conclude(&run);
    let expected = "rc/tree@2x needs 2.00× (";
    assert_eq!(conclusions.sentences.len(), 1);
    check(&conclusions, &[expected, "of the CPU time of mark-sweep/tree@2x: decided, more."]);
}

#[test]
fn unlimited_heaps_are_a_contest_of_their_own() {
    let mut records = good();
    records.iter_mut().for_each(|record| record.cell.heap = HeapSize::Unlimited);
    let mut run = run_of(records);
    run.manifest.heaps = vec![HeapSize::Unlimited];
    let conclusions = conclude(&run);
    assert_eq!((conclusions.heap, conclusions.decided), (Some(HeapSize::Unlimited), (2, 2)));
}
