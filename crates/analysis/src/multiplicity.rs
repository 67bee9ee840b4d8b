//! Many comparisons at once: which of them to believe.
//!
//! With a hundred comparisons at 5 % each, five differ by chance. Holm's procedure bounds the probability of
//! a single false rejection, and fits a sentence; Benjamini and Hochberg's bounds the expected share of false
//! ones among all rejections, and fits a table.
//!
//! Sources: Holm 1979, *A simple sequentially rejective multiple test procedure*; Benjamini and Hochberg
//! 1995, *Controlling the false discovery rate*.

/// Which hypotheses Holm's procedure rejects at level `alpha`: the k-th smallest of `m` p-values is compared
/// with `alpha / (m - k + 1)`, and the first that fails ends the rejections.
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let order = ascending(p_values);
    let m = p_values.len();
    let passes = |&(k, &place): &(usize, &usize)| p_values[place] <= alpha / (m - k) as f64;
    let rejections = order.iter().enumerate().take_while(passes).count();
    chosen(&order[..rejections], m)
}

/// Which hypotheses Benjamini and Hochberg's procedure rejects at false discovery rate `q`: the k smallest
/// of `m`, for the largest k whose p-value is at most `k q / m`.
pub fn benjamini_hochberg(p_values: &[f64], q: f64) -> Vec<bool> {
    let order = ascending(p_values);
    let m = p_values.len();
    let passes = |k: &usize| p_values[order[k - 1]] <= *k as f64 * q / m as f64;
    let rejections = (1..=m).rev().find(passes).unwrap_or(0);
    chosen(&order[..rejections], m)
}

/// Places of the p-values, the smallest first.
fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}

fn chosen(places: &[usize], all: usize) -> Vec<bool> {
    let mut chosen = vec![false; all];
    places.iter().for_each(|&place| chosen[place] = true);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The 15 p-values of Benjamini and Hochberg 1995, section 4.2 (a trial of treatments after an
    /// infarction): at 0.05 their procedure rejects the four smallest, Bonferroni's, and here Holm's, the
    /// three smallest.
    #[test]
    fn reproduces_the_paper() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        let count = |rejected: Vec<bool>| {
            let all = rejected.iter().filter(|&&r| r).count();
            assert!(rejected[..all].iter().all(|&r| r), "the smallest");
            all
        };
        assert_eq!(count(benjamini_hochberg(&p, 0.05)), 4);
        assert_eq!(count(holm(&p, 0.05)), 3);
    }

    #[test]
    fn the_answer_follows_the_places_of_the_p_values() {
        assert_eq!(holm(&[0.2, 0.001, 0.03], 0.05), [false, true, false]);
        // 0.03 fails at 2/3 of 0.05, but 0.04 passes at 3/3.
        assert_eq!(benjamini_hochberg(&[0.04, 0.001, 0.034], 0.05), [true; 3]);
        assert_eq!(benjamini_hochberg(&[0.06, 0.001, 0.034], 0.05), [false, true, false]);
        assert!(holm(&[], 0.05).is_empty() && benjamini_hochberg(&[], 0.05).is_empty());
    }

    proptest! {
        #[test]
        fn holm_rejects_no_more_than_benjamini_and_hochberg_and_both_at_least_bonferroni(
            p in prop::collection::vec(0.0..=0.2f64, 1..40),
        ) {
            let (holm, bh) = (holm(&p, 0.05), benjamini_hochberg(&p, 0.05));
            for place in 0..p.len() {
                prop_assert!(!holm[place] || bh[place]);
                prop_assert!(p[place] > 0.05 / p.len() as f64 || holm[place]);
            }
        }
    }
}
