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

/// Each needs a store at one moment of a cycle: steps reach it under every schedule.
#[test]
fn a_mistake_in_marking_is_found_in_steps() {
    for mutant in ["a barrier shades nothing", "a remark is skipped"] {
        assert!(finds(mutant, "", 5 * SEEDS), "{mutant}");
    }
}

/// Under every schedule.
#[test]
fn a_mistake_is_found_beside_the_program() {
    assert!(finds("an object allocated while marking is swept", "delay-30", 10 * SEEDS));
}

fn finds(mutant: &str, settings: &str, seeds: u64) -> bool {
    let config = match settings {
        "" => Config::default(),
        _ => Config::read(MarkSweepConcurrent::PARAMETERS, settings).expect("a setting"),
    };
    let mutant = Some(mutant.to_owned());
    let job = Job { config, mutant, shrinks: false, ..Job::of(settings, 0..seeds) };
    verify(CollectorFactory::of::<MarkSweepConcurrent>(), &job, |_| ()).failure.is_some()
}
