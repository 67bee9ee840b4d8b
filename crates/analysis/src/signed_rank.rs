//! Wilcoxon's signed-rank test.
//!
//! `T` is the sum of the ranks, by size, of the differences with a plus sign. If their distribution is
//! symmetric about 0, each sign is a fair coin, so the distribution of `T` is built by adding one rank at a
//! time (a convolution with a fair coin per rank). Equal sizes share the mean of their ranks, and the
//! distribution is built from these; a difference of 0 has no sign and is left out. Beyond 100 differences
//! the normal approximation is used, which differs by less than one rank.
//!
//! Source: Wilcoxon 1945, *Individual comparisons by ranking methods*; Hollander and Wolfe,
//! *Nonparametric Statistical Methods*, section 3.1, with ties as in its comment 3.8.

/// Largest n with an exactly computed distribution: half a million additions.
const EXACT_UP_TO: usize = 100;

/// P-values of a test that differences are symmetric about 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValues {
    /// Against a shift to either side.
    pub two_sided: f64,
    /// Against a shift below 0.
    pub below: f64,
    /// Against a shift above 0.
    pub above: f64,
}

/// Tests whether `differences` are symmetric about `shift`; all p-values are 1 without a difference.
pub fn test(differences: &[f64], shift: f64) -> PValues {
    let mut shifted: Vec<f64> = differences.iter().map(|d| d - shift).collect();
    shifted.retain(|d| *d != 0.0);
    shifted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the ranks are whole numbers, also where ranks are shared.
    let mut ranks = Vec::with_capacity(shifted.len());
    for equal in shifted.chunk_by(|a, b| a.abs() == b.abs()) {
        let before = ranks.len();
        ranks.extend(std::iter::repeat_n(2 * before + equal.len() + 1, equal.len()));
    }
    let plus = |sign: f64| -> usize {
        let signed = shifted.iter().zip(&ranks).filter(|(d, _)| d.signum() == sign);
        signed.map(|(_, rank)| rank).sum()
    };
    let (below, above) = (at_most(&ranks, plus(1.0)), at_most(&ranks, plus(-1.0)));
    PValues { two_sided: (2.0 * below.min(above)).min(1.0), below, above }
}

/// `P(T <= t)` of the sum of these ranks, each counted or not by a fair coin.
fn at_most(ranks: &[usize], t: usize) -> f64 {
    if ranks.len() <= EXACT_UP_TO {
        return sums(ranks).into_iter().take(t + 1).sum::<f64>().min(1.0);
    }
    let mean = ranks.iter().sum::<usize>() as f64 / 2.0;
    let deviation = (ranks.iter().map(|rank| (rank * rank) as f64).sum::<f64>() / 4.0).sqrt();
    // Half the step between two sums of doubled ranks.
    normal_below((t as f64 + 1.0 - mean) / deviation)
}

/// The probability of every sum of ranks.
fn sums(ranks: &[usize]) -> Vec<f64> {
    let mut probability = vec![0.0; ranks.iter().sum::<usize>() + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for t in (0..=reached).rev() {
            let with_rank = if t >= rank { probability[t - rank] } else { 0.0 };
            probability[t] = 0.5 * (probability[t] + with_rank);
        }
    }
    probability
}

/// Smallest two-sided p-value of `n` differences: all have one sign.
pub(crate) fn smallest_p_value(n: usize) -> f64 {
    (2.0 * 0.5_f64.powi(n as i32)).min(1.0)
}

/// Largest `k` (from 1) with `P(T <= k - 1) <= tail` for n differences without ties, and that probability;
/// `None` if even `T = 0` is more probable.
pub(crate) fn lower_critical(n: usize, tail: f64) -> Option<(usize, f64)> {
    if n > EXACT_UP_TO {
        return Some((normal_critical(n, tail), tail));
    }
    let mut best = None;
    let mut below = 0.0;
    for (t, probability) in sums(&(1..=n).collect::<Vec<_>>()).into_iter().enumerate() {
        below += probability;
        if below > tail {
            break;
        }
        best = Some((t + 1, below));
    }
    best
}

/// As [`lower_critical`] by the normal approximation, with continuity correction and rounded outwards.
fn normal_critical(n: usize, tail: f64) -> usize {
    let n = n as f64;
    let mean = n * (n + 1.0) / 4.0;
    let deviation = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    (mean - normal_quantile(1.0 - tail) * deviation + 0.5).floor() as usize
}

/// Probability that a standard normal variable is below `x`.
fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// The `x` below which a standard normal variable is with this probability: by bisection.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < probability { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two-sided p-value by enumerating all signs of these ranks.
    fn by_enumeration(differences: &[f64]) -> f64 {
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let rank = |size: f64| {
            let less = sizes.iter().filter(|s| **s < size).count() as f64;
            let equal = sizes.iter().filter(|s| **s == size).count() as f64;
            less + (equal + 1.0) / 2.0
        };
        let sum = |positive: &dyn Fn(usize) -> bool| -> f64 {
            (0..sizes.len()).filter(|&i| positive(i)).map(|i| rank(sizes[i])).sum()
        };
        let all = sum(&|_| true);
        let seen = sum(&|i| differences[i] > 0.0);
        let extreme = seen.min(all - seen);
        let patterns = 1_u32 << sizes.len();
        let hits = (0..patterns).filter(|signs| sum(&|i| signs >> i & 1 == 1) <= extreme).count();
        (2.0 * hits as f64 / f64::from(patterns)).min(1.0)
    }

    #[test]
    fn the_distribution_is_that_of_all_sign_patterns() {
        for n in 1..=12 {
            let mut counts = vec![0_u32; n * (n + 1) / 2 + 1];
            for signs in 0_u32..1 << n {
                let t: usize = (0..n).filter(|i| signs >> i & 1 == 1).map(|i| i + 1).sum();
                counts[t] += 1;
            }
            for (t, p) in sums(&(1..=n).collect::<Vec<_>>()).iter().enumerate() {
                let counted = f64::from(counts[t]) / f64::from(1_u32 << n);
                assert!((p - counted).abs() < 1e-15, "n {n}, t {t}");
            }
        }
    }

    /// Tables of critical values (Hollander and Wolfe, table A.4): P(T <= 8) = 0.024 at n = 10, P(T <= 3) =
    /// 0.020 at n = 8.
    #[test]
    fn critical_values_agree_with_the_tables() {
        let (k, below) = lower_critical(10, 0.025).unwrap();
        assert_eq!((k, (below * 1000.0).round()), (9, 24.0));
        let (k, below) = lower_critical(8, 0.025).unwrap();
        assert_eq!((k, (below * 1000.0).round()), (4, 20.0));
        assert_eq!(lower_critical(5, 0.025), None);
    }

    #[test]
    fn the_approximation_joins_the_exact_distribution() {
        let (exact, _) = lower_critical(100, 0.025).unwrap();
        assert!(normal_critical(100, 0.025).abs_diff(exact) <= 1);
        let (exact, _) = lower_critical(100, 0.0005).unwrap();
        assert!(normal_critical(100, 0.0005).abs_diff(exact) <= 12, "{exact}");
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        // A hundred and one differences, seven in ten above 0.
        let differences: Vec<f64> =
            (1..=101).map(|i| if i % 10 < 3 { -f64::from(i) } else { f64::from(i) }).collect();
        let (all, fewer) = (test(&differences, 0.0), test(&differences[..100], 0.0));
        assert!(all.two_sided < 0.01 && all.two_sided > fewer.two_sided / 3.0);
    }

    #[test]
    fn differences_of_zero_have_no_sign() {
        assert_eq!(test(&[0.0; 5], 0.0).two_sided, 1.0);
        let with = test(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0);
        assert_eq!(with, test(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0));
        assert_eq!((with.two_sided, with.above), (1.0 / 32.0, 1.0 / 64.0));
        assert_eq!(with.below, 1.0);
    }

    proptest! {
        #[test]
        fn p_values_count_the_sign_patterns(
            differences in prop::collection::vec(prop_oneof![-4..=-1, 1..=4], 1..11),
        ) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let p = test(&differences, 0.0);
            prop_assert!((p.two_sided - by_enumeration(&differences)).abs() < 1e-12);
            let turned: Vec<f64> = differences.iter().map(|d| -d).collect();
            let turned = test(&turned, 0.0);
            prop_assert!((p.above - turned.below).abs() < 1e-12);
        }

        #[test]
        fn a_shift_moves_the_question(
            differences in prop::collection::vec(-1.0..1.0f64, 6..20), shift in -1.0..1.0f64,
        ) {
            let moved: Vec<f64> = differences.iter().map(|d| d - shift).collect();
            prop_assert_eq!(test(&differences, shift), test(&moved, 0.0));
        }
    }
}
