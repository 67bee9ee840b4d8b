//! A row of the summary: the results of one cell, and the measures by which rows are compared.

use crate::{Collections, Estimate, Measured, PauseSummary};
use record::{Family, FootprintPoint, HeaderBytes, HeapSize, Outcome, Size};
use serde::Serialize;

/// The repeats of one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Workload, as in [`record::Cell::workload`].
    pub workload: String,
    /// Collector, as in [`record::Cell::collector`].
    pub collector: String,
    /// Family of the collector; `None` for one the manifest does not list.
    pub family: Option<Family>,
    /// Input size.
    pub size: Size,
    /// Requested heap size.
    pub heap: HeapSize,
    /// Footprint limit that was in force, in bytes; `None` if there was none.
    pub heap_limit_bytes: Option<u64>,
    /// The worst outcome over all repeats of both modes.
    pub outcome: Outcome,
    /// Repeats in time mode that finished with the right answer.
    pub n: usize,
    /// Wall time of the run proper, in ns.
    pub wall_ns: Measured<Estimate>,
    /// CPU time of the process over the run proper, in ns.
    pub cpu_ns: Measured<Estimate>,
    /// Wall time of dropping the final live set, in ns.
    pub teardown_wall_ns: Measured<Estimate>,
    /// Page faults during the run proper, in time mode.
    pub page_faults: Measured<Estimate>,
    /// Largest footprint, in bytes.
    pub peak_footprint_bytes: Measured<Estimate>,
    /// Pauses.
    pub pauses: Measured<PauseSummary>,
    /// Share of the run's wall time in pauses, 0 to 1.
    pub paused_share: Measured<Estimate>,
    /// Bounded mutator utilisation at each window, in ns: the median over the repeats; empty where the
    /// program does not report it.
    pub utilisation: Vec<(u64, f64)>,
    /// Collections, in time mode.
    pub collections: Measured<Collections>,
    /// Peak size of the queues of objects still to be marked, copied or dropped, over the repeats of
    /// both modes.
    pub queue_peak_bytes: Measured<u64>,
    /// Bytes allocated, before rounding to cells: of the first finished repeat, since it depends on
    /// the seed only.
    pub allocated_bytes: Measured<u64>,
    /// Header bytes of all objects, of the first finished repeat.
    pub header_bytes: Measured<HeaderBytes>,
    /// Bytes reachable when the run proper ended, of the first finished repeat.
    pub live_bytes: Measured<u64>,
    /// Bytes held by objects not yet reclaimed when the run proper ended: maximum over the repeats.
    pub unreclaimed_bytes: Measured<u64>,
    /// Bytes not reclaimed even by the teardown: maximum over the repeats.
    pub leaked_bytes: Measured<u64>,
    /// Footprint over time of the memory repeat with the median peak (the lower of two); empty
    /// without one.
    pub footprint: Vec<FootprintPoint>,
    /// Samples at which the footprint was not the sum of its parts, over all repeats. Anything but
    /// 0 is a defect of the workbench.
    pub accounting_errors: u64,
}

/// The quantities by which rows are compared. Smaller is better for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// [`Row::wall_ns`].
    WallTime,
    /// [`Row::cpu_ns`].
    CpuTime,
    /// [`Row::peak_footprint_bytes`].
    PeakFootprint,
    /// [`PauseSummary::longest_ns`].
    LongestPause,
}

impl Measure {
    /// This quantity of a row.
    pub fn of(self, row: &Row) -> Measured<&Estimate> {
        match self {
            Self::WallTime => row.wall_ns.as_ref(),
            Self::CpuTime => row.cpu_ns.as_ref(),
            Self::PeakFootprint => row.peak_footprint_bytes.as_ref(),
            Self::LongestPause => row.pauses.as_ref().map(|pauses| &pauses.longest_ns),
        }
    }

    /// Its name in a table heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::WallTime => "wall time",
            Self::CpuTime => "CPU time",
            Self::PeakFootprint => "peak footprint",
            Self::LongestPause => "longest pause",
        }
    }
}

impl Row {
    /// Whether the collector reclaimed something, or there was nothing to reclaim. Always false for a
    /// control; false for a region collector on a program without regions.
    pub fn reclaims(&self) -> bool {
        let idle = || {
            let (allocated, live) = (self.allocated_bytes.known()?, self.live_bytes.known()?);
            Some(allocated > live && self.unreclaimed_bytes.known()? >= allocated)
        };
        self.family != Some(Family::Control) && !idle().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{HEAPS, row};

    #[test]
    fn each_measure_is_its_own_quantity() {
        let row = row("tree", "rc", HEAPS[0]);
        for (measure, median) in [
            (Measure::WallTime, 300.0),
            (Measure::CpuTime, 600.0),
            (Measure::PeakFootprint, 3000.0),
            (Measure::LongestPause, 30.0),
        ] {
            assert_eq!(measure.of(&row).known().unwrap().median, median, "{}", measure.name());
        }
    }

    #[test]
    fn controls_and_collectors_without_effect_do_not_reclaim() {
        assert!(!row("tree", "no-gc", HeapSize::Unlimited).reclaims());
        assert!(row("tree", "rc", HEAPS[0]).reclaims());
        let mut idle = row("tree", "rc", HEAPS[0]);
        idle.unreclaimed_bytes = Measured::Known(5000);
        assert!(!idle.reclaims(), "garbage, but nothing reclaimed");
        idle.live_bytes = Measured::Known(5000);
        assert!(idle.reclaims(), "no garbage");
    }
}
