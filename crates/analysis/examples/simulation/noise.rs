//! Noise of a machine that runs one process after another.

use rand::RngExt;
use rand_pcg::Pcg64;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Correlation of neighbouring processes, as recorded on a shared machine.
const LAG_ONE: f64 = 0.42;

/// The kinds of noise, each about one standard deviation of the logarithm of a time.
#[derive(Debug, Clone)]
pub(crate) enum Noise {
    /// Every process on its own.
    Independent,
    /// Neighbouring processes alike.
    Correlated,
    /// Quiet phases of about 80 processes and disturbed ones of about 20, slower and three times as noisy.
    TwoStates,
    /// The residuals of a recorded run in its order of time, from a random place.
    Recorded(Vec<f64>),
    /// As `Independent`, but the true ratio of every pair drifts from block to block by this standard
    /// deviation: no pairing removes it.
    Drifting(f64),
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Independent => "independent noise",
            Self::Correlated => "correlated noise",
            Self::TwoStates => "two states",
            Self::Recorded(_) => "recorded noise",
            Self::Drifting(_) => "drifting ratios",
        })
    }
}

/// A machine with one kind of noise.
pub(crate) struct Machine<'a> {
    noise: &'a Noise,
    rng: Pcg64,
    /// The last value, or 1 in a disturbed phase.
    state: f64,
    /// Number of processes so far.
    time: usize,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(noise: &'a Noise, mut rng: Pcg64) -> Self {
        let time = rng.random_range(0..1_000_000);
        Self { noise, rng, state: 0.0, time }
    }

    /// The noise of the next process.
    pub(crate) fn process(&mut self) -> f64 {
        self.time += 1;
        let normal = normal(&mut self.rng);
        match self.noise {
            Noise::Independent | Noise::Drifting(_) => normal,
            Noise::Correlated => {
                self.state = follow(self.state, normal);
                self.state
            }
            Noise::TwoStates => {
                let leave = if self.state == 1.0 { 1.0 / 20.0 } else { 1.0 / 80.0 };
                if self.rng.random::<f64>() < leave {
                    self.state = 1.0 - self.state;
                }
                self.state * 3.0 + normal * (0.5 + self.state)
            }
            Noise::Recorded(residuals) => residuals[self.time % residuals.len()],
        }
    }

    /// The next deviation of a ratio from its long-run value, after `last`.
    pub(crate) fn drift(&mut self, last: f64) -> f64 {
        let Noise::Drifting(deviation) = self.noise else { return 0.0 };
        follow(last / deviation, normal(&mut self.rng)) * deviation
    }

    /// Places `0..n` in random order.
    pub(crate) fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            order.swap(last, self.rng.random_range(0..=last));
        }
        order
    }
}

/// The next value of a stationary series with variance 1 (AR(1)).
fn follow(last: f64, normal: f64) -> f64 {
    LAG_ONE * last + (1.0 - LAG_ONE * LAG_ONE).sqrt() * normal
}

/// A standard normal variable (Box and Muller 1958).
fn normal(rng: &mut Pcg64) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The residuals of a recorded run in its order of time, scaled to standard deviation 1: the logarithm of
/// CPU time less the mean of its cell.
pub(crate) fn recorded(samples: &Path) -> Vec<f64> {
    let text = std::fs::read_to_string(samples).expect("samples of a recorded run");
    let records = text.lines().map(|line| serde_json::from_str(line).expect("a record"));
    let mut timed: Vec<(u64, String, f64)> = records
        .filter(|record: &serde_json::Value| record["cell"]["mode"] == "time")
        .filter_map(|record| {
            let log = record["sample"]["cpu_ns"].as_f64()?.ln();
            Some((record["started_unix_ms"].as_u64()?, record["cell"].to_string(), log))
        })
        .collect();
    timed.sort_by_key(|(started, _, _)| *started);
    let mut cells: HashMap<&str, (f64, f64)> = HashMap::new();
    for (_, cell, log) in &timed {
        let (n, sum) = cells.entry(cell).or_default();
        (*n, *sum) = (*n + 1.0, *sum + log);
    }
    let mean = |cell: &str| cells[cell].1 / cells[cell].0;
    let residuals: Vec<f64> = timed.iter().map(|(_, cell, log)| log - mean(cell)).collect();
    let variance = residuals.iter().map(|x| x * x).sum::<f64>() / residuals.len() as f64;
    residuals.iter().map(|x| x / variance.sqrt()).collect()
}
