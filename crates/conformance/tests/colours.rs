//! The colours detector, on incremental and concurrent collectors without their barriers.

#![forbid(unsafe_code)]

use collectors::{MarkSweepConcurrent, MarkSweepIncremental};
use conformance::{Detector, Detectors, Job, verify};
use heap::{Collector, CollectorFactory};

const SEEDS: u64 = 120;

#[test]
fn a_missing_barrier_is_found_by_colours_more_often_than_by_the_model() {
    finds::<MarkSweepIncremental<false>>("deletion");
    finds::<MarkSweepIncremental<true>>("insertion");
    finds::<MarkSweepConcurrent>("snapshot");
}

fn finds<C: Collector>(barrier: &str) {
    let factory = CollectorFactory::of::<C>();
    let job = || Job {
        mutant: Some("a barrier shades nothing".to_owned()),
        ..Job::of(barrier, 0..SEEDS)
    };
    let failed = |detector| {
        let detectors = Detectors::only(detector);
        verify(factory, &Job { detectors, shrinks: false, counts: true, ..job() }, |_| ()).failed
    };
    let (colours, model) = (failed(Detector::Colours), failed(Detector::Model));
    assert!(
        colours > model && colours > 5,
        "{barrier}: {colours} programs by colours, {model} by the model"
    );
    let failure =
        verify(factory, &job(), |_| ()).failure.expect("all detectors together find it, too");
    assert!(failure.program.ops.len() <= 15, "{failure}");
}
