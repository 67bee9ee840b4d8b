//! Verifies a range of seeds in this process.

use crate::detector::Detectors;
use crate::failure::Failure;
use crate::generate;
use crate::mutants::Passed;
use crate::play::{Defeat, Setup, play};
use crate::program::{Program, Schedule};
use crate::shrink::shrink;
use heap::{CollectorFactory, Config};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A job of verification.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Name of the collector.
    pub collector: String,
    /// Its settings. A choice by name includes them.
    #[serde(skip)]
    pub config: Config,
    /// Programs, by seed.
    pub seeds: Range<u64>,
    /// Operations of each program.
    pub ops: usize,
    /// The schedule of all programs; each has its own if there is none.
    pub schedule: Option<Schedule>,
    /// The active detectors.
    pub detectors: Detectors,
    /// Name of the mutant to switch on.
    pub mutant: Option<String>,
    /// A program to play instead of those of the seeds.
    pub program: Option<Program>,
    /// Whether a failing program is shortened.
    pub shrinks: bool,
    /// Whether verification goes on after a failure, to count failures.
    pub counts: bool,
}

impl Job {
    /// These seeds for a collector, with all detectors.
    pub fn of(collector: &str, seeds: Range<u64>) -> Self {
        Self {
            collector: collector.to_owned(),
            config: Config::default(),
            seeds,
            ops: OPS,
            schedule: None,
            detectors: Detectors::ALL,
            mutant: None,
            program: None,
            shrinks: true,
            counts: false,
        }
    }

    /// The program of a seed.
    pub fn program_of(&self, seed: u64) -> Program {
        let drawn = generate::program(seed, self.ops);
        Program { schedule: self.schedule.unwrap_or(drawn.schedule), ..drawn }
    }

    fn setup(&self) -> Setup {
        let mutant = self.mutant.as_deref().map(heap::Mutant::named);
        Setup { detectors: self.detectors, config: self.config.clone(), mutant }
    }
}

/// Default number of operations of a program.
pub const OPS: usize = 400;

/// The result of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Programs played, the failing one included.
    pub programs: u64,
    /// Number of failed programs.
    pub failed: u64,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Names of the mutants whose switches were passed.
    pub passed: Vec<String>,
}

/// Plays programs under a discipline until one fails, or all of them if failures are to be counted. Calls
/// `begins` with each seed before its program.
pub fn verify(factory: CollectorFactory, job: &Job, mut begins: impl FnMut(u64)) -> Report {
    let setup = job.setup();
    let (mut report, mut passed) = (Report::default(), Passed::default());
    let given = job.program.iter().map(|program| (None, program.clone()));
    let seeds = if job.program.is_some() { 0..0 } else { job.seeds.clone() };
    let drawn = seeds.map(|seed| (Some(seed), job.program_of(seed)));
    for (seed, program) in given.chain(drawn) {
        begins(seed.unwrap_or(0));
        let played = play(factory, &program, &setup);
        report.programs += 1;
        passed = passed.or(played.passed);
        let Some(defeat) = played.defeat else { continue };
        report.failed += 1;
        if report.failure.is_none() {
            report.failure = Some(failure(factory, job, &setup, seed, program, defeat));
        }
        if !job.counts {
            break;
        }
    }
    report.passed = passed.names().map(str::to_owned).collect();
    report
}

fn failure(
    factory: CollectorFactory,
    job: &Job,
    setup: &Setup,
    seed: Option<u64>,
    drawn: Program,
    defeat: Defeat,
) -> Failure {
    let (mut program, mut shown) = (drawn.clone(), defeat);
    // Operations after the failure have never run.
    program.ops.truncate(shown.begun);
    if job.shrinks {
        let fails = |program: &_| play(factory, program, setup).defeat.is_some();
        program = shrink(&drawn, shown.begun, fails);
        // The report is about the shortened program.
        shown = play(factory, &program, setup).defeat.unwrap_or(shown);
    }
    let Defeat { detector, message, place, phase, .. } = shown;
    Failure {
        collector: job.collector.clone(),
        seed,
        detector,
        message,
        place,
        phase: phase.to_owned(),
        drawn_ops: drawn.ops.len(),
        program,
    }
}
