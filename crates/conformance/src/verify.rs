//! Seeds in a row, in this process.

use crate::detector::Detectors;
use crate::failure::Failure;
use crate::generate;
use crate::play::{Defeat, Played, Setup, play};
use crate::program::{Program, Schedule};
use crate::shrink::shrink;
use heap::{Collector, Config};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is to be verified, and how hard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Name of the collector.
    pub collector: String,
    /// Programs, by seed.
    pub seeds: Range<u64>,
    /// Operations of each.
    pub ops: usize,
    /// When all of them collect; as drawn if there is none.
    pub schedule: Option<Schedule>,
    /// What is looked at.
    pub detectors: Detectors,
    /// Name of a mutant to be switched on.
    pub mutant: Option<String>,
    /// A program to be played instead of those of the seeds.
    pub program: Option<Program>,
    /// Whether a failing program is made short.
    pub shrinks: bool,
}

impl Job {
    /// These seeds for a collector, with everything looked at.
    pub fn of(collector: &str, seeds: Range<u64>) -> Self {
        Self {
            collector: collector.to_owned(),
            seeds,
            ops: OPS,
            schedule: None,
            detectors: Detectors::ALL,
            mutant: None,
            program: None,
            shrinks: true,
        }
    }

    /// The program of a seed.
    pub fn program_of(&self, seed: u64) -> Program {
        let drawn = generate::program(seed, self.ops);
        Program { schedule: self.schedule.unwrap_or(drawn.schedule), ..drawn }
    }

    fn setup(&self) -> Setup {
        let mutant = self.mutant.as_deref().map(heap::Mutant::named);
        Setup { detectors: self.detectors, config: Config::default(), mutant }
    }
}

/// Operations of a program, unless said otherwise.
pub const OPS: usize = 400;

/// What verifying found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Programs played, the failing one included.
    pub programs: u64,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Whether the code of the mutant was run.
    pub reached: bool,
}

/// Plays programs under collector `C` until one fails. `begins` is told of each seed before it is played.
pub fn verify<C: Collector>(job: &Job, mut begins: impl FnMut(u64)) -> Report {
    let setup = job.setup();
    let mut report = Report::default();
    let mut played = |program: &Program| {
        let Played { defeat, reached } = play::<C>(program, &setup);
        report.programs += 1;
        report.reached |= reached;
        defeat
    };
    let failed = match &job.program {
        Some(program) => {
            begins(0);
            played(program).map(|defeat| (None, program.clone(), defeat))
        }
        None => job.seeds.clone().find_map(|seed| {
            begins(seed);
            let program = job.program_of(seed);
            played(&program).map(|defeat| (Some(seed), program, defeat))
        }),
    };
    report.failure = failed.map(|(seed, program, defeat)| {
        let (drawn_ops, mut program, mut defeat) = (program.ops.len(), program, defeat);
        if job.shrinks {
            program = shrink(&program, defeat.begun, |program| {
                play::<C>(program, &setup).defeat.is_some()
            });
            // What the short program shows is what is reported.
            defeat = play::<C>(&program, &setup).defeat.unwrap_or(defeat);
        }
        failure(job, seed, drawn_ops, program, defeat)
    });
    report
}

fn failure(job: &Job, seed: Option<u64>, drawn_ops: usize, program: Program, defeat: Defeat) -> Failure {
    let Defeat { detector, message, place, phase, .. } = defeat;
    let collector = match &job.mutant {
        Some(mutant) => format!("{} with {mutant}", job.collector),
        None => job.collector.clone(),
    };
    let phase = phase.to_owned();
    Failure { collector, seed, detector, message, place, phase, drawn_ops, program }
}
