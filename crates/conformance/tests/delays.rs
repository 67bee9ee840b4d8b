//! The concurrent collector with delayed hand-overs: a cycle that a program begins then goes on by itself, so
//! the thread marks and sweeps beside all operations of the kit. Also run by `scripts/tsan.sh`.

#![forbid(unsafe_code)]

use collectors::MarkSweepConcurrent;
use conformance::{Job, verify};
use heap::{Collector, CollectorFactory, Config};

/// Programs for each delay.
const SEEDS: u64 = if cfg!(gcw_tsan) { 20 } else { 60 };

#[test]
fn a_thread_that_is_delayed_loses_nothing() {
    for settings in ["delay-1", "delay-30", "delay-1000"] {
        let config = Config::read(MarkSweepConcurrent::PARAMETERS, settings).expect("a setting");
        let job = Job { config, ..Job::of(settings, 0..SEEDS) };
        let failure = verify(CollectorFactory::of::<MarkSweepConcurrent>(), &job, |_| ()).failure;
        assert!(failure.is_none(), "{}", failure.map_or(String::new(), |f| f.to_string()));
    }
}

#[test]
fn a_remark_that_is_skipped_is_missed_in_steps() {
    let mutant = Some("a remark is skipped".to_owned());
    let job = Job { mutant, shrinks: false, ..Job::of("steps", 0..5 * SEEDS) };
    assert!(verify(CollectorFactory::of::<MarkSweepConcurrent>(), &job, |_| ()).failure.is_some());
}

#[test]
fn a_mistake_is_found_beside_the_program() {
    for mutant in ["a barrier shades nothing", "an object allocated while marking is swept"] {
        let config = Config::read(MarkSweepConcurrent::PARAMETERS, "delay-30").expect("a setting");
        let mutant = Some(mutant.to_owned());
        let job = Job { config, mutant, shrinks: false, ..Job::of("delay-30", 0..10 * SEEDS) };
        assert!(
            verify(CollectorFactory::of::<MarkSweepConcurrent>(), &job, |_| ()).failure.is_some(),
            "{:?}",
            job.mutant
        );
    }
}
