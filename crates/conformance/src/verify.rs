//! Verifies a range of seeds in this process.

use crate::failure::Failure;
use crate::job::Job;
use crate::mutants::Passed;
use crate::play::{Defeat, play};
use crate::program::Program;
use crate::shrink::shrink;
use heap::CollectorFactory;
use serde::{Deserialize, Serialize};

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
    let (mut report, mut passed) = (Report::default(), Passed::default());
    let given = job.program.iter().map(|program| (None, program.clone()));
    let seeds = if job.program.is_some() { 0..0 } else { job.seeds.clone() };
    let drawn = seeds.map(|seed| (Some(seed), job.program_of(seed)));
    for (seed, program) in given.chain(drawn) {
        begins(seed.unwrap_or(0));
        let played = play(factory, &program, job);
        report.programs += 1;
        passed = passed.or(played.passed);
        let Some(defeat) = played.defeat else { continue };
        report.failed += 1;
        if report.failure.is_none() {
            report.failure = Some(failure(factory, job, seed, program, defeat));
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
    seed: Option<u64>,
    drawn: Program,
    defeat: Defeat,
) -> Failure {
    let (mut program, mut shown) = (drawn.clone(), defeat);
    // Operations after the failure have never run.
    program.ops.truncate(shown.begun);
    if job.shrinks {
        let fails = |program: &_| play(factory, program, job).defeat.is_some();
        program = shrink(&drawn, shown.begun, fails);
        // The report is about the shortened program.
        shown = play(factory, &program, job).defeat.unwrap_or(shown);
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
