//! The best group of a contest: the competitors of which none is shown to be worse than the best.
//!
//! The smallest estimate alone is a winner by chance: six names of one collector have one, too. So every
//! other competitor is compared with it in the same blocks. It is left out if Holm's procedure finds it slower
//! and its estimate exceeds the margin of verdicts: a smaller difference may be real, but it moves with the
//! session, and it does not matter.

use crate::multiplicity::holm;
use crate::paired::ratio_of_logs;
use crate::signed_rank;
use crate::verdict::TIME_MARGIN;

/// Largest probability of leaving out a given competitor that is as good as the best. That any one of
/// eight equal ones is left out is more probable: about 10 % in simulated runs, because the smallest
/// estimate is small by chance.
const ALPHA: f64 = 0.05;
/// Fewest common blocks of a group: with fewer, even a clear difference is not found among eight.
pub const MIN_BLOCKS: usize = 9;

/// The places of the best group among competitors, each with the logarithm of its time in every block;
/// `None` with fewer than two competitors, or than [`MIN_BLOCKS`] blocks.
pub fn best_group(competitors: &[Vec<f64>]) -> Option<Vec<usize>> {
    let blocks = competitors.iter().map(Vec::len).min()?;
    if competitors.len() < 2 || blocks < MIN_BLOCKS {
        return None;
    }
    // All ratios to the first have the blocks of one machine in common.
    let to_first = |place: usize| ratio_of_logs(&differences(&competitors[place], &competitors[0]));
    let estimates = (0..competitors.len()).map(|place| to_first(place).map(|ratio| ratio.estimate));
    let estimates: Vec<f64> = estimates.collect::<Option<_>>()?;
    let best = (0..estimates.len()).min_by(|&a, &b| estimates[a].total_cmp(&estimates[b]))?;
    let others: Vec<usize> = (0..competitors.len()).filter(|&place| place != best).collect();
    let slower = |&place: &usize| {
        signed_rank::test(&differences(&competitors[place], &competitors[best]), 0.0).two_sided
    };
    let rejected = holm(&others.iter().map(slower).collect::<Vec<_>>(), ALPHA);
    let is_slower = |place: usize| estimates[place] > estimates[best] * (1.0 + TIME_MARGIN);
    let kept = others
        .into_iter()
        .zip(rejected)
        .filter(|&(place, rejected)| !(rejected && is_slower(place)));
    let mut group: Vec<usize> = kept.map(|(place, _)| place).chain([best]).collect();
    group.sort_unstable();
    Some(group)
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten blocks of drift, and a competitor that takes `ratio` times as long with some noise.
    fn competitor(ratio: f64, noise: f64, phase: usize) -> Vec<f64> {
        let drift = |block: usize| (block as f64 * 0.7).sin();
        let wobble = |block: usize| noise * ((block * 7 + phase * 3) % 10) as f64 - 4.5 * noise;
        (0..10).map(|block| drift(block) + ratio.ln() + wobble(block)).collect()
    }

    #[test]
    fn names_of_one_collector_are_one_group_and_drift_does_not_matter() {
        let six: Vec<Vec<f64>> = (0..6).map(|phase| competitor(1.0, 0.01, phase)).collect();
        assert_eq!(best_group(&six), Some(vec![0, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn a_clearly_slower_one_is_left_out() {
        let slow = competitor(1.3, 0.01, 1);
        let group = best_group(&[slow, competitor(1.0, 0.01, 2), competitor(1.01, 0.01, 3)]);
        assert_eq!(group, Some(vec![1, 2]));
    }

    #[test]
    fn a_difference_within_the_margin_is_not_one_that_a_second_run_repeats() {
        let group = best_group(&[competitor(1.02, 0.0001, 1), competitor(1.0, 0.0001, 2)]);
        assert_eq!(group, Some(vec![0, 1]));
        let group = best_group(&[competitor(1.06, 0.0001, 1), competitor(1.0, 0.0001, 2)]);
        assert_eq!(group, Some(vec![1]));
    }

    #[test]
    fn too_few_blocks_or_competitors_have_no_group() {
        assert_eq!(best_group(&[competitor(1.0, 0.1, 1)]), None);
        let short = |ratio| competitor(ratio, 0.01, 1)[..8].to_vec();
        assert_eq!(best_group(&[short(1.0), short(2.0)]), None);
        assert_eq!(best_group(&[]), None);
    }
}
