//! Every registered collector passes the kit.

#![forbid(unsafe_code)]

use collectors::registry::standard;
use conformance::{Job, Kit};
use std::thread;

/// Programs for each collector. `gcw verify --seeds` plays more.
const SEEDS: u64 = 200;

#[test]
fn every_collector_passes() {
    let kit = standard::<Kit>();
    thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let entries = kit.entries().iter().skip(half).step_by(2);
            let each = entries.map(|entry| (entry.run, Job::of(entry.info.name, 0..SEEDS)));
            let jobs: Vec<_> = each.collect();
            scope.spawn(move || {
                let failures = jobs.iter().filter_map(|(run, job)| run(job).failure);
                failures.map(|failure| failure.to_string()).collect::<Vec<_>>()
            })
        });
        let failures = halves.map(|half| half.join().expect("the kit does not panic")).concat();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
}
