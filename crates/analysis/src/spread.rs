//! The spread between two runs of one plan: how well the first foretold the second.
//!
//! An interval is about its session. Where a machine has slow states, another session moves a ratio by more,
//! and only a second one shows by how much.

use crate::conclude;
use crate::verdict::Comparison;
use record::Run;
use serde::Serialize;

/// Two runs of one plan, compared in CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Spread {
    /// Comparisons that both have.
    pub comparisons: usize,
    /// Comparisons that both decide.
    pub decided: usize,
    /// Decided comparisons in which the second run says the opposite.
    pub contradicted: usize,
    /// Median difference of the ratios, as a share; 0 without comparisons.
    pub median: f64,
    /// Largest difference of the ratios, as a share.
    pub largest: f64,
}

/// The spread between two runs.
pub fn spread(first: &Run, second: &Run) -> Spread {
    let (first, second) = (conclude(first), conclude(second));
    let mut pairs: Vec<(&Comparison, &Comparison)> = Vec::new();
    for a in &first.contests {
        let Some(b) = second.contests.iter().find(|b| b.workload == a.workload && b.heap == a.heap)
        else {
            continue;
        };
        for competitor in &a.competitors {
            let same = b.competitors.iter().find(|other| other.name == competitor.name);
            let both = competitor.cpu.known().zip(same.and_then(|other| other.cpu.known()));
            pairs.extend(both);
        }
    }
    let difference = |(a, b): &(&Comparison, &Comparison)| {
        (a.ratio.estimate / b.ratio.estimate).ln().abs().exp() - 1.0
    };
    let mut differences: Vec<f64> = pairs.iter().map(difference).collect();
    differences.sort_by(f64::total_cmp);
    let is_decided =
        |(a, b): &&(&Comparison, &Comparison)| a.verdict.is_decided() && b.verdict.is_decided();
    Spread {
        comparisons: pairs.len(),
        decided: pairs.iter().filter(is_decided).count(),
        contradicted: pairs.iter().filter(|(a, b)| a.verdict.contradicts(b.verdict)).count(),
        median: crate::estimate::median_of_sorted(&differences).unwrap_or(0.0),
        largest: differences.last().copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{HEAPS, record, run_of};
    use record::Mode;

    /// Ten blocks in which `rc` takes `rc` hundredths of mark-sweep's time.
    fn run(rc: u64) -> Run {
        let block = |block: u32| {
            let speed = 1000 + 10 * u64::from(block);
            let of = |name, time| record("tree", name, HEAPS[0], Mode::Time, block, time * speed);
            [of("rc", rc), of("mark-sweep", 100)]
        };
        run_of((0..10).flat_map(block).collect())
    }

    #[test]
    fn opposite_runs_contradict_each_other_and_equal_ones_do_not() {
        let same = spread(&run(200), &run(200));
        let none = Spread { comparisons: 1, decided: 1, ..Spread::default() };
        assert_eq!(same, none);
        let opposite = spread(&run(200), &run(50));
        assert_eq!((opposite.decided, opposite.contradicted), (1, 1));
        assert!((opposite.median - 3.0).abs() < 1e-9 && opposite.largest == opposite.median);
    }

    #[test]
    fn runs_without_a_common_comparison_have_no_spread() {
        assert_eq!(spread(&run(200), &run_of(vec![])), Spread::default());
    }
}
