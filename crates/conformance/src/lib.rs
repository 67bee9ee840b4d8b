//! Proves collectors: random programs against an exact shadow model, detectors that notice mistakes
//! in different ways, and mutants (known bugs) that they must find.
//!
//! * [`program`]: the alphabet of operations. [`generate`]: how programs are drawn.
//! * [`play`]: plays one program under a watched collector. [`shrink`]: makes a failing one short.
//! * [`verify`]: seeds in a row, in this process. A collector that hangs or crashes takes the process
//!   with it: `gcw verify` has it done by children.
//!
//! **Invariant:** the kit knows heaps and collectors, and starts no processes.

#![forbid(unsafe_code)]

mod allocate;
mod colours;
mod compare;
mod detector;
mod failure;
pub mod generate;
pub mod mutants;
mod play;
mod player;
pub mod program;
mod quiet;
mod rules;
mod shadow;
pub mod shrink;
mod valid;
mod verify;
mod watched;

pub use detector::{Detector, Detectors, Place};
pub use failure::Failure;
pub use play::{Defeat, Played, Setup, play};
pub use rules::Rules;
pub use verify::{Job, OPS, Report, verify};

use collectors::registry::{Harness, standard};
use heap::Collector;
use program::Program;

/// Verifies a collector that was chosen by name.
pub struct Kit;

impl Harness for Kit {
    type Job = Job;
    type Report = Report;

    fn run<C: Collector>(job: &Job) -> Report {
        verify::<C>(job, |_| ())
    }
}

/// Plays a program under a collector of this workspace, and fails as a test does if anything is wrong:
/// what the test calls that a failure is printed as.
///
/// # Panics
/// With the failure, or if there is no such collector: for one of another crate, see [`replay_as`].
pub fn replay(collector: &str, program: &Program) {
    let kit = standard::<Kit>();
    let entry = kit.find(collector).unwrap_or_else(|| {
        panic!("no collector '{collector}' here: write conformance::replay_as::<ItsType>(..)")
    });
    expect_success(&(entry.run)(&job_of(collector, program)));
}

/// [`replay`] for a collector of any crate.
///
/// # Panics
/// With the failure.
pub fn replay_as<C: Collector>(program: &Program) {
    expect_success(&verify::<C>(&job_of(std::any::type_name::<C>(), program), |_| ()));
}

fn job_of(collector: &str, program: &Program) -> Job {
    Job { program: Some(program.clone()), ..Job::of(collector, 0..0) }
}

fn expect_success(report: &Report) {
    if let Some(failure) = &report.failure {
        panic!("{failure}");
    }
}
