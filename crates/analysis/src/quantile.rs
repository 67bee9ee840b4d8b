//! Quantiles that are observations, without interpolation.
//!
//! The q-quantile of n observations is the smallest of them that at least `ceil(q n)` do not
//! exceed (the inverse of the empirical distribution function, type 1 of Hyndman and Fan 1996,
//! *Sample quantiles in statistical packages*; also the definition of HdrHistogram). A quantile that
//! fewer than ten observations exceed estimates the distribution badly and is not printed: see
//! [`printable`].

/// Observations that must lie beyond a quantile for it to be printed.
const BEYOND: f64 = 10.0;

/// Whether n observations support the q-quantile: at least ten of them are expected beyond it.
pub fn printable(n: u64, q: f64) -> bool {
    // 100 * (1 - 0.9) is slightly less than 10 in binary; the tolerance is far below one observation.
    n as f64 * (1.0 - q) >= BEYOND * (1.0 - 1e-9)
}

/// The q-quantile of a histogram of (value, count) with ascending values; `None` if it is empty.
///
/// # Panics
/// If `q` is not between 0 and 1.
pub fn of_histogram(ascending: &[(u64, u64)], q: f64) -> Option<u64> {
    let rank = rank(ascending.iter().map(|&(_, count)| count).sum(), q);
    let mut seen = 0;
    ascending.iter().find_map(|&(value, count)| {
        seen += count;
        (seen >= rank).then_some(value)
    })
}

/// The time-weighted q-quantile of a histogram of (duration, count) with ascending durations: the
/// smallest duration such that at least `q` of the total time is spent in durations up to it.
/// `None` if the total time is 0.
///
/// Unlike a quantile of counts it cannot be improved by adding many tiny durations.
///
/// # Panics
/// If `q` is not between 0 and 1.
pub fn time_weighted(ascending: &[(u64, u64)], q: f64) -> Option<u64> {
    assert!((0.0..=1.0).contains(&q), "a quantile lies between 0 and 1, not at {q}");
    let time = |&(duration, count): &(u64, u64)| u128::from(duration) * u128::from(count);
    let total: u128 = ascending.iter().map(time).sum();
    let wanted = ceil_of_share(q, total as f64);
    let mut seen = 0;
    ascending.iter().filter(|entry| time(entry) > 0).find_map(|entry| {
        seen += time(entry);
        (seen as f64 >= wanted).then_some(entry.0)
    })
}

/// Rank of the q-quantile of n observations, from 1.
fn rank(n: u64, q: f64) -> u64 {
    assert!((0.0..=1.0).contains(&q), "a quantile lies between 0 and 1, not at {q}");
    (ceil_of_share(q, n as f64) as u64).max(1)
}

/// `ceil(q n)`, tolerant of the rounding error of the product: 0.07 * 100 is 7, not 8.
fn ceil_of_share(q: f64, n: f64) -> f64 {
    (q * n * (1.0 - 4.0 * f64::EPSILON)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_observations() {
        let values: Vec<(u64, u64)> = (1..=100).map(|value| (value, 1)).collect();
        for (q, expected) in [(0.0, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.9, 90), (1.0, 100)] {
            assert_eq!(of_histogram(&values, q), Some(expected), "q = {q}");
        }
        assert_eq!(of_histogram(&[(3, 1), (5, 1)], 0.5), Some(3));
        assert_eq!(of_histogram(&[], 0.5), None);
    }

    #[test]
    fn printable_needs_ten_beyond() {
        for (q, n) in [(0.5, 20), (0.9, 100), (0.99, 1000), (0.999, 10_000), (0.9999, 100_000)] {
            assert!(printable(n, q), "{n} observations support {q}");
            assert!(!printable(n - 1, q), "{} observations do not support {q}", n - 1);
        }
    }

    #[test]
    fn many_tiny_durations_do_not_dilute_the_time_weighted_quantile() {
        let histogram = [(1, 1_000_000), (1_000_000, 9)];
        assert_eq!(of_histogram(&histogram, 0.9999), Some(1));
        assert_eq!(time_weighted(&histogram, 0.5), Some(1_000_000));
        assert_eq!(time_weighted(&histogram, 0.1), Some(1));
        assert_eq!(time_weighted(&histogram, 0.100_001), Some(1_000_000));
        assert_eq!(time_weighted(&[(0, 7)], 0.5), None);
    }

    proptest! {
        /// The definition itself, by counting.
        #[test]
        fn is_the_smallest_with_enough_at_or_below(
            mut values in prop::collection::vec(0_u64..50, 1..200), percent in 0_u64..=100
        ) {
            values.sort_unstable();
            let q = percent as f64 / 100.0;
            let enough = (percent * values.len() as u64).div_ceil(100) as usize;
            let at_or_below = |x: u64| values.iter().filter(|&&v| v <= x).count();
            let expected = *values.iter().find(|&&x| at_or_below(x) >= enough).unwrap();
            let histogram: Vec<(u64, u64)> = values.iter().map(|&v| (v, 1)).collect();
            prop_assert_eq!(of_histogram(&histogram, q), Some(expected));
        }
    }
}
