//! Tests collectors: random programs against an exact shadow model, detectors that notice mistakes in
//! different ways, and mutants (known bugs) that they must find.
//!
//! * [`program`]: the alphabet of operations. [`generate`]: draws programs.
//! * `play`: plays one program under a watched collector. [`shrink`]: shortens a failing one.
//! * [`verify`]: plays a range of seeds in this process. A collector that hangs or crashes takes the process
//!   with it, so `gcw verify` runs it in child processes.
//!
//! **Invariant:** the kit knows heaps and collectors, and starts no processes.

#![forbid(unsafe_code)]

mod detector;
mod failure;
mod faulty;
pub mod generate;
mod job;
pub mod mutants;
mod pauses;
mod play;
mod player;
pub mod program;
mod rules;
mod shadow;
pub mod shrink;
mod verify;
mod watched;

pub use detector::{Detector, Detectors, Place};
pub use failure::Failure;
pub use job::{Job, OPS};
pub use rules::Rules;
pub use verify::{Report, verify};

use heap::{Collector, CollectorFactory, Config};
use program::Program;

/// Plays a program under a collector and panics if anything is wrong. The test that a failure prints calls
/// it.
///
/// # Panics
/// With the failure.
pub fn replay<C: Collector>(program: &Program) {
    replay_configured::<C>(Config::default(), program);
}

/// As [`replay`], with `settings` for the collector.
///
/// # Panics
/// With the failure, or if the collector does not understand the settings.
pub fn replay_with<C: Collector>(settings: &str, program: &Program) {
    match Config::read(C::PARAMETERS, settings) {
        Ok(config) => replay_configured::<C>(config, program),
        Err(wrong) => {
            panic!("{} refuses {settings}: {wrong}", CollectorFactory::of::<C>().type_name)
        }
    }
}

fn replay_configured<C: Collector>(config: Config, program: &Program) {
    let factory = CollectorFactory::of::<C>();
    let job = Job { config, program: Some(program.clone()), ..Job::of(factory.type_name, 0..0) };
    if let Some(failure) = verify(factory, &job, |_| ()).failure {
        panic!("{failure}");
    }
}
