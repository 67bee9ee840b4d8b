//! A simulated run: blocks of collectors with known ratios, as many as the schedule of a run measures.

use crate::noise::{Machine, Noise};
use analysis::paired::ratio_of_logs;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Half width at which a workload needs no more blocks, and the numbers of blocks at which it is taken: the
/// rule of the schedule of a run.
const HALF_WIDTH_WANTED: f64 = 0.05;
const LOOKS: [usize; 5] = [10, 14, 20, 28, 40];

/// What to simulate.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) noise: Noise,
    pub(crate) workloads: usize,
    /// Collectors beside the reference.
    pub(crate) others: usize,
    /// Share of comparisons whose true ratio is 1.
    pub(crate) equal: f64,
    /// Largest number of blocks per workload on average.
    pub(crate) blocks: usize,
}

/// A run and the truth about it.
pub(crate) struct Session {
    /// Log ratio of every (workload, other collector).
    pub(crate) truth: Vec<Vec<f64>>,
    /// Logarithms of times by workload, place and block. Place 0 is the reference, 1 its twin.
    pub(crate) logs: Vec<Vec<Vec<f64>>>,
}

/// Log ratios of collectors that differ; the third is just outside the margin of 5 %.
const DIFFERENCES: [f64; 6] = [0.02, 0.04, 0.048_791, 0.1, 0.2, 0.5];
/// Standard deviations of the logarithm of a time, by workload.
const DEVIATIONS: [f64; 4] = [0.02, 0.04, 0.07, 0.12];

impl Session {
    pub(crate) fn simulate(setting: &Setting, seed: u64) -> Self {
        let mut rng = Pcg64::seed_from_u64(seed);
        let mut difference = || {
            let size = DIFFERENCES[rng.random_range(0..DIFFERENCES.len())];
            let sign = if rng.random() { 1.0 } else { -1.0 };
            if rng.random::<f64>() < setting.equal { 0.0 } else { size * sign }
        };
        let truth =
            (0..setting.workloads).map(|_| (0..setting.others).map(|_| difference()).collect());
        let truth: Vec<Vec<f64>> = truth.collect();
        let deviations: Vec<f64> = (0..setting.workloads)
            .map(|_| DEVIATIONS[rng.random_range(0..DEVIATIONS.len())])
            .collect();
        let mut machine = Machine::new(&setting.noise, rng);
        let places = setting.others + 2;
        let mut session = Self { truth, logs: vec![vec![vec![]; places]; setting.workloads] };
        let mut drifts = vec![vec![0.0; places]; setting.workloads];
        let mut block = |session: &mut Self, workload: usize| {
            for place in machine.shuffled(places) {
                let ratio = if place < 2 { 0.0 } else { session.truth[workload][place - 2] };
                let drift = &mut drifts[workload][place];
                *drift = machine.drift(*drift);
                let log = ratio + *drift + deviations[workload] * machine.process();
                session.logs[workload][place].push(log);
            }
        };
        for _ in 0..LOOKS[0] {
            (0..setting.workloads).for_each(|workload| block(&mut session, workload));
        }
        let mut left = (setting.blocks - LOOKS[0]) * setting.workloads;
        let mut widths: Vec<f64> = (0..setting.workloads).map(|w| session.widest(w)).collect();
        while left >= 2 {
            let Some(workload) = session.next(&widths) else { break };
            block(&mut session, workload);
            block(&mut session, workload);
            widths[workload] = session.widest(workload);
            left -= 2;
        }
        session
    }

    /// The workload that gets the next blocks: one between two looks, or else that with the widest interval.
    fn next(&self, widths: &[f64]) -> Option<usize> {
        let need = |&workload: &usize| {
            let blocks = self.logs[workload][0].len();
            let is_look = LOOKS.contains(&blocks);
            let is_enough = is_look && widths[workload] <= HALF_WIDTH_WANTED;
            blocks < LOOKS[LOOKS.len() - 1] && !is_enough
        };
        let key =
            |workload: usize| (!LOOKS.contains(&self.logs[workload][0].len()), widths[workload]);
        let open = (0..self.logs.len()).filter(need);
        open.max_by(|&a, &b| {
            let ((a_first, a), (b_first, b)) = (key(a), key(b));
            a_first.cmp(&b_first).then(a.total_cmp(&b))
        })
    }

    fn widest(&self, workload: usize) -> f64 {
        let ratios = (2..self.logs[workload].len()).filter_map(|place| {
            ratio_of_logs(&self.ratios(workload, place)).and_then(|ratio| ratio.half_width())
        });
        ratios.fold(0.0, f64::max)
    }

    /// Log ratios to the reference, by block.
    pub(crate) fn ratios(&self, workload: usize, place: usize) -> Vec<f64> {
        let logs = &self.logs[workload];
        logs[place].iter().zip(&logs[0]).map(|(log, reference)| log - reference).collect()
    }

    /// The table of all comparisons, workload by workload, with the true log ratio of each.
    pub(crate) fn table(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let cells =
            (0..self.truth.len()).flat_map(|w| (0..self.truth[w].len()).map(move |c| (w, c)));
        cells.map(|(w, c)| (self.ratios(w, c + 2), self.truth[w][c])).unzip()
    }
}
