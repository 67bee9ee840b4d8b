//! Every registered collector passes the kit.

#![forbid(unsafe_code)]

use collectors::registry::{Entry, standard};
use conformance::{Job, verify};
use std::sync::{Mutex, PoisonError};
use std::{iter, thread};

/// Programs for each collector; `gcw verify --seeds` plays more. Fewer under the slow address sanitizer.
const SEEDS: u64 = if cfg!(gcw_asan) { 60 } else { 200 };

#[test]
fn every_collector_passes() {
    let kit = standard::<()>();
    let queue = Mutex::new(kit.entries().iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let fails = |entry: &Entry<()>| {
        let job = Job::of(entry.info.name, 0..SEEDS);
        let failure = verify(entry.factory, &job, |_| ()).failure?;
        Some(format!("{failure}\n\n{}", failure.as_test(&entry.type_path, "")))
    };
    thread::scope(|scope| {
        let workers =
            [(); 2].map(|()| scope.spawn(|| iter::from_fn(next).filter_map(fails).collect()));
        let failures: Vec<Vec<String>> = workers
            .into_iter()
            .map(|worker| worker.join().expect("the kit does not panic"))
            .collect();
        let failures = failures.concat();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    });
}
