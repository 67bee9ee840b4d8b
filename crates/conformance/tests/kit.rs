//! Every registered collector passes the kit.

#![forbid(unsafe_code)]

use collectors::registry::standard;
use conformance::{Job, verify};
use std::thread;

/// Programs for each collector. `gcw verify --seeds` plays more.
const SEEDS: u64 = 200;

#[test]
fn every_collector_passes() {
    let kit = standard::<()>();
    thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let entries = kit.entries().iter().skip(half).step_by(2);
            let disciplines: Vec<_> = entries
                .map(|entry| (entry.info.name, entry.discipline, entry.type_path.as_str()))
                .collect();
            scope.spawn(move || {
                let fails = |(name, discipline, type_path): (&str, _, &str)| {
                    let failure = verify(discipline, &Job::of(name, 0..SEEDS), |_| ()).failure?;
                    Some(format!("{failure}\n\n{}", failure.as_test(type_path, "")))
                };
                disciplines.into_iter().filter_map(fails).collect::<Vec<_>>()
            })
        });
        let failures = halves.map(|half| half.join().expect("the kit does not panic")).concat();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
}
