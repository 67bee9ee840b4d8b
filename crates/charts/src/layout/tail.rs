//! Outliers: seen and named, but not allowed to flatten the rest.

/// A value this many times the next smaller one is an outlier.
const FAR: f64 = 3.0;

/// Where a zero-based axis should end so that the bulk of the peaks can be told apart. Peaks above
/// the end lie off the chart, which must say so with their values.
///
/// The axis is cut at the widest gap between neighbouring peaks, if that is more than threefold
/// and leaves at least half of them on the chart; otherwise it holds them all.
pub(crate) fn end_of_axis(peaks: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = peaks.iter().copied().filter(|p| *p > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&largest) = sorted.last() else { return 1.0 };
    let keep = sorted.len().div_ceil(2);
    let widest = (keep..sorted.len())
        .map(|above| (sorted[above] / sorted[above - 1], sorted[above - 1]))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match widest {
        Some((gap, below)) if gap > FAR => below,
        _ => largest,
    }
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
        assert_eq!(end_of_axis(&[5.0]), 5.0);
        assert_eq!(end_of_axis(&[]), 1.0);
    }
}
