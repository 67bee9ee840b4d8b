//! Tests of `schedule.rs`: whole runs of a mock whose cells have known costs and widths.

use super::*;
use crate::fixture::{any, manifest};
use record::{Outcome, SCHEMA_VERSION};

const MS: u64 = 1_000_000;

/// Runs a manifest to its end; a cell of workload `a` costs `costs_ms.0`, one of `b` `costs_ms.1`.
/// Returns the records and the groups dropped.
fn run(
    manifest: &Manifest,
    costs_ms: (u64, u64),
    half_width: HalfWidth<'_>,
    calibration: impl Fn(&Planned) -> Option<u64>,
) -> (Vec<Record>, Vec<String>) {
    let schedule = Schedule::new(manifest, None, &any, half_width);
    let mut records = Vec::new();
    loop {
        let next = schedule.next(&records);
        if next.is_empty() {
            return (records.clone(), schedule.dropped_groups(&records));
        }
        for planned in next {
            let cost_ms = if planned.cell.workload == "a" { costs_ms.0 } else { costs_ms.1 };
            records.push(Record {
                schema: SCHEMA_VERSION,
                calibration_ns: calibration(&planned),
                cell: planned.cell,
                block: planned.block,
                twin: planned.twin,
                order: records.len() as u32,
                seed: planned.seed,
                started_unix_ms: 0,
                process_wall_ns: cost_ms * MS,
                outcome: Outcome::Ok,
                sample: None,
            });
        }
    }
}

fn timed(repeats: u32, budget_ms: Option<u64>) -> Manifest {
    Manifest { modes: vec![Mode::Time], repeats, budget_ms, ..manifest(5) }
}

/// Timed blocks of each workload.
fn blocks(records: &[Record]) -> (u32, u32) {
    let of = |workload: &str| {
        let of_workload = records.iter().filter(|r| r.cell.workload == workload);
        of_workload.map(|r| r.block + 1).max().unwrap_or(0)
    };
    (of("a"), of("b"))
}

fn spent_ms(records: &[Record]) -> u64 {
    records.iter().map(|r| r.process_wall_ns / MS).sum()
}

fn undisturbed(_: &Planned) -> Option<u64> {
    Some(100)
}

const WIDE: HalfWidth<'static> = &|_, _| Some(0.2);
/// Eight cells with the twins.
const CELLS: u64 = 8;

#[test]
fn without_a_budget_every_group_has_its_repeats_round_by_round() {
    let (records, dropped) = run(&timed(7, None), (1, 9), WIDE, undisturbed);
    assert_eq!((blocks(&records), records.len(), dropped.len()), ((7, 7), 2 * 7 * 8, 0));
    assert!(records.is_sorted_by_key(|r| r.block), "block k + 1 before block k ended");
}

#[test]
fn a_precise_group_stops_and_the_widest_gets_the_rest() {
    let width: HalfWidth<'_> = &|_, group| Some(if group == "a" { 0.04 } else { 0.06 });
    let (records, _) = run(&timed(10, Some(10_000)), (1, 1), width, undisturbed);
    assert_eq!(blocks(&records), (10, LOOKS[LOOKS.len() - 1]), "the last look ends a group");
    let budget_ms = 25 * CELLS;
    let (records, _) = run(&timed(10, Some(budget_ms)), (1, 1), width, undisturbed);
    assert_eq!((blocks(&records), spent_ms(&records)), ((10, 14), 24 * CELLS));
}

#[test]
fn precision_is_looked_at_only_at_the_looks() {
    // Precise from 11 blocks on: noticed at 14.
    let width: HalfWidth<'_> = &|records, group| {
        let n = records.iter().filter(|r| r.cell.workload == group).map(|r| r.block).max();
        Some(if n.unwrap() + 1 >= 11 { 0.01 } else { 0.5 })
    };
    let (records, _) = run(&timed(10, Some(10_000)), (1, 1), width, undisturbed);
    assert_eq!(blocks(&records), (14, 14));
}

#[test]
fn a_run_starts_no_block_that_does_not_fit() {
    for budget_ms in [170, 200, 300, 333] {
        let (records, dropped) = run(&timed(10, Some(budget_ms)), (1, 1), WIDE, undisturbed);
        assert!(spent_ms(&records) <= budget_ms && dropped.is_empty());
        assert!(spent_ms(&records) > budget_ms - 2 * CELLS - 1, "{}", spent_ms(&records));
        let (a, b) = blocks(&records);
        assert!(a >= 10 && b >= 10);
    }
}

#[test]
fn a_group_whose_fewest_blocks_do_not_fit_is_dropped_and_named() {
    let (records, dropped) = run(&timed(10, Some(250)), (1, 4), WIDE, undisturbed);
    assert_eq!(dropped, ["b"]);
    let (a, b) = blocks(&records);
    assert!(a > 10 && b == 2, "{a} {b}");
    // The last group is never dropped, or nothing would be measured.
    let (records, dropped) = run(&timed(10, Some(1)), (1, 4), WIDE, undisturbed);
    assert_eq!((blocks(&records), dropped), ((10, 2), vec!["b".to_owned()]));
}

#[test]
fn disturbed_blocks_are_repeated_within_a_tenth_of_the_budget() {
    let narrow: HalfWidth<'_> = &|_, _| Some(0.01);
    let of = |disturbed: u32| {
        let calibration = move |p: &Planned| {
            let slow = p.cell.workload == "b" && p.block < disturbed;
            Some(if slow { 131 } else { 100 })
        };
        blocks(&run(&timed(10, Some(10_000)), (1, 1), narrow, calibration).0)
    };
    assert_eq!(of(0), (10, 10));
    assert_eq!(of(2), (10, 12));
    // Blocks come in pairs: the odd one is a look as well.
    assert_eq!(of(1), (10, 12));
    // Of 20 blocks two may be repeated; with five, the machine is simply noisy.
    assert_eq!(of(5), (10, 10));
}

#[test]
fn a_torn_block_is_completed_first() {
    let manifest = timed(3, None);
    let (records, _) = run(&manifest, (1, 1), WIDE, undisturbed);
    let schedule = Schedule::new(&manifest, None, &any, WIDE);
    for kept in 0..records.len() {
        let next = schedule.next(&records[..kept]);
        let (first, expected) = (&next[0], &records[kept]);
        assert_eq!((&first.cell, first.block), (&expected.cell, expected.block), "after {kept}");
    }
}

#[test]
fn the_forecast_counts_processes() {
    let manifest = manifest(5);
    let schedule = Schedule::new(&manifest, Some("bound"), &any, WIDE);
    let forecast = schedule.forecast();
    let blocks = 10 + 5 * 10 + 2;
    assert_eq!(forecast, Forecast { groups: 2, passes: blocks, block: 16, blocks: 5 });
}
