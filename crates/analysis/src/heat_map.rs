//! The overview of a run: workload by collector, each cell as a ratio to the least of its row.

use crate::{Measure, Row, Summary};
use record::{HeapSize, Outcome};
use serde::Serialize;

/// A table of ratios.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatMap {
    /// The compared measure.
    pub measure: Measure,
    /// The heap size of the collectors that a limit binds.
    pub heap: HeapSize,
    /// Names of the rows.
    pub workloads: Vec<String>,
    /// Names of the columns.
    pub collectors: Vec<String>,
    /// One list per workload, one cell per collector.
    pub cells: Vec<Vec<HeatCell>>,
}

/// A cell of the overview.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatCell {
    /// All repeats finished.
    Value {
        /// Median of the measure, in its unit.
        median: f64,
        /// The median over the smallest median of the row: 1 for the best, infinite where the best
        /// is 0 and this is not.
        ratio: f64,
    },
    /// A repeat failed, or the pair is not applicable; drawn as its outcome word.
    Failed(Outcome),
    /// The reason why the measure is unknown, or the cell did not run.
    Missing(String),
}

/// The overview of a measure at a heap size, over all workloads and collectors of the summary.
pub fn heat_map(summary: &Summary, measure: Measure, heap: HeapSize) -> HeatMap {
    let line = |workload: &String| {
        let rows: Vec<Option<&Row>> =
            summary.collectors.iter().map(|c| summary.row_at(workload, c, heap)).collect();
        let best = rows.iter().flatten().filter_map(|row| median(row, measure)).reduce(f64::min);
        rows.into_iter().map(|row| cell(row, measure, best)).collect()
    };
    HeatMap {
        measure,
        heap,
        workloads: summary.workloads.clone(),
        collectors: summary.collectors.clone(),
        cells: summary.workloads.iter().map(line).collect(),
    }
}

fn median(row: &Row, measure: Measure) -> Option<f64> {
    (row.outcome == Outcome::Ok).then(|| measure.of(row).known().map(|e| e.median)).flatten()
}

fn cell(row: Option<&Row>, measure: Measure, best: Option<f64>) -> HeatCell {
    let Some(row) = row else { return HeatCell::Missing("not run at this heap size".to_owned()) };
    if row.outcome != Outcome::Ok {
        return HeatCell::Failed(row.outcome.clone());
    }
    match (median(row, measure), best) {
        (Some(median), Some(best)) => {
            HeatCell::Value { median, ratio: if median == best { 1.0 } else { median / best } }
        }
        _ => HeatCell::Missing(measure.of(row).reason().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, summarise};

    fn check(measure: Measure, collector: &str, expected: HeatCell) {
        let summary = summarise(&fixture::run());
        let map = heat_map(&summary, measure, HeapSize::LiveMultiple(2.0));
        let column = map.collectors.iter().position(|c| c == collector).unwrap();
        assert_eq!(map.cells[0][column], expected, "{collector}");
    }

    #[test]
    fn ratios_are_to_the_best_of_the_row() {
        check(Measure::WallTime, "no-gc", HeatCell::Value { median: 100.0, ratio: 1.0 });
        check(Measure::WallTime, "rc", HeatCell::Value { median: 300.0, ratio: 3.0 });
        check(Measure::PeakFootprint, "rc", HeatCell::Value { median: 3000.0, ratio: 3.0 });
    }

    #[test]
    fn a_best_of_zero_makes_the_others_infinite() {
        check(Measure::LongestPause, "no-gc", HeatCell::Value { median: 0.0, ratio: 1.0 });
        check(Measure::LongestPause, "rc", HeatCell::Value { median: 30.0, ratio: f64::INFINITY });
    }

    #[test]
    fn failures_keep_their_outcome() {
        let outcome = Outcome::OutOfMemory { reason: "the heap is full".to_owned() };
        check(Measure::WallTime, "mark-sweep", HeatCell::Failed(outcome));
    }

    #[test]
    fn a_cell_that_did_not_run_is_missing() {
        let summary = summarise(&fixture::run());
        let map = heat_map(&summary, Measure::WallTime, HeapSize::LiveMultiple(2.0));
        assert_eq!(map.workloads, ["tree", "list"]);
        assert_eq!(map.cells[1][0], HeatCell::Missing("not run at this heap size".to_owned()));
    }
}
