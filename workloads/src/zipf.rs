//! Requests with Zipf-like popularity: the page of rank r is requested with probability proportional
//! to r^-3/4.
//!
//! Breslau, Cao, Fan, Phillips and Shenker ("Web caching and Zipf-like distributions: evidence and
//! implications", 1999) found exponents from 0.64 to 0.83 in six traces of web proxies. Three
//! quarters lies between them and needs only square roots, which are exact to the last bit on every
//! machine; so are the draws, and the answers that depend on them.

use rand::Rng;

/// The distribution over ranks from 0, drawn by indexed search (Chen and Asau 1974).
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    /// Sum of the weights up to and including each rank.
    cumulative: Vec<u64>,
    /// The total is cut into one equal part per rank; the first rank in each part.
    guide: Vec<u32>,
}

/// Weight of the most popular page. The weights of a million pages sum to about 2^47.
const FIRST_WEIGHT: f64 = (1_u64 << 40) as f64;

impl Zipf {
    /// The distribution over `pages` ranks, at least one.
    pub(crate) fn new(pages: u32) -> Self {
        let mut total = 0;
        let mut add = |rank: u32| {
            let root = f64::from(rank).sqrt();
            total += (FIRST_WEIGHT / (root * root.sqrt())) as u64;
            total
        };
        let cumulative: Vec<u64> = (1..=pages).map(&mut add).collect();
        let mut first = 0;
        let mut first_of = |part: u32| {
            let start = u128::from(part) * u128::from(total) / u128::from(pages);
            while u128::from(cumulative[first as usize]) <= start {
                first += 1;
            }
            first
        };
        let guide = (0..pages).map(&mut first_of).collect();
        Self { cumulative, guide }
    }

    /// Draws a rank.
    pub(crate) fn draw(&self, random: &mut impl Rng) -> u32 {
        let total = self.cumulative[self.cumulative.len() - 1];
        let whole = u128::from(random.next_u64());
        let point = ((whole * u128::from(total)) >> 64) as u64;
        let part = ((whole * self.guide.len() as u128) >> 64) as usize;
        let mut rank = self.guide[part];
        while self.cumulative[rank as usize] <= point {
            rank += 1;
        }
        rank
    }

    /// The probability of each rank.
    #[cfg(test)]
    pub(crate) fn probabilities(&self) -> Vec<f64> {
        let total = self.cumulative[self.cumulative.len() - 1] as f64;
        let below = std::iter::once(&0).chain(&self.cumulative);
        self.cumulative.iter().zip(below).map(|(sum, below)| (sum - below) as f64 / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn popularity_falls_with_the_three_quarter_power_of_the_rank() {
        let probabilities = Zipf::new(1000).probabilities();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((probabilities[0] / probabilities[15] - 8.0).abs() < 1e-9);
        assert!((probabilities[0] / probabilities[255] - 64.0).abs() < 1e-9);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let zipf = Zipf::new(50);
        let mut random = stream(7, 0);
        let draws = 200_000;
        let mut counts = [0.0; 50];
        (0..draws).for_each(|_| counts[zipf.draw(&mut random) as usize] += 1.0);
        for (count, p) in counts.iter().zip(zipf.probabilities()) {
            let expected = p * f64::from(draws);
            assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{count} for {expected}");
        }
    }
}
