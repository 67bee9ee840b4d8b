//! Measures how often verdicts are wrong and intervals miss, over simulated runs under every kind of noise:
//! `cargo run --release -p gcw-analysis --example simulation [RUNS]`, by default 10,000 runs of each kind, in
//! about half an hour on two processors. Fails if a bound does not hold.

mod noise;
mod session;
mod tally;

use noise::{Noise, recorded};
use session::Setting;
use std::path::Path;
use tally::Tally;

/// Noise under which the procedures hold.
const KINDS: [Noise; 3] = [Noise::Independent, Noise::Correlated, Noise::TwoStates];

fn main() {
    let runs =
        std::env::args().nth(1).map_or(10_000, |runs| runs.parse().expect("a number of runs"));
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/scale/samples.jsonl");
    let recorded = Noise::Recorded(recorded(&samples));
    println!("{runs} runs of every kind; % ± distance to a 95 % bound");
    for noise in KINDS.into_iter().chain([recorded, Noise::Drifting(0.05)]) {
        for (equal, blocks) in [(1.0, 14), (0.5, 14), (0.5, 30)] {
            let setting = Setting { noise: noise.clone(), workloads: 6, others: 7, equal, blocks };
            let tally = Tally::in_halves(&setting, runs);
            println!("{noise}, {} % equal, {blocks} blocks\n{tally}", 100.0 * equal);
            // Within one session; the long-run value of a ratio that drifts is beyond any such interval.
            if matches!(noise, Noise::Drifting(_)) {
                continue;
            }
            assert!(tally.false_differences.at_most() <= 0.05);
            assert!(tally.false_equivalences.at_most() <= 0.05);
            assert!(tally.coverage.iter().all(|c| (0.93..=0.97).contains(&c.mean())));
            assert!(tally.alarms.at_least() <= 0.05 && tally.best_each.at_most() <= 0.05);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analysis::verdict::{TIME_MARGIN, Verdict, judge};
    use noise::Machine;
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    /// Sixty small runs under each kind of noise; `equal` is the share of true ratios of 1.
    fn small_runs(equal: f64) -> Tally {
        let mut all = Tally::default();
        for noise in KINDS {
            let setting = Setting { noise, workloads: 2, others: 4, equal, blocks: 12 };
            all.join(&Tally::of(&setting, 0..60));
        }
        all
    }

    #[test]
    fn few_differences_among_equals_are_found_and_intervals_cover() {
        let tally = small_runs(1.0);
        assert!(tally.false_differences.mean() <= 0.03, "{tally}");
        assert!((0.93..=0.97).contains(&tally.coverage[0].mean()), "{tally}");
        assert!(tally.missed.mean() <= 0.06 && tally.alarms.mean() <= 0.06, "{tally}");
    }

    #[test]
    fn few_verdicts_among_differences_are_wrong() {
        let tally = small_runs(0.5);
        assert!(tally.false_differences.mean() <= 0.05, "{tally}");
        assert!(tally.false_equivalences.mean() <= 0.05 && tally.missed.mean() <= 0.06, "{tally}");
        assert!(tally.decided.mean() >= 0.4, "{tally}");
    }

    /// The number of blocks of an open comparison comes from its estimate: with it, about half are decided.
    #[test]
    fn the_blocks_that_open_comparisons_want_decide_about_half() {
        let mut machine = Machine::new(&Noise::Independent, Pcg64::seed_from_u64(1));
        let (mut decided, mut wanted) = (0, 0);
        for run in 0..200 {
            let truth = [-0.12, 0.01, 0.12][run % 3];
            let mut logs: Vec<f64> = (0..10).map(|_| truth + 0.17 * machine.process()).collect();
            let verdict = |logs: &[f64]| {
                judge(&[logs.to_vec()], TIME_MARGIN).remove(0).expect("blocks").verdict
            };
            let Verdict::Open { blocks: Some(blocks @ ..200) } = verdict(&logs) else { continue };
            logs.extend((logs.len()..blocks as usize).map(|_| truth + 0.17 * machine.process()));
            wanted += 1;
            decided += usize::from(verdict(&logs).is_decided());
        }
        let share = decided as f64 / wanted as f64;
        assert!(wanted > 60 && (0.35..0.65).contains(&share), "{decided} of {wanted}");
    }
}
