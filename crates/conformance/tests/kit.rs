//! Every registered collector passes the kit.

#![forbid(unsafe_code)]

use collectors::registry::standard;
use conformance::{Job, Kit, Report};
use std::thread;

/// Programs for each collector. `gcw verify --seeds` plays more.
const SEEDS: u64 = 200;

#[test]
fn every_collector_passes() {
    let kit = standard::<Kit>();
    thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let entries = kit.entries().iter().skip(half).step_by(2);
            let jobs: Vec<_> = entries
                .map(|entry| (entry.run, Job::of(entry.info.name, 0..SEEDS), &entry.type_path))
                .collect();
            scope.spawn(move || {
                let fail = |(run, job, type_path): &(fn(&Job) -> Report, Job, &String)| {
                    let failure = run(job).failure?;
                    Some(format!("{failure}\n\n{}", failure.as_test(type_path, "")))
                };
                jobs.iter().filter_map(fail).collect::<Vec<_>>()
            })
        });
        let failures = halves.map(|half| half.join().expect("the kit does not panic")).concat();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
}
