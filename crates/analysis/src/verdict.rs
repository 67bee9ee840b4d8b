//! The verdict on each comparison of a table: faster, slower, equivalent, a tie, or open.
//!
//! A comparison has paired log ratios of one quantity, `ln(a/b)`, one per block.
//!
//! 1. The exact signed-rank test gives each a p-value; Benjamini and Hochberg's procedure at 5 % over the
//!    table says which to reject.
//! 2. With R rejections of m, the intervals of the rejected have level `1 - 0.05 R/m`, the others 95 %: so
//!    their false coverage rate is 5 % as well (Benjamini and Yekutieli 2005, *False discovery
//!    rate-adjusted multiple confidence intervals*).
//! 3. Rejected, and beyond the margin: **faster** or **slower**.
//! 4. **Equivalent** if two one-sided tests place the ratio inside the margin (Schuirmann 1987), by the same
//!    procedure over the table. A difference may be real and yet too small to matter.
//! 5. Otherwise **open**, with the number of blocks that would decide it.
//!
//! Quantities without noise need none of this: equal bytes are a **tie**, and any difference is one.

use crate::multiplicity::benjamini_hochberg;
use crate::paired::{Ratio, ratio_at};
use crate::signed_rank;
use serde::Serialize;

/// Share of false discoveries that a table may have, and of intervals that miss.
pub const FALSE_DISCOVERIES: f64 = 0.05;
/// A difference in time that matters: 5 %.
pub const TIME_MARGIN: f64 = 0.05;
/// More blocks than this are not worth a recommendation.
const BLOCKS_MAX: f64 = 1000.0;
/// Half width of an interval after a choice among many, relative to one alone, about.
const MULTIPLICITY_COST: f64 = 1.5;

/// The verdict on one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It needs less, by more than the margin.
    Faster,
    /// It needs more, by more than the margin.
    Slower,
    /// It needs the same, within the margin.
    Equivalent,
    /// Equal to the last digit, in a quantity without noise.
    Tie,
    /// Not decided by these blocks.
    Open {
        /// Number of blocks that would decide it, roughly; `None` for more than a thousand.
        blocks: Option<u32>,
    },
}

impl Verdict {
    /// Whether the comparison is answered.
    pub fn is_decided(self) -> bool {
        !matches!(self, Self::Open { .. })
    }

    /// Whether the other verdict on the same comparison says the opposite.
    pub fn contradicts(self, other: Self) -> bool {
        use Verdict::{Equivalent, Faster, Slower, Tie};
        let differs = |verdict| matches!(verdict, Faster | Slower);
        match (self, other) {
            (Faster, Slower) | (Slower, Faster) => true,
            (Equivalent | Tie, other) | (other, Equivalent | Tie) => differs(other),
            _ => false,
        }
    }
}

/// A comparison with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The ratio, with its interval at the level of this table.
    pub ratio: Ratio,
    /// Two-sided p-value of the hypothesis that the ratio is 1.
    pub p_value: f64,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Judges a table of paired log ratios. A comparison without blocks has none.
pub fn judge(table: &[Vec<f64>], margin: f64) -> Vec<Option<Comparison>> {
    let judged: Vec<usize> = (0..table.len()).filter(|&place| !table[place].is_empty()).collect();
    let bound = (1.0 + margin).ln();
    let p_values: Vec<f64> =
        judged.iter().map(|&place| signed_rank::test(&table[place], 0.0).two_sided).collect();
    let inside = |&place: &usize| {
        let logs = &table[place];
        signed_rank::test(logs, bound).below.max(signed_rank::test(logs, -bound).above)
    };
    let outside: Vec<f64> = judged.iter().map(inside).collect();
    let differs = benjamini_hochberg(&p_values, FALSE_DISCOVERIES);
    let is_equivalent = benjamini_hochberg(&outside, FALSE_DISCOVERIES);
    let rejections = differs.iter().filter(|&&rejected| rejected).count() as f64;
    let mut comparisons = vec![None; table.len()];
    for (index, &place) in judged.iter().enumerate() {
        let share = if differs[index] { rejections / judged.len() as f64 } else { 1.0 };
        let level = 1.0 - FALSE_DISCOVERIES * share;
        let Some(ratio) = ratio_at(&table[place], level) else { continue };
        let log = ratio.estimate.ln();
        let verdict = match (differs[index], is_equivalent[index]) {
            (true, _) if log < -bound => Verdict::Faster,
            (true, _) if log > bound => Verdict::Slower,
            (_, true) => Verdict::Equivalent,
            _ => Verdict::Open { blocks: blocks_wanted(&table[place], bound) },
        };
        comparisons[place] = Some(Comparison { ratio, p_value: p_values[index], verdict });
    }
    comparisons
}

/// The blocks after which the interval, narrower by the square root of their number, would exclude 1, or
/// would lie inside the margin; whichever comes first.
fn blocks_wanted(logs: &[f64], bound: f64) -> Option<u32> {
    let ratio = ratio_at(logs, 1.0 - FALSE_DISCOVERIES)?;
    let half_width = MULTIPLICITY_COST * (ratio.high?.ln() - ratio.low?.ln()) / 2.0;
    let size = ratio.estimate.ln().abs();
    let distance = if size > bound { size } else { bound - size };
    let blocks = (logs.len() as f64 * (half_width / distance).powi(2)).ceil();
    (blocks <= BLOCKS_MAX).then_some((blocks as u32).max(logs.len() as u32 + 1))
}

#[cfg(test)]
mod tests;
