//! Tests of `contest.rs`.

use super::*;
use crate::fixture::{HEAPS, record, run_of};

/// Records of `tree` in time mode for ten blocks: `cpu` times the block's own speed.
fn records(collector: &str, heap: HeapSize, cpu: u64) -> Vec<Record> {
    let at =
        |block| record("tree", collector, heap, Mode::Time, block, cpu * u64::from(10 + block));
    (0..10).map(at).collect()
}

fn run_with(parts: &[Vec<Record>]) -> Run {
    run_of(parts.concat())
}

fn twin(records: Vec<Record>) -> Vec<Record> {
    records.into_iter().map(|record| Record { twin: true, ..record }).collect()
}

fn ratio(contest: &Contest<'_>, place: usize) -> f64 {
    let logs = contest.log_ratios(&contest.competitors[place], Clock::Cpu);
    paired::ratio_of_logs(logs.known().unwrap()).unwrap().estimate
}

#[test]
fn ratios_are_to_the_reference_in_the_same_block_and_the_twin_is_no_competitor() {
    let reference = records("mark-sweep", HEAPS[0], 100);
    let mut parts = [records("rc", HEAPS[0], 200), twin(reference.clone()), reference];
    parts[0].reverse();
    let run = run_with(&parts);
    let contests = contests(&run);
    assert_eq!(contests.len(), 1);
    let names: Vec<&str> = contests[0].competitors.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((names, contests[0].reference), (vec!["rc", "mark-sweep"], Some(1)));
    assert!((ratio(&contests[0], 0) - 2.0).abs() < 1e-12);
    assert_eq!(contests[0].twin_log_ratios(Clock::Cpu), [0.0; 10]);
    assert_eq!((contests[0].blocks(), contests[0].others().count()), (10, 1));
}

#[test]
fn a_collector_without_a_limit_takes_part_at_every_limit() {
    let run = run_with(&[
        records("rc", HeapSize::Unlimited, 200),
        records("mark-sweep", HEAPS[0], 100),
        records("mark-sweep", HEAPS[1], 50),
    ]);
    let ratios: Vec<f64> = contests(&run).iter().map(|contest| ratio(contest, 0)).collect();
    assert!((ratios[0] - 2.0).abs() < 1e-12 && (ratios[1] - 4.0).abs() < 1e-12, "{ratios:?}");
}

#[test]
fn no_limit_is_a_contest_if_the_plan_names_it() {
    let mut run = run_with(&[
        records("rc", HeapSize::Unlimited, 200),
        records("mark-sweep", HEAPS[0], 100),
        records("mark-sweep", HeapSize::Unlimited, 50),
    ]);
    run.manifest.heaps = vec![HEAPS[0], HeapSize::Unlimited];
    let ratios: Vec<f64> = contests(&run).iter().map(|contest| ratio(contest, 0)).collect();
    assert_eq!(ratios.len(), 2);
    assert!((ratios[1] - 4.0).abs() < 1e-12, "{ratios:?}");
}

#[test]
fn one_failed_block_leaves_no_ratio_and_an_incomplete_block_none_of_its_own() {
    let mut failing = records("rc", HEAPS[0], 200);
    failing[3].outcome = Outcome::OutOfMemory { reason: "the heap is full".to_owned() };
    let mut parts = [failing, records("no-gc", HEAPS[0], 50), records("mark-sweep", HEAPS[0], 100)];
    parts[1].pop();
    let run = run_with(&parts);
    let contest = &contests(&run)[0];
    let [no_gc, rc, _] = &contest.competitors[..] else { panic!() };
    assert!(matches!(contest.log_ratios(rc, Clock::Cpu), Measured::Missing(_)));
    assert_eq!(contest.log_ratios(no_gc, Clock::Wall).known().unwrap().len(), 9);
}

#[test]
fn without_the_usual_reference_it_is_the_first_that_reclaims() {
    let run = run_with(&[records("no-gc", HEAPS[0], 50), records("rc", HEAPS[0], 100)]);
    assert_eq!(contests(&run)[0].reference, Some(1));
    let mut named = run.clone();
    named.manifest.reference = Some("no-gc".to_owned());
    assert_eq!(contests(&named)[0].reference, Some(0));
    named.manifest.reference = Some("immix".to_owned());
    let contest = &contests(&named)[0];
    assert!(matches!(
        contest.log_ratios(&contest.competitors[0], Clock::Cpu),
        Measured::Missing(_)
    ));
}

#[test]
fn the_widest_interval_of_a_workload_decides() {
    let mut noisy = records("no-gc", HEAPS[0], 100);
    noisy[..4].iter_mut().for_each(|r| r.sample.as_mut().unwrap().cpu_ns *= 4);
    let reference = records("mark-sweep", HEAPS[0], 100);
    let run = run_with(&[records("rc", HEAPS[0], 200), noisy, reference.clone()]);
    let width = |records: &[Record]| widest_half_width(&run.manifest, records, "tree");
    assert_eq!(width(&run.records[..10]), Some(0.0), "rc alone");
    // The 9th averages of two are 0 and ln 4: the interval is a factor of 2 to either side.
    assert!((width(&run.records).unwrap() - 1.0).abs() < 1e-12);
    let five: Vec<Record> = run.records.iter().filter(|r| r.block < 5).cloned().collect();
    assert_eq!(width(&five), None, "too few blocks for an interval");
}

/// More blocks of a workload whose reference failed would be for nothing.
#[test]
fn a_workload_without_ratios_wants_no_blocks() {
    let mut reference = records("mark-sweep", HEAPS[0], 100);
    reference[0].outcome = Outcome::OutOfMemory { reason: "the heap is full".to_owned() };
    let run = run_with(&[records("rc", HEAPS[0], 200), reference]);
    assert_eq!(widest_half_width(&run.manifest, &run.records, "tree"), Some(0.0));
}
