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
use std::cmp::Ordering;

/// Share of false discoveries that a table may have, and of intervals that miss.
pub const FALSE_DISCOVERIES: f64 = 0.05;
/// A difference in time that matters: 5 %.
pub const TIME_MARGIN: f64 = 0.05;
/// More blocks than this are not worth a recommendation.
const BLOCKS_MAX: f64 = 1000.0;

/// The verdict on one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It needs less: the ratio differs from 1, and its estimate is beyond the margin.
    Faster,
    /// It needs more, in the same sense.
    Slower,
    /// It needs the same, within the margin.
    Equivalent,
    /// Equal to the last digit, in a quantity without noise.
    Tie,
    /// Not decided by these blocks.
    Open {
        /// Number of blocks that would decide it with an even chance; `None` for more than a thousand, or
        /// if a single block shows no spread.
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
    let share = |rejected: &[bool], more: usize| {
        let rejections = rejected.iter().filter(|&&rejected| rejected).count() + more;
        FALSE_DISCOVERIES * rejections as f64 / judged.len() as f64
    };
    let mut comparisons = vec![None; table.len()];
    for (index, &place) in judged.iter().enumerate() {
        let missed = if differs[index] { share(&differs, 0) } else { FALSE_DISCOVERIES };
        let Some(ratio) = ratio_at(&table[place], 1.0 - missed) else { continue };
        let log = ratio.estimate.ln();
        let verdict = match (differs[index], is_equivalent[index]) {
            (true, _) if log < -bound => Verdict::Faster,
            (true, _) if log > bound => Verdict::Slower,
            (_, true) => Verdict::Equivalent,
            _ if log.abs() > bound => {
                let tail = share(&differs, 1) / 2.0;
                Verdict::Open { blocks: blocks_wanted(&table[place], log.abs(), tail) }
            }
            _ => {
                let tail = share(&is_equivalent, 1);
                Verdict::Open { blocks: blocks_wanted(&table[place], bound - log.abs(), tail) }
            }
        };
        comparisons[place] = Some(Comparison { ratio, p_value: p_values[index], verdict });
    }
    comparisons
}

/// The verdict on two values of a quantity without noise, such as bytes: any difference is one.
pub fn exact(a: u64, b: u64) -> Verdict {
    match a.cmp(&b) {
        Ordering::Less => Verdict::Faster,
        Ordering::Equal => Verdict::Tie,
        Ordering::Greater => Verdict::Slower,
    }
}

/// The blocks after which one end of the interval is as far from the estimate as `distance`: from a ratio
/// beyond the margin to 1, from one inside it to the margin. `tail` is the probability beyond that end at
/// which the table rejects one hypothesis more.
///
/// The standard error is that of now; it shrinks with the square root of the blocks. Even without any
/// spread, n blocks need `2^-n <= tail`.
fn blocks_wanted(logs: &[f64], distance: f64, tail: f64) -> Option<u32> {
    let n = logs.len();
    let range = 1.0 - signed_rank::smallest_p_value(n);
    let now = ratio_at(logs, range.min(1.0 - FALSE_DISCOVERIES))?;
    let half_width = (now.high?.ln() - now.low?.ln()) / 2.0;
    let error = half_width / signed_rank::normal_quantile((1.0 + now.coverage?) / 2.0);
    let deviations = signed_rank::normal_quantile(1.0 - tail);
    let by_spread = n as f64 * (deviations * error / distance).powi(2);
    let blocks = by_spread.max(-tail.log2()).ceil();
    (n > 1 && blocks <= BLOCKS_MAX).then_some((blocks as u32).max(n as u32 + 1))
}

#[cfg(test)]
mod tests;
