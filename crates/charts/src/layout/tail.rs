//! Detects outliers, so that they do not compress the other values of an axis.

/// A value this many times the next smaller one is an outlier.
const FAR: f64 = 3.0;

/// The end of a zero-based axis that keeps the bulk of the peaks distinguishable: the first peak, from
/// the median on, whose successor is more than three times as large; otherwise the largest peak.
pub(crate) fn end_of_axis(peaks: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = peaks.iter().copied().filter(|p| *p > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&largest) = sorted.last() else { return 1.0 };
    let upper_half = &sorted[(sorted.len() - 1) / 2..];
    upper_half.windows(2).find(|pair| pair[1] > FAR * pair[0]).map_or(largest, |pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_outlier_is_cut_off_and_a_near_one_is_not() {
        assert_eq!(end_of_axis(&[10.0, 11.0, 12.0, 300.0]), 12.0);
        assert_eq!(end_of_axis(&[10.0, 11.0, 12.0, 30.0]), 30.0);
    }

    #[test]
    fn at_least_half_stay_on_the_chart() {
        assert_eq!(end_of_axis(&[1.0, 100.0, 101.0, 102.0]), 102.0);
        assert_eq!(end_of_axis(&[1.0, 1.1, 100.0, 101.0]), 1.1);
        assert_eq!(end_of_axis(&[4.0, 4.1, 4.2, 33.0, 400.0]), 4.2);
        assert_eq!(end_of_axis(&[5.0]), 5.0);
        assert_eq!(end_of_axis(&[]), 1.0);
    }
}
