//! The geometric mean of a collector's ratios over workloads, with its interval.
//!
//! 1. The logarithm of a workload's ratio is the mean over its blocks; the workloads have equal weights,
//!    whatever their number of blocks.
//! 2. The workloads are fixed: the interval is about these programs, not about programs in general. Its
//!    error is that of the blocks.
//! 3. Whole blocks are drawn again, with replacement, in each workload; the studentised deviation of the
//!    mean in 2,000 draws gives the interval (bootstrap-t; Efron and Tibshirani, *An Introduction to the
//!    Bootstrap*, 1993, section 12.5). Percentiles of the mean itself would be too narrow at ten blocks.
//! 4. Beside it stand the smallest and the largest mean without one of the workloads: the weight of a
//!    single program.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::Serialize;

/// Draws of the bootstrap.
const DRAWS: usize = 2000;
/// Share of intervals that miss: of one alone.
pub const ALPHA: f64 = 0.05;
/// Fewest blocks of a workload for an interval.
const MIN_BLOCKS: usize = 6;

/// The geometric mean of ratios.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GeometricMean {
    /// The mean.
    pub ratio: f64,
    /// Ends of the interval; `None` if a workload has too few blocks.
    pub interval: Option<(f64, f64)>,
    /// Smallest and largest mean without one of the workloads; `None` for a single workload.
    pub without_one: Option<(f64, f64)>,
    /// Number of workloads.
    pub workloads: usize,
}

impl GeometricMean {
    /// Whether it differs from 1 by more than the margin, and its interval excludes 1. Another session moves a
    /// mean by more than its interval, which is about this one; the margin leaves room for that.
    pub fn is_decided(&self, margin: f64) -> bool {
        let excludes = self.interval.is_some_and(|(low, high)| low > 1.0 || high < 1.0);
        excludes && self.ratio.ln().abs() > margin.ln_1p()
    }
}

/// The geometric mean over workloads, each with its log ratios by block; `None` without workloads, or if one
/// has no block. The interval misses with probability `alpha`; `seed` determines the draws.
pub fn geometric_mean(workloads: &[Vec<f64>], alpha: f64, seed: u64) -> Option<GeometricMean> {
    if workloads.is_empty() || workloads.iter().any(Vec::is_empty) {
        return None;
    }
    let means: Vec<f64> = workloads.iter().map(|logs| mean(logs)).collect();
    let all = mean(&means);
    let without = |place: usize| {
        let others = means.iter().enumerate().filter(|&(other, _)| other != place);
        mean(&others.map(|(_, mean)| *mean).collect::<Vec<_>>()).exp()
    };
    let several = means.len() > 1;
    let without_one = several.then(|| {
        let means = (0..means.len()).map(without);
        means.fold((f64::INFINITY, 0.0), |(low, high), mean| (mean.min(low), mean.max(high)))
    });
    let enough = workloads.iter().all(|logs| logs.len() >= MIN_BLOCKS);
    let interval = if enough { interval(workloads, all, alpha, seed) } else { None };
    Some(GeometricMean { ratio: all.exp(), interval, without_one, workloads: means.len() })
}

/// The interval; `None` if the blocks do not vary.
fn interval(workloads: &[Vec<f64>], all: f64, alpha: f64, seed: u64) -> Option<(f64, f64)> {
    let error = error_of_mean(workloads);
    let centre = |logs: &Vec<f64>| -> Vec<f64> {
        let mean = mean(logs);
        logs.iter().map(|log| log - mean).collect()
    };
    let centred: Vec<Vec<f64>> = workloads.iter().map(centre).collect();
    let mut rng = Pcg64::seed_from_u64(seed);
    let mut deviations: Vec<f64> = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let (mut shift, mut variance) = (0.0, 0.0);
        for logs in &centred {
            let n = logs.len() as f64;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..logs.len() {
                let log = logs[rng.random_range(0..logs.len())];
                (sum, squares) = (sum + log, squares + log * log);
            }
            shift += sum / n;
            variance += (squares - sum * sum / n) / (n - 1.0) / n;
        }
        // The number of workloads cancels.
        let deviation = shift / variance.sqrt();
        // A draw of one block only, over and over, has no error.
        if deviation.is_finite() {
            deviations.push(deviation);
        }
    }
    deviations.sort_by(f64::total_cmp);
    if error == 0.0 || deviations.is_empty() {
        return None;
    }
    let outside = (deviations.len() as f64 * alpha / 2.0) as usize;
    let (low, high) = (deviations[outside], deviations[deviations.len() - 1 - outside]);
    Some(((all - high * error).exp(), (all - low * error).exp()))
}

/// Standard error of the mean of the workloads' means.
fn error_of_mean(workloads: &[Vec<f64>]) -> f64 {
    let variance_of_mean = |logs: &Vec<f64>| {
        let (n, centre) = (logs.len() as f64, mean(logs));
        logs.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / (n - 1.0) / n
    };
    workloads.iter().map(variance_of_mean).sum::<f64>().sqrt() / workloads.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_two_and_eight_is_four() {
        let logs = |ratio: f64, n| vec![f64::ln(ratio); n];
        let mean = geometric_mean(&[logs(2.0, 3), logs(8.0, 30)], ALPHA, 1).unwrap();
        assert!((mean.ratio - 4.0).abs() < 1e-12, "workloads weigh alike");
        let (low, high) = mean.without_one.unwrap();
        assert!((low - 2.0).abs() < 1e-12 && (high - 8.0).abs() < 1e-12);
        assert_eq!((mean.interval, mean.workloads), (None, 2), "too few blocks");
    }

    #[test]
    fn a_mean_is_decided_beyond_the_margin_and_its_interval() {
        let of = |ratio, low, high| GeometricMean {
            ratio,
            interval: Some((low, high)),
            without_one: None,
            workloads: 5,
        };
        assert!(of(0.9, 0.8, 0.99).is_decided(0.05) && of(1.1, 1.01, 1.2).is_decided(0.05));
        assert!(!of(0.97, 0.96, 0.98).is_decided(0.05) && !of(0.9, 0.8, 1.01).is_decided(0.05));
        assert!(!GeometricMean { interval: None, ..of(0.5, 0.4, 0.6) }.is_decided(0.05));
    }

    #[test]
    fn one_workload_has_no_range_and_none_has_no_mean() {
        assert_eq!(geometric_mean(&[vec![0.1; 6]], ALPHA, 1).unwrap().without_one, None);
        assert_eq!(geometric_mean(&[], ALPHA, 1), None);
        assert_eq!(geometric_mean(&[vec![0.1], vec![]], ALPHA, 1), None);
    }

    /// Of one workload the interval is about Student's: of -2, -1, 0, 1, 2 twice it is the mean plus or
    /// minus 2.26 standard errors.
    #[test]
    fn the_interval_is_near_that_of_student() {
        let logs: Vec<f64> = [-2.0, -1.0, 0.0, 1.0, 2.0].repeat(2);
        let error = (20.0_f64 / 9.0 / 10.0).sqrt();
        let (low, high) = geometric_mean(&[logs], ALPHA, 7).unwrap().interval.unwrap();
        for end in [-low.ln(), high.ln()] {
            assert!((end / error - 2.26).abs() < 0.35, "{end}");
        }
    }

    #[test]
    fn the_interval_of_the_reciprocal_is_the_reciprocal_interval() {
        let logs = [0.1, 0.2, 0.35, 0.0, 0.4, 0.1, 0.7];
        let (low, high) = geometric_mean(&[logs.to_vec()], ALPHA, 3).unwrap().interval.unwrap();
        let turned =
            geometric_mean(&[logs.map(|x: f64| -x).to_vec()], ALPHA, 3).unwrap().interval.unwrap();
        assert!((low * turned.1 - 1.0).abs() < 1e-12 && (high * turned.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_seed_gives_the_same_interval_again() {
        let workloads = [vec![0.1, 0.2, 0.3, 0.0, 0.4, 0.1], vec![0.5, 0.4, 0.6, 0.5, 0.3, 0.7]];
        assert_eq!(geometric_mean(&workloads, ALPHA, 3), geometric_mean(&workloads, ALPHA, 3));
    }
}
