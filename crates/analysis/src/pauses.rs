//! The pauses of all repeats of one cell.
//!
//! **One meaning of each word**, wherever it is shown: *pauses* is the number of pauses of a run, the median
//! over repeats; *longest* is the longest pause of a run, the median over repeats, with the maximum over all
//! repeats in brackets and its CPU time beside it where that was read.
//!
//! Percentiles are of the pooled pauses. A record holds a complete histogram of its pauses and a list of them, of the longest only where
//! there were too many to keep. Each listed pause is moved out of its histogram bucket, so that the
//! pooled distribution is exact at the top, where it matters, and off by at most the width of a bucket
//! (upwards) below.
//!
//! Pooling is for display. Collectors are compared by [`crate::utilisation`]: percentiles of pauses must not
//! be ranked, because a million tiny pauses dilute a collector's 99th percentile. The time-weighted quantile does not have that weakness (compare Cheng
//! and Blelloch 2001, *A parallel, real-time garbage collector*, on why pause lengths alone mislead).

use crate::{Estimate, format, quantile};
use record::Sample;
use serde::Serialize;
use std::collections::BTreeMap;

/// The percentiles of every pause table, as shares.
pub const PERCENTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// The shares of the time-weighted quantiles.
pub const TIME_SHARES: [f64; 3] = [0.5, 0.9, 0.99];

/// Points of the percentile curve per factor of ten of `1/(1-q)`.
const POINTS_PER_DECADE: u32 = 10;

/// All pauses of all repeats of one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PauseSummary {
    /// Number of pauses, one value per repeat: *pauses*.
    pub count: Estimate,
    /// Number of pauses of all repeats: the n of the percentiles, and of nothing else.
    pub n: u64,
    /// Number of repeats pooled.
    pub repeats: usize,
    /// Sum of the wall time of all pauses, in ns.
    pub total_ns: u64,
    /// Time paused, in ns per repeat; 0 for a repeat without a pause.
    pub total_per_repeat_ns: Estimate,
    /// Longest pause in ns, one value per repeat: *longest*; 0 for a repeat without a pause.
    pub longest_ns: Estimate,
    /// The longest pause of all repeats; `None` if there was no pause.
    pub longest: Option<Longest>,
    /// The [`PERCENTILES`] of the pooled pauses.
    pub percentiles: Vec<Percentile>,
    /// For each of the [`TIME_SHARES`]: the pause length up to which that share of the paused *time* is
    /// spent. Not suppressed for small n, because it is a property of the time.
    pub time_weighted: Vec<Percentile>,
    /// The percentile curve up to the last printable q, evenly spaced in `log(1/(1-q))` and ascending
    /// in q; the maximum is [`Self::longest`].
    pub points: Vec<PercentilePoint>,
}

/// The longest pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Longest {
    /// Wall time in ns. Exact if the pause itself was recorded, else the upper bound of its bucket.
    pub wall_ns: u64,
    /// CPU time of the pausing thread in ns, where it was read. A value far below the wall time means
    /// that the scheduler, not the collector, made the pause long.
    pub cpu_ns: Option<u64>,
}

/// A quantile of pauses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentile {
    /// The share, 0 to 1.
    pub q: f64,
    /// Wall time in ns; `None` where n does not support it ([`quantile::printable`]).
    pub wall_ns: Option<u64>,
}

/// A point of the percentile curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PercentilePoint {
    /// The share, 0 to 1. The horizontal axis is `1/(1-q)`, logarithmic.
    pub q: f64,
    /// Wall time in ns.
    pub wall_ns: u64,
}

impl PauseSummary {
    /// Pools the pauses of these samples; `None` if there are no samples.
    pub fn of(samples: &[&Sample]) -> Option<Self> {
        let mut pooled = BTreeMap::new();
        let (mut counts, mut longest_per_repeat) = (Vec::new(), Vec::new());
        for sample in samples {
            let distribution = distribution(sample);
            let longest = distribution.last_key_value().map_or(0, |(&wall_ns, _)| wall_ns);
            longest_per_repeat.push(longest as f64);
            let listed = || distribution.values().sum();
            counts.push(sample.pause_count.unwrap_or_else(listed) as f64);
            for (wall_ns, count) in distribution {
                *pooled.entry(wall_ns).or_insert(0) += count;
            }
        }
        let pooled: Vec<(u64, u64)> = pooled.into_iter().collect();
        let n = pooled.iter().map(|&(_, count)| count).sum();
        let percentile = |q| Percentile {
            q,
            wall_ns: quantile::of_histogram(&pooled, q).filter(|_| quantile::printable(n, q)),
        };
        let time_weighted = |q| Percentile { q, wall_ns: quantile::time_weighted(&pooled, q) };
        Some(Self {
            count: Estimate::of(counts)?,
            n,
            repeats: samples.len(),
            total_ns: samples.iter().map(|s| s.pause_total_ns).sum(),
            total_per_repeat_ns: Estimate::of(
                samples.iter().map(|s| s.pause_total_ns as f64).collect(),
            )?,
            longest_ns: Estimate::of(longest_per_repeat)?,
            longest: longest(samples, &pooled),
            percentiles: PERCENTILES.into_iter().map(percentile).collect(),
            time_weighted: TIME_SHARES.into_iter().map(time_weighted).collect(),
            points: points(&pooled, n),
        })
    }

    /// `103 µs [250 µs, CPU 101 µs]`: the longest pause of a run (median over repeats), in brackets the
    /// longest of all repeats and the CPU time in it; `none` without a pause.
    pub fn longest_text(&self) -> String {
        let Some(longest) = self.longest else { return "none".to_owned() };
        let duration = |ns: u64| format::duration_ns(ns as f64);
        let cpu = longest.cpu_ns.map(|ns| format!(", CPU {}", duration(ns))).unwrap_or_default();
        let median = format::duration_ns(self.longest_ns.median);
        format!("{median} [{}{cpu}]", duration(longest.wall_ns))
    }

    /// The percentile at `q`, if it is one of [`PERCENTILES`] and n supports it; in ns.
    pub fn percentile_ns(&self, q: f64) -> Option<u64> {
        self.percentiles.iter().find(|p| p.q == q)?.wall_ns
    }
}

/// (wall time in ns, count) of every pause of one sample.
fn distribution(sample: &Sample) -> BTreeMap<u64, u64> {
    let mut rest = sample.pause_histogram.clone();
    rest.sort_unstable();
    let mut distribution = BTreeMap::new();
    for pause in &sample.pauses {
        let bucket = rest.partition_point(|&(upper_ns, _)| upper_ns < pause.wall_ns);
        if let Some((_, count)) = rest.get_mut(bucket) {
            *count = count.saturating_sub(1);
        }
        *distribution.entry(pause.wall_ns).or_insert(0) += 1;
    }
    for (upper_ns, count) in rest.into_iter().filter(|&(_, count)| count > 0) {
        *distribution.entry(upper_ns).or_insert(0) += count;
    }
    distribution
}

fn longest(samples: &[&Sample], pooled: &[(u64, u64)]) -> Option<Longest> {
    let &(wall_ns, _) = pooled.last()?;
    let recorded = samples.iter().flat_map(|s| &s.pauses).find(|p| p.wall_ns == wall_ns);
    Some(Longest { wall_ns, cpu_ns: recorded.and_then(|p| p.cpu_ns) })
}

fn points(pooled: &[(u64, u64)], n: u64) -> Vec<PercentilePoint> {
    (0..)
        .map(|step: u32| 1.0 - 10_f64.powf(-f64::from(step) / f64::from(POINTS_PER_DECADE)))
        .take_while(|&q| quantile::printable(n, q))
        .filter_map(|q| Some(PercentilePoint { q, wall_ns: quantile::of_histogram(pooled, q)? }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, pause};
    use record::Pause;

    fn sample(pauses: Vec<Pause>, pause_histogram: Vec<(u64, u64)>) -> Sample {
        let pause_total_ns = pauses.iter().map(|p| p.wall_ns).sum();
        Sample { pauses, pause_histogram, pause_total_ns, ..fixture::sample() }
    }

    #[test]
    fn listed_pauses_replace_their_buckets() {
        let sample = sample(
            vec![pause(0, 990, None), pause(0, 1500, Some(700))],
            vec![(100, 50), (1000, 2), (2000, 1)],
        );
        let expected = BTreeMap::from([(100, 50), (990, 1), (1000, 1), (1500, 1)]);
        assert_eq!(distribution(&sample), expected);
        let summary = PauseSummary::of(&[&sample]).unwrap();
        assert_eq!(summary.n, 53);
        assert_eq!(summary.longest, Some(Longest { wall_ns: 1500, cpu_ns: Some(700) }));
        assert_eq!(summary.longest_ns.values, [1500.0]);
        assert_eq!(summary.total_ns, 2490);
    }

    #[test]
    fn either_source_alone_is_enough() {
        let listed = PauseSummary::of(&[&sample(vec![pause(0, 5, None)], vec![])]).unwrap();
        assert_eq!((listed.n, listed.longest_ns.median), (1, 5.0));
        let counted = PauseSummary::of(&[&sample(vec![], vec![(8, 3)])]).unwrap();
        assert_eq!(counted.n, 3);
        assert_eq!(counted.longest, Some(Longest { wall_ns: 8, cpu_ns: None }));
    }

    #[test]
    fn no_pause_is_known_and_has_no_percentile() {
        let summary = PauseSummary::of(&[&sample(vec![], vec![])]).unwrap();
        assert_eq!((summary.n, summary.longest, summary.longest_ns.median), (0, None, 0.0));
        assert!(summary.percentiles.iter().all(|p| p.wall_ns.is_none()));
        assert!(summary.time_weighted.iter().all(|p| p.wall_ns.is_none()));
        assert!(summary.points.is_empty());
        assert_eq!(PauseSummary::of(&[]), None);
    }

    #[test]
    fn repeats_are_pooled_and_percentiles_cut_where_n_ends() {
        let early = sample(vec![], (1..=500).map(|ns| (ns, 1)).collect());
        let late = sample(vec![], (501..=1000).map(|ns| (ns, 1)).collect());
        let summary = PauseSummary::of(&[&early, &late]).unwrap();
        let printed: Vec<_> = summary.percentiles.iter().map(|p| p.wall_ns).collect();
        assert_eq!(printed, [Some(500), Some(900), Some(990), None, None]);
        assert_eq!(summary.percentile_ns(0.99), Some(990));
        assert_eq!(summary.longest_ns.values, [500.0, 1000.0]);
        assert_eq!(summary.points.len(), 21, "q = 0 to 0.99 in tenths of a decade");
        assert!(summary.points.is_sorted_by(|a, b| a.q < b.q && a.wall_ns <= b.wall_ns));
        assert_eq!(summary.points.last().unwrap().wall_ns, 990);
    }

    #[test]
    fn pauses_and_longest_are_medians_over_repeats() {
        let one = sample(vec![pause(0, 700, None)], vec![]);
        let two = sample(vec![pause(0, 900, Some(300)), pause(1000, 20, None)], vec![]);
        let five = sample(vec![pause(0, 800, None)], vec![(10, 3), (800, 1)]);
        let five = Sample { pause_count: Some(5), ..five };
        let summary = PauseSummary::of(&[&one, &two, &five]).unwrap();
        assert_eq!(summary.count.values, [1.0, 2.0, 5.0]);
        assert_eq!(
            (summary.count.median, summary.n),
            (2.0, 7),
            "one of the five did not fit the record"
        );
        assert_eq!(summary.longest_text(), "800 ns [900 ns, CPU 300 ns]");
        assert_eq!(PauseSummary::of(&[&one]).unwrap().longest_text(), "700 ns [700 ns]");
        assert_eq!(PauseSummary::of(&[&sample(vec![], vec![])]).unwrap().longest_text(), "none");
    }

    #[test]
    fn half_of_the_time_may_lie_in_one_pause() {
        let sample = sample(vec![pause(0, 1_000_000, None)], vec![(1000, 900), (1_048_576, 1)]);
        let summary = PauseSummary::of(&[&sample]).unwrap();
        assert_eq!(summary.percentile_ns(0.9), Some(1000));
        assert_eq!(summary.time_weighted[0].wall_ns, Some(1_000_000));
    }
}
