//! The ratio of two sides measured in pairs, with a distribution-free interval.
//!
//! A block of a run measures both sides close in time, so a disturbance of the machine affects both;
//! the logarithm of a block's ratio `ln(a/b)` is one observation.
//!
//! 1. Form the mean of every pair of observations, each with itself included (Walsh averages).
//! 2. Their median is the Hodges-Lehmann estimate; its exponential is the ratio.
//! 3. Wilcoxon's signed-rank test, turned around, rejects exactly the shifts outside the k-th
//!    smallest and the k-th largest average: they are the ends of the interval.
//!
//! Zero differences and ties need no special treatment: they only raise the coverage. With fewer than
//! six pairs the test cannot reject at 5 %, so there is no interval.
//!
//! Source: Hodges and Lehmann 1963, *Estimates of location based on rank tests*; Hollander and
//! Wolfe, *Nonparametric Statistical Methods*, sections 3.2 and 3.3.

use crate::estimate::{CONFIDENCE, median_of_sorted};
use crate::signed_rank;
use serde::Serialize;

/// Side `a` over side `b`: 0.8 means that `a` takes a fifth less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Exponential of the Hodges-Lehmann estimate of `ln(a/b)`.
    pub estimate: f64,
    /// Lower end of the interval; `None` with fewer than six pairs.
    pub low: Option<f64>,
    /// Upper end of the interval; present exactly when `low` is.
    pub high: Option<f64>,
    /// Coverage of the interval, at least [`CONFIDENCE`]; present exactly when `low` is. Ties only raise
    /// it.
    pub coverage: Option<f64>,
    /// Number of pairs.
    pub n: usize,
}

impl Ratio {
    /// Both ends of the interval, if there is one.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Half the width of the interval, as a share of the ratio: 0.05 for 5 %.
    pub fn half_width(&self) -> Option<f64> {
        self.interval().map(|(low, high)| (high / low).sqrt() - 1.0)
    }

    /// Whether the interval excludes 1, so that the sides differ; `None` without an interval.
    pub fn differs(&self) -> Option<bool> {
        self.interval().map(|(low, high)| low > 1.0 || high < 1.0)
    }
}

/// The ratio of `a` to `b`, whose i-th values were measured in the same block.
///
/// `None` if there are no pairs, the sides differ in length, or a value is not a positive number.
pub fn ratio(a: &[f64], b: &[f64]) -> Option<Ratio> {
    let usable = |v: &f64| v.is_finite() && *v > 0.0;
    if a.len() != b.len() || !a.iter().all(usable) || !b.iter().all(usable) {
        return None;
    }
    let logs: Vec<f64> = a.iter().zip(b).map(|(a, b)| a.ln() - b.ln()).collect();
    ratio_of_logs(&logs)
}

/// The ratio of which these are the logarithms, one per block; `None` without any.
pub fn ratio_of_logs(logs: &[f64]) -> Option<Ratio> {
    ratio_at(logs, CONFIDENCE)
}

/// The same with an interval that covers with at least `level`; `None` without any block. There is no
/// interval if even all blocks cover with less.
pub fn ratio_at(logs: &[f64], level: f64) -> Option<Ratio> {
    let averages = walsh_averages(logs);
    let estimate = median_of_sorted(&averages)?.exp();
    let critical = signed_rank::lower_critical(logs.len(), (1.0 - level) / 2.0);
    let low = critical.map(|(k, _)| averages[k - 1].exp());
    let high = critical.map(|(k, _)| averages[averages.len() - k].exp());
    let coverage = critical.map(|(_, below)| 1.0 - 2.0 * below);
    Some(Ratio { estimate, low, high, coverage, n: logs.len() })
}

/// Means of all pairs, each value paired with itself too, ascending.
fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let mut averages: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(i, x)| values[i..].iter().map(move |y| (x + y) / 2.0))
        .collect();
    averages.sort_by(f64::total_cmp);
    averages
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-9 * left.abs().max(right.abs())
    }

    /// Hollander and Wolfe's table 3.1 (depression scale before and after a tranquilliser), given
    /// in the book as estimate -0.46 and a 96.1 % interval of -0.786 to -0.010 for the shift.
    #[test]
    fn reproduces_the_textbook_example() {
        let before = [1830, 500, 1620, 2480, 1680, 1880, 1550, 3060, 1300];
        let after = [878, 647, 598, 2050, 1060, 1290, 1060, 3140, 1290];
        let exp = |thousandths: i32| (f64::from(thousandths) / 1000.0).exp();
        let ratio = ratio(&after.map(exp), &before.map(exp)).unwrap();
        assert!((ratio.estimate.ln() - -0.46).abs() < 1e-9, "{ratio:?}");
        let (low, high) = ratio.interval().unwrap();
        assert!((low.ln() - -0.786).abs() < 6e-4, "{low}");
        assert!((high.ln() - -0.010).abs() < 6e-4, "{high}");
        assert!((ratio.coverage.unwrap() - 0.961).abs() < 5e-4, "{ratio:?}");
        assert_eq!(ratio.n, 9);
        assert_eq!(ratio.differs(), Some(true));
    }

    #[test]
    fn no_interval_below_six_pairs() {
        let five = ratio(&[2.0; 5], &[1.0; 5]).unwrap();
        assert!(close(five.estimate, 2.0));
        assert_eq!((five.low, five.high, five.coverage, five.n), (None, None, None, 5));
        assert_eq!(five.differs(), None);
        assert!(ratio(&[2.0; 6], &[1.0; 6]).unwrap().interval().is_some());
    }

    #[test]
    fn unequal_lengths_and_non_positive_values_have_no_ratio() {
        assert_eq!(ratio(&[], &[]), None);
        assert_eq!(ratio(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(ratio(&[1.0, 0.0], &[1.0, 1.0]), None);
        assert_eq!(ratio(&[1.0, 1.0], &[1.0, f64::NAN]), None);
        assert_eq!(ratio(&[-1.0], &[1.0]), None);
    }

    /// Two-sided exact p-value of the signed-rank test of shift 0, by enumerating all signs.
    fn p_value(differences: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..differences.len()).collect();
        order.sort_by(|&i, &j| differences[i].abs().total_cmp(&differences[j].abs()));
        let rank_sum = |positive: &dyn Fn(usize) -> bool| -> usize {
            order.iter().enumerate().filter(|&(_, &i)| positive(i)).map(|(r, _)| r + 1).sum()
        };
        let seen = rank_sum(&|i| differences[i] > 0.0);
        let largest = differences.len() * (differences.len() + 1) / 2;
        let extreme = seen.min(largest - seen);
        let patterns = 1_u32 << differences.len();
        let as_extreme =
            (0..patterns).filter(|signs| rank_sum(&|i| signs >> i & 1 == 1) <= extreme).count();
        2.0 * as_extreme as f64 / f64::from(patterns)
    }

    fn pairs(range: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
        prop::collection::vec((1e-3..1e6f64, 1e-3..1e6f64), range)
            .prop_map(|pairs| pairs.into_iter().unzip())
    }

    proptest! {
        #[test]
        fn swapping_the_sides_inverts_the_ratio((a, b) in pairs(1..30)) {
            let (forth, back) = (ratio(&a, &b).unwrap(), ratio(&b, &a).unwrap());
            prop_assert!(close(forth.estimate, 1.0 / back.estimate));
            if let (Some((low, high)), Some((back_low, back_high))) =
                (forth.interval(), back.interval())
            {
                prop_assert!(close(low, 1.0 / back_high) && close(high, 1.0 / back_low));
            }
        }

        #[test]
        fn scaling_a_side_scales_the_ratio((a, b) in pairs(1..30), factor in 1e-3..1e3f64) {
            let scaled: Vec<f64> = a.iter().map(|v| v * factor).collect();
            let (plain, scaled) = (ratio(&a, &b).unwrap(), ratio(&scaled, &b).unwrap());
            prop_assert!(close(plain.estimate * factor, scaled.estimate));
            if let (Some((low, high)), Some((l, h))) = (plain.interval(), scaled.interval()) {
                prop_assert!(close(low * factor, l) && close(high * factor, h));
            }
        }

        #[test]
        fn the_interval_contains_the_estimate((a, b) in pairs(6..130)) {
            let ratio = ratio(&a, &b).unwrap();
            let (low, high) = ratio.interval().unwrap();
            prop_assert!(low <= ratio.estimate && ratio.estimate <= high);
            prop_assert!(ratio.coverage.unwrap() >= CONFIDENCE - 1e-12);
        }

        /// A ratio is inside the interval exactly when the test does not reject it at 5 %.
        #[test]
        fn the_interval_inverts_the_test((a, b) in pairs(6..11), position in 0.0..1.0f64) {
            let result = ratio(&a, &b).unwrap();
            let (low, high) = result.interval().unwrap();
            let (low, high) = (low.ln(), high.ln());
            let shift = low + (high - low) * (position * 2.0 - 0.5);
            // At the ends of the interval rounding decides; the claim excludes them.
            prop_assume!((shift - low).abs() > 1e-9 && (shift - high).abs() > 1e-9);
            let shifted: Vec<f64> =
                a.iter().zip(&b).map(|(a, b)| a.ln() - b.ln() - shift).collect();
            let inside = low < shift && shift < high;
            prop_assert_eq!(inside, p_value(&shifted) > 0.05);
        }
    }
}
