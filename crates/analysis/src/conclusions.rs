//! The conclusions of a run, as plain data.

use crate::league::LeagueRow;
use crate::verdict::Comparison;
use crate::{Estimate, Measured};
use record::{HeapSize, Outcome};
use serde::Serialize;

/// The conclusions of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conclusions {
    /// The reference of all ratios; `None` if none took part.
    pub reference: Option<String>,
    /// The heap size of the league and the sentences.
    pub heap: Option<HeapSize>,
    /// Whether the machine was fit to measure.
    pub sentinel: Sentinel,
    /// Every contest, judged.
    pub contests: Vec<Judged>,
    /// Collectors, the smallest geometric mean of CPU time first; those without one last.
    pub league: Vec<LeagueRow>,
    /// Workloads that are in no geometric mean, with the collectors that did not finish them; without any
    /// if there are too few blocks.
    pub left_out: Vec<(String, Vec<String>)>,
    /// Comparisons in CPU time that are decided, equivalent or tied, and all of them.
    pub decided: (usize, usize),
    /// The main results as sentences.
    pub sentences: Vec<String>,
}

/// The check of a run by the twins of the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sentinel {
    /// Workloads on which the reference differs from itself: their comparisons are not reliable. `None` if
    /// there are too few blocks of twins to find a difference.
    pub differs: Option<Vec<String>>,
    /// Median half width of the intervals of the reference against itself, as a share: a smaller difference
    /// is not seen. `None` without twins.
    pub resolution: Option<f64>,
    /// Share of timed processes that began on a disturbed machine; `None` without calibrations.
    pub disturbed: Option<f64>,
}

/// A contest with its verdicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The workload.
    pub workload: String,
    /// The heap size of the collectors that a limit binds.
    pub heap: HeapSize,
    /// Number of blocks.
    pub blocks: usize,
    /// Competitors in registry order.
    pub competitors: Vec<JudgedCompetitor>,
    /// Names of those of which none is shown to need more CPU time than the best, among collectors that
    /// reclaim; or the reason why there is no such group.
    pub best: Measured<Vec<String>>,
}

/// A competitor with its verdicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedCompetitor {
    /// The collector, or the side of a duel.
    pub name: String,
    /// Whether it is the reference, which is not compared with itself.
    pub is_reference: bool,
    /// Whether it reclaims memory, so that it may be called best.
    pub reclaims: bool,
    /// The first outcome that is not `ok`.
    pub outcome: Outcome,
    /// CPU time of run and teardown, in ns.
    pub cpu_ns: Measured<Estimate>,
    /// CPU time to the reference's.
    pub cpu: Measured<Comparison>,
    /// Wall time to the reference's.
    pub wall: Measured<Comparison>,
}

impl Conclusions {
    /// The contests of the league and the sentences.
    pub fn main_contests(&self) -> impl Iterator<Item = &Judged> {
        self.contests.iter().filter(|contest| Some(contest.heap) == self.heap)
    }
}
