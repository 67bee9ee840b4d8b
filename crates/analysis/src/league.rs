//! The league table: one row per collector, over all workloads that every shown collector finishes.
//!
//! A mean over other programs for each collector would compare programs, not collectors. So a workload that
//! one of them does not finish is in no mean, and is named.

use crate::contest::{Clock, Competitor, Contest};
use crate::estimate::MIN_OBSERVATIONS;
use crate::geometric_mean::{ALPHA, GeometricMean, geometric_mean};
use crate::{Measured, Row, Summary};
use record::{Family, HeapSize, Outcome, Run};
use serde::Serialize;

/// Windows of the utilisation that collectors are ranked by.
pub const WINDOW_NS: u64 = 10_000_000;

/// One collector over all workloads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeagueRow {
    /// The collector, or the side of a duel.
    pub name: String,
    /// Its family; `None` for an external program.
    pub family: Option<Family>,
    /// Geometric mean of CPU time to the reference's, with an interval that holds for all rows together at
    /// 95 %; 1 for the reference itself.
    pub cpu: Measured<GeometricMean>,
    /// Geometric mean of the minimum heap over the peak of live bytes.
    pub minimum_heap: Measured<f64>,
    /// Geometric mean of the peak footprint over the peak of live bytes.
    pub peak: Measured<f64>,
    /// Median over the workloads of the share of wall time in pauses.
    pub paused_share: Measured<f64>,
    /// Smallest bounded utilisation of a window of [`WINDOW_NS`] over the workloads.
    pub utilisation: Measured<f64>,
    /// The longest pause: the largest median over the workloads, in ns.
    pub longest_pause_ns: Measured<f64>,
    /// Workloads that it finished, and those in which it took part.
    pub finished: (usize, usize),
}

/// The rows, and the workloads that are in no mean with the collectors that did not finish them.
pub(crate) fn league(
    run: &Run,
    summary: &Summary,
    contests: &[Contest<'_>],
    heap: Option<HeapSize>,
) -> (Vec<LeagueRow>, Vec<(String, Vec<String>)>) {
    let contests: Vec<&Contest<'_>> = contests.iter().filter(|c| Some(c.heap) == heap).collect();
    let mut names: Vec<&str> = Vec::new();
    for competitor in contests.iter().flat_map(|contest| &contest.competitors) {
        if !names.contains(&competitor.name.as_str()) {
            names.push(&competitor.name);
        }
    }
    // A workload that the budget had no room for has two blocks, and no interval.
    let enough = contests.iter().any(|contest| contest.blocks() >= MIN_OBSERVATIONS);
    let (common, others): (Vec<&Contest<'_>>, Vec<&Contest<'_>>) =
        contests.iter().copied().partition(|contest| {
            missing(contest, &names).is_empty() && (!enough || contest.blocks() >= MIN_OBSERVATIONS)
        });
    let left_out =
        others.iter().map(|contest| (contest.workload.clone(), missing(contest, &names))).collect();
    let others = names.len().saturating_sub(1);
    let league = League { run, summary, contests: &contests, common: &common, others };
    let mut rows: Vec<LeagueRow> = names.iter().map(|name| league.row(name)).collect();
    let key = |row: &LeagueRow| row.cpu.known().map_or(f64::INFINITY, |mean| mean.ratio);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    (rows, left_out)
}

/// The names of those that did not finish a contest.
fn missing(contest: &Contest<'_>, names: &[&str]) -> Vec<String> {
    let finished = |name: &&&str| {
        contest.competitors.iter().any(|c| c.name == **name && c.samples.known().is_some())
    };
    names.iter().filter(|name| !finished(name)).map(|name| (*name).to_owned()).collect()
}

struct League<'a> {
    run: &'a Run,
    summary: &'a Summary,
    contests: &'a [&'a Contest<'a>],
    /// The contests that all competitors finished.
    common: &'a [&'a Contest<'a>],
    /// Number of competitors that are related to the reference.
    others: usize,
}

impl League<'_> {
    fn row(&self, name: &str) -> LeagueRow {
        let all = self.of(self.contests, name);
        let family = all.iter().find_map(|(_, competitor)| competitor.family);
        let finished = all.iter().filter(|(_, c)| c.outcome == Outcome::Ok).count();
        LeagueRow {
            name: name.to_owned(),
            family,
            cpu: self.cpu(name),
            minimum_heap: self.minimum_heap(name),
            peak: self
                .mean(name, |row, live| Some(row.peak_footprint_bytes.known()?.median / live)),
            paused_share: self.over(name, median, |row| Some(row.paused_share.known()?.median)),
            utilisation: self.over(name, smallest, |row| {
                let point = row.utilisation.iter().find(|(window_ns, _)| *window_ns == WINDOW_NS);
                point.map(|(_, utilisation)| *utilisation)
            }),
            longest_pause_ns: self
                .over(name, largest, |row| Some(row.pauses.known()?.longest_ns.median)),
            finished: (finished, all.len()),
        }
    }

    /// The contests in which a collector took part.
    fn of<'c>(
        &self,
        contests: &'c [&'c Contest<'c>],
        name: &str,
    ) -> Vec<(&'c Contest<'c>, &'c Competitor<'c>)> {
        let part = |contest: &&'c Contest<'c>| {
            let competitor = contest.competitors.iter().find(|c| c.name == name)?;
            Some((*contest, competitor))
        };
        contests.iter().filter_map(part).collect()
    }

    fn cpu(&self, name: &str) -> Measured<GeometricMean> {
        let none = || "no workload that all collectors finish".to_owned();
        let of_common = self.of(self.common, name);
        if of_common
            .iter()
            .any(|(c, competitor)| c.reference().is_some_and(|r| r.name == competitor.name))
        {
            let workloads = of_common.len();
            let (interval, without_one) = (None, None);
            return Measured::Known(GeometricMean { ratio: 1.0, interval, without_one, workloads });
        }
        let logs = of_common
            .iter()
            .map(|(c, competitor)| c.log_ratios(competitor, Clock::Cpu).known().cloned());
        let mean = logs.collect::<Option<Vec<_>>>();
        // One of them is named for its mean, so all intervals must hold together (Bonferroni).
        let alpha = ALPHA / self.others.max(1) as f64;
        let mean = mean.and_then(|logs| geometric_mean(&logs, alpha, self.run.manifest.seed));
        Measured::known_or(mean, none)
    }

    /// The row of a competitor in a contest.
    fn summary_row(&self, contest: &Contest<'_>, competitor: &Competitor<'_>) -> Option<&Row> {
        let cell = &competitor.cell;
        self.summary.rows.iter().find(|row| {
            row.workload == contest.workload
                && row.collector == cell.collector
                && row.heap == cell.heap
                && row.size == cell.size
        })
    }

    fn live_bytes(&self, workload: &str) -> Option<f64> {
        let info = self.run.manifest.workloads.iter().find(|w| w.name == workload)?;
        (info.peak_live_bytes > 0).then_some(info.peak_live_bytes as f64)
    }

    /// A geometric mean of a quantity over the common workloads, each relative to its live bytes.
    fn mean(&self, name: &str, of: impl Fn(&Row, f64) -> Option<f64>) -> Measured<f64> {
        let value = |(contest, competitor): &(&Contest<'_>, &Competitor<'_>)| {
            of(self.summary_row(contest, competitor)?, self.live_bytes(&contest.workload)?)
        };
        let of_common = self.of(self.common, name);
        let logs: Option<Vec<f64>> = of_common.iter().map(|pair| Some(value(pair)?.ln())).collect();
        let mean = logs.filter(|logs| !logs.is_empty());
        let mean = mean.map(|logs| (logs.iter().sum::<f64>() / logs.len() as f64).exp());
        Measured::known_or(mean, || "not measured on every common workload".to_owned())
    }

    fn minimum_heap(&self, name: &str) -> Measured<f64> {
        let minimum = |workload: &str| {
            let all = &self.run.manifest.minimum_heaps;
            all.iter()
                .find(|m| m.collector == name && m.workload == workload)
                .map(|m| m.bytes as f64)
        };
        let info = self.run.manifest.collectors.iter().find(|c| c.name == name);
        if info.is_some_and(|info| !info.bounded) {
            // No limit makes it collect, so it needs its peak.
            return self
                .mean(name, |row, live| Some(row.peak_footprint_bytes.known()?.median / live));
        }
        let mean = self.mean(name, |row, live| Some(minimum(&row.workload)? / live));
        match mean {
            Measured::Known(mean) => Measured::Known(mean),
            Measured::Missing(_) => Measured::Missing("minimum heaps are not recorded".to_owned()),
        }
    }

    /// A figure of all workloads that the collector finished.
    fn over(
        &self,
        name: &str,
        combine: fn(Vec<f64>) -> Option<f64>,
        of: impl Fn(&Row) -> Option<f64>,
    ) -> Measured<f64> {
        let pairs = self.of(self.contests, name).into_iter();
        let rows = pairs.filter_map(|(contest, competitor)| self.summary_row(contest, competitor));
        let rows = rows.filter(|row| row.outcome == Outcome::Ok);
        let values: Option<Vec<f64>> = rows.map(of).collect();
        Measured::known_or(values.and_then(combine), || "not measured".to_owned())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    crate::estimate::median_of_sorted(&values)
}

fn smallest(values: Vec<f64>) -> Option<f64> {
    values.into_iter().reduce(f64::min)
}

fn largest(values: Vec<f64>) -> Option<f64> {
    values.into_iter().reduce(f64::max)
}
