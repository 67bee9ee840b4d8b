//! A job: the programs to play under a collector, and how.

use crate::detector::Detectors;
use crate::generate;
use crate::program::{Program, Schedule};
use heap::Config;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A job of verification.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Name of the collector.
    pub collector: String,
    /// Its settings. Not serialized: `collector` includes them where it is a name on the command line.
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
}

/// Default number of operations of a program.
pub const OPS: usize = 400;
