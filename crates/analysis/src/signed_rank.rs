//! The null distribution of Wilcoxon's signed-rank statistic.
//!
//! `T` is the sum of the ranks 1..n with a plus sign, each sign a fair coin. Its distribution is
//! built by adding one rank at a time (a convolution with a fair coin per rank);
//! beyond [`EXACT_UP_TO`] the normal approximation with mean `n(n+1)/4` and variance
//! `n(n+1)(2n+1)/24` differs by less than one rank.
//!
//! Source: Wilcoxon 1945, *Individual comparisons by ranking methods*; Hollander and Wolfe,
//! *Nonparametric Statistical Methods*, section 3.1.

/// Largest n with an exactly computed distribution: half a million additions.
const EXACT_UP_TO: usize = 100;

/// `P(T = t)` for every `t` from 0 to `n(n+1)/2`.
pub(crate) fn probabilities(n: usize) -> Vec<f64> {
    let mut probability = vec![0.0; n * (n + 1) / 2 + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for rank in 1..=n {
        reached += rank;
        for t in (0..=reached).rev() {
            let with_rank = if t >= rank { probability[t - rank] } else { 0.0 };
            probability[t] = 0.5 * (probability[t] + with_rank);
        }
    }
    probability
}

/// Largest `k` (from 1) with `P(T <= k - 1) <= tail`, and that probability; `None` if even `T = 0`
/// is more probable.
pub(crate) fn lower_critical(n: usize, tail: f64) -> Option<(usize, f64)> {
    if n > EXACT_UP_TO {
        return Some((normal_critical(n, tail), tail));
    }
    let mut best = None;
    let mut below = 0.0;
    for (t, probability) in probabilities(n).into_iter().enumerate() {
        below += probability;
        if below > tail {
            break;
        }
        best = Some((t + 1, below));
    }
    best
}

/// As [`lower_critical`] by the normal approximation, with continuity correction and rounded outwards.
/// Callers use only the tail of [`crate::estimate::CONFIDENCE`], so its normal quantile is a constant.
fn normal_critical(n: usize, tail: f64) -> usize {
    debug_assert!((tail - 0.025).abs() < 1e-9, "the normal quantile below belongs to this tail");
    const NORMAL_QUANTILE_975: f64 = 1.959_963_984_540_054;
    let n = n as f64;
    let mean = n * (n + 1.0) / 4.0;
    let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    (mean - NORMAL_QUANTILE_975 * deviation + 0.5).floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_counting_all_sign_patterns() {
        for n in 1..=12 {
            let mut counts = vec![0_u32; n * (n + 1) / 2 + 1];
            for signs in 0_u32..1 << n {
                let t: usize = (0..n).filter(|i| signs >> i & 1 == 1).map(|i| i + 1).sum();
                counts[t] += 1;
            }
            for (t, p) in probabilities(n).iter().enumerate() {
                let counted = f64::from(counts[t]) / f64::from(1_u32 << n);
                assert!((p - counted).abs() < 1e-14, "n = {n}, t = {t}: {p} {counted}");
            }
        }
    }

    /// Two-sided 5 % critical values from the printed tables: reject if T is at most this.
    #[test]
    fn agrees_with_the_printed_tables() {
        let table =
            [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52), (25, 89)];
        for (n, critical) in table {
            assert_eq!(lower_critical(n, 0.025).map(|(k, _)| k - 1), Some(critical), "n = {n}");
        }
        assert_eq!(lower_critical(5, 0.025), None);
    }

    #[test]
    fn the_normal_approximation_takes_over_smoothly() {
        let (exact, _) = lower_critical(EXACT_UP_TO, 0.025).unwrap();
        let approximate = normal_critical(EXACT_UP_TO, 0.025);
        assert!(exact.abs_diff(approximate) <= 3, "{exact} {approximate}");
    }
}
