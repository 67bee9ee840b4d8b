//! The median of a few repeats, with a distribution-free interval.
//!
//! The interval is a pair of order statistics: of `n` independent observations the number below the
//! true median is binomial(n, 1/2) for any distribution, so `[x_(k), x_(n+1-k)]` covers the median
//! with probability `1 - 2 P(B <= k-1)`. The result is the narrowest such pair that covers with at
//! least [`CONFIDENCE`], with its true coverage. With fewer than six observations even the smallest
//! and the largest cover less (0.9375 at five), so there is no interval and the raw values are shown
//! instead.
//!
//! Source: Conover, *Practical Nonparametric Statistics*, 3rd ed. 1999, section 3.2; Hollander and
//! Wolfe, *Nonparametric Statistical Methods*, section 3.6.

use serde::Serialize;

/// Least coverage of every interval of this crate.
pub const CONFIDENCE: f64 = 0.95;

/// Fewest observations from which an interval of [`CONFIDENCE`] exists.
pub const MIN_OBSERVATIONS: usize = 6;

/// Repeats of one quantity, in the unit of the quantity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The raw observations in the given order (blocks of the run).
    pub values: Vec<f64>,
    /// Their median: the middle one, or the mean of the two in the middle.
    pub median: f64,
    /// Lower end of the interval of the median; `None` with fewer than [`MIN_OBSERVATIONS`].
    pub low: Option<f64>,
    /// Upper end of the interval; present exactly when `low` is.
    pub high: Option<f64>,
    /// True coverage of the interval, at least [`CONFIDENCE`]; present exactly when `low` is.
    pub coverage: Option<f64>,
}

impl Estimate {
    /// The estimate from these observations; `None` if there are none or one is not finite.
    pub fn of(values: Vec<f64>) -> Option<Self> {
        if values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let median = median_of_sorted(&sorted)?;
        let interval = narrowest_rank(sorted.len());
        let low = interval.map(|(k, _)| sorted[k - 1]);
        let high = interval.map(|(k, _)| sorted[sorted.len() - k]);
        let coverage = interval.map(|(_, coverage)| coverage);
        Some(Self { values, median, low, high, coverage })
    }

    /// The estimate from one finite value.
    pub fn one(value: f64) -> Self {
        Self { values: vec![value], median: value, low: None, high: None, coverage: None }
    }

    /// Number of observations.
    pub fn n(&self) -> usize {
        self.values.len()
    }

    /// Both ends of the interval, if there is one.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high)
    }

    /// Whether two or more observations are all equal: then the quantity is deterministic, and any
    /// difference from another deterministic one is significant.
    pub fn is_exact(&self) -> bool {
        self.n() >= 2 && self.values.iter().all(|v| *v == self.values[0])
    }
}

/// Median of an ascending slice: the middle value, or the mean of the two in the middle.
pub(crate) fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(lower + (upper - lower) / 2.0)
}

/// Largest rank `k` (from 1) whose pair of order statistics covers the median of `n` observations
/// with at least [`CONFIDENCE`], and that coverage.
fn narrowest_rank(n: usize) -> Option<(usize, f64)> {
    let mut best = None;
    // In logarithms, because 2^-n underflows at realistic n.
    let mut ln_probability = -(n as f64) * std::f64::consts::LN_2;
    let mut below = 0.0;
    for k in 1..=n / 2 {
        below += ln_probability.exp();
        let coverage = 1.0 - 2.0 * below;
        if coverage < CONFIDENCE {
            break;
        }
        best = Some((k, coverage));
        ln_probability += ((n - k + 1) as f64 / k as f64).ln();
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f64], median: f64, interval: Option<(f64, f64)>) {
        let estimate = Estimate::of(values.to_vec()).unwrap();
        assert_eq!(estimate.median, median, "{values:?}");
        assert_eq!(estimate.interval(), interval, "{values:?}");
        assert_eq!(estimate.values, values);
    }

    #[test]
    fn medians_of_odd_and_even_samples() {
        check(&[3.0], 3.0, None);
        check(&[4.0, 1.0], 2.5, None);
        check(&[9.0, 1.0, 2.0], 2.0, None);
        check(&[5.0, 4.0, 3.0, 2.0, 1.0], 3.0, None);
        check(&[6.0, 1.0, 5.0, 2.0, 4.0, 3.0], 3.5, Some((1.0, 6.0)));
    }

    #[test]
    fn empty_and_non_finite_observations_have_no_estimate() {
        assert_eq!(Estimate::of(vec![]), None);
        assert_eq!(Estimate::of(vec![1.0, f64::NAN]), None);
        assert_eq!(Estimate::of(vec![f64::INFINITY]), None);
    }

    /// Ranks printed in tables of the sign test (Conover 1999, table A3): n, k.
    #[test]
    fn ranks_agree_with_the_tables() {
        for (n, k) in [(6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (15, 4), (20, 6), (25, 8)] {
            assert_eq!(narrowest_rank(n).map(|(k, _)| k), Some(k), "n = {n}");
        }
        assert_eq!(narrowest_rank(5), None);
        let (_, coverage) = narrowest_rank(6).unwrap();
        assert!((coverage - 62.0 / 64.0).abs() < 1e-12);
        let (_, coverage) = narrowest_rank(10).unwrap();
        assert!((coverage - (1.0 - 22.0 / 1024.0)).abs() < 1e-12);
    }

    #[test]
    fn large_samples_do_not_underflow() {
        let (k, coverage) = narrowest_rank(4000).unwrap();
        // Normal approximation: k near n/2 - 0.98 sqrt(n).
        assert!((1935..=1940).contains(&k), "{k}");
        assert!((CONFIDENCE..0.953).contains(&coverage), "{coverage}");
    }

    #[test]
    fn exact_means_several_and_equal() {
        assert!(Estimate::of(vec![7.0, 7.0]).unwrap().is_exact());
        assert!(!Estimate::of(vec![7.0]).unwrap().is_exact());
        assert!(!Estimate::of(vec![7.0, 8.0]).unwrap().is_exact());
    }

    /// The stated coverage is the true one: counted over all 2^n ways in which n observations can
    /// fall below or above the median.
    #[test]
    fn coverage_equals_that_by_enumeration() {
        for n in MIN_OBSERVATIONS..=14 {
            let (k, coverage) = narrowest_rank(n).unwrap();
            let covered = (0_u32..1 << n)
                .filter(|below| (k..=n - k).contains(&(below.count_ones() as usize)))
                .count();
            let counted = covered as f64 / f64::from(1_u32 << n);
            assert!((coverage - counted).abs() < 1e-12, "n = {n}: {coverage} {counted}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_median_and_lies_within_the_values(
            values in prop::collection::vec(-1e12..1e12f64, 1..60)
        ) {
            let n = values.len();
            let estimate = Estimate::of(values).unwrap();
            prop_assert_eq!(estimate.interval().is_some(), n >= MIN_OBSERVATIONS);
            let smallest = estimate.values.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = estimate.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (low, high) = estimate.interval().unwrap_or((smallest, largest));
            prop_assert!(smallest <= low && low <= estimate.median);
            prop_assert!(estimate.median <= high && high <= largest);
        }
    }
}
