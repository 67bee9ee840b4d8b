//! Errors of the conclusions from simulated runs.

use crate::session::{Session, Setting};
use analysis::best_group::best_group;
use analysis::geometric_mean::geometric_mean;
use analysis::paired::ratio_of_logs;
use analysis::sentinel::sentinel;
use analysis::verdict::{TIME_MARGIN, Verdict, judge};
use std::fmt;
use std::ops::Range;

/// A mean with its standard error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn share(&mut self, hits: usize, of: usize) {
        if of > 0 {
            self.add(hits as f64 / of as f64);
        }
    }

    fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.n
    }

    /// Standard errors of the mean to a 95 % bound to one side.
    fn bound(&self) -> f64 {
        let variance = (self.squares / self.n - self.mean().powi(2)).max(0.0);
        1.645 * (variance / self.n).sqrt()
    }

    /// The mean is below this with 95 % confidence.
    pub(crate) fn at_most(&self) -> f64 {
        self.mean() + self.bound()
    }

    /// The mean is above this with 95 % confidence.
    pub(crate) fn at_least(&self) -> f64 {
        self.mean() - self.bound()
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.n == 0.0 {
            return f.pad("n/a");
        }
        f.pad(&format!("{:.2} ± {:.2}", 100.0 * self.mean(), 100.0 * self.bound()))
    }
}

/// Numbers of blocks for which coverage is counted apart.
pub(crate) const BLOCKS: [Range<usize>; 3] = [10..11, 11..28, 28..41];

/// Errors of many runs; every mean is over runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Share of wrong ones among the verdicts faster and slower of a run, 0 without any.
    pub(crate) false_differences: Mean,
    /// Share of wrong ones among the verdicts equivalent.
    pub(crate) false_equivalences: Mean,
    /// Share of comparisons that are decided.
    pub(crate) decided: Mean,
    /// Coverage of 95 % intervals, by number of blocks.
    pub(crate) coverage: [Mean; 3],
    /// Share of intervals in the table of verdicts, at its levels, that miss.
    pub(crate) missed: Mean,
    /// Runs with a false alarm of the sentinel.
    pub(crate) alarms: Mean,
    /// Share of best groups that leave out a best competitor.
    pub(crate) best_left_out: Mean,
    /// Share of the best competitors that their group leaves out.
    pub(crate) best_each: Mean,
    /// Coverage of the intervals of geometric means.
    pub(crate) geometric: Mean,
}

impl Tally {
    /// The errors of runs with these seeds.
    pub(crate) fn of(setting: &Setting, seeds: Range<u64>) -> Self {
        let mut tally = Self::default();
        seeds.for_each(|seed| tally.add(&Session::simulate(setting, seed), seed));
        tally
    }

    /// The same on two processors.
    pub(crate) fn in_halves(setting: &Setting, runs: u64) -> Self {
        let half = runs / 2;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| Self::of(setting, half..runs));
            let mut tally = Self::of(setting, 0..half);
            tally.join(&other.join().expect("a simulation"));
            tally
        })
    }

    fn add(&mut self, session: &Session, seed: u64) {
        self.add_verdicts(session);
        for (range, coverage) in BLOCKS.iter().zip(&mut self.coverage) {
            let (table, truth) = session.table();
            let judged = table.iter().zip(&truth).filter(|(logs, _)| range.contains(&logs.len()));
            let covers = judged.map(|(logs, truth)| {
                let (low, high) =
                    ratio_of_logs(logs).and_then(|r| r.interval()).expect("ten blocks");
                (low..=high).contains(&truth.exp())
            });
            let covers: Vec<bool> = covers.collect();
            coverage.share(covers.iter().filter(|&&c| c).count(), covers.len());
        }
        let twins: Vec<Vec<f64>> = (0..session.logs.len()).map(|w| session.ratios(w, 1)).collect();
        let differs = sentinel(&twins).differs.expect("enough blocks");
        self.alarms.add(if differs.is_empty() { 0.0 } else { 1.0 });
        self.add_best_groups(session);
        // The bootstrap is slow; one collector suffices.
        let logs: Vec<Vec<f64>> = (0..session.logs.len()).map(|w| session.ratios(w, 2)).collect();
        let mean = geometric_mean(&logs, seed).and_then(|mean| mean.interval);
        let (low, high) = mean.expect("ten blocks");
        let truth = session.truth.iter().map(|of| of[0]).sum::<f64>() / logs.len() as f64;
        self.geometric.share(usize::from((low..=high).contains(&truth.exp())), 1);
    }

    fn add_verdicts(&mut self, session: &Session) {
        let bound = (1.0 + TIME_MARGIN).ln();
        let (table, truth) = session.table();
        let comparisons = judge(&table, TIME_MARGIN).into_iter().map(|c| c.expect("blocks"));
        let (mut differ, mut equivalent, mut missed) = ((0, 0), (0, 0), 0);
        for (comparison, truth) in comparisons.zip(&truth) {
            let (low, high) = comparison.ratio.interval().expect("an interval");
            missed += usize::from(!(low..=high).contains(&truth.exp()));
            match comparison.verdict {
                Verdict::Faster => differ = (differ.0 + 1, differ.1 + usize::from(*truth >= 0.0)),
                Verdict::Slower => differ = (differ.0 + 1, differ.1 + usize::from(*truth <= 0.0)),
                Verdict::Equivalent => {
                    equivalent =
                        (equivalent.0 + 1, equivalent.1 + usize::from(truth.abs() >= bound));
                }
                Verdict::Tie | Verdict::Open { .. } => {}
            }
        }
        self.decided.share(differ.0 + equivalent.0, table.len());
        self.false_differences.share(differ.1, differ.0.max(1));
        self.false_equivalences.share(equivalent.1, equivalent.0.max(1));
        self.missed.share(missed, table.len());
    }

    fn add_best_groups(&mut self, session: &Session) {
        for (workload, logs) in session.logs.iter().enumerate() {
            let competitors: Vec<Vec<f64>> = [&logs[..1], &logs[2..]].concat();
            let truth = [&[0.0], &session.truth[workload][..]].concat();
            let smallest = truth.iter().copied().fold(f64::INFINITY, f64::min);
            let group = best_group(&competitors).expect("ten blocks");
            let best: Vec<usize> =
                (0..truth.len()).filter(|&place| truth[place] == smallest).collect();
            let left_out = best.iter().filter(|place| !group.contains(place)).count();
            self.best_left_out.share(usize::from(left_out > 0), 1);
            self.best_each.share(left_out, best.len());
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        let pairs = [
            (&mut self.false_differences, &other.false_differences),
            (&mut self.false_equivalences, &other.false_equivalences),
            (&mut self.decided, &other.decided),
            (&mut self.missed, &other.missed),
            (&mut self.alarms, &other.alarms),
            (&mut self.best_left_out, &other.best_left_out),
            (&mut self.best_each, &other.best_each),
            (&mut self.geometric, &other.geometric),
        ];
        pairs.into_iter().for_each(|(mine, other)| mine.join(other));
        self.coverage.iter_mut().zip(&other.coverage).for_each(|(mine, other)| mine.join(other));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [at_ten, middle, forty] = &self.coverage;
        writeln!(
            f,
            "  false differences {}, equivalences {}",
            self.false_differences, self.false_equivalences
        )?;
        writeln!(
            f,
            "  decided {}; intervals of the table that miss {}",
            self.decided, self.missed
        )?;
        writeln!(f, "  coverage of 10 blocks {at_ten}, to 27 {middle}, to 40 {forty}")?;
        writeln!(
            f,
            "  coverage of geometric means {}; false alarms {}",
            self.geometric, self.alarms
        )?;
        write!(f, "  a best collector left out {}, each {}", self.best_left_out, self.best_each)
    }
}
