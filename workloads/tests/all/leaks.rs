//! What is leaked is leaked by design of the program, and known to the byte.

use crate::under::{Unwatched, each};
use heap::Occupancy;
use workloads::{Parameters, find};

/// Checks what each collector but the one that never reclaims anything leaves after the teardown:
/// `expected` where `leaks` says so, otherwise nothing.
fn check(program: &str, parameters: Parameters, leaks: &[&str], expected: Occupancy) {
    let entry = find(program).unwrap();
    let prepared = entry.prepare(&parameters, 1).unwrap();
    let mut leaked = Vec::new();
    each::<Unwatched>(&prepared, entry.needs, |collector, _, outcome| {
        if outcome.leaked != Occupancy::default() && collector != "no-gc" {
            assert_eq!(outcome.leaked, expected, "{program} under {collector}");
            leaked.push(collector.to_owned());
        }
    });
    assert_eq!(leaked, leaks, "{program}");
}

#[test]
fn counting_leaks_every_node_of_every_ring_and_nothing_else() {
    for (rings, ring_length, kept_permille) in [(50, 1, 0), (50, 1, 300), (20, 7, 500)] {
        let parameters = [
            ("rings", rings),
            ("ring_length", ring_length),
            ("chords", 2),
            ("kept_permille", kept_permille),
            ("rings_per_batch", 8),
            ("ballast", 100),
        ];
        let objects = rings * ring_length;
        for program in ["cycle-torture", "cycle-torture@regions"] {
            let rings = Occupancy { objects, bytes: 24 * objects };
            let counting = ["rc", "rc|count-loads", "rc-weak"];
            check(program, parameters.into(), &counting, rings);
        }
    }
}

#[test]
fn counted_back_links_leak_the_whole_final_cache() {
    // As many pages as entries, asked for often enough to be cached all: none is evicted.
    let parameters = [("pages", 20), ("capacity", 20), ("requests", 2000)];
    let entry = find("lru-cache").unwrap();
    let mut bytes = None;
    let prepared = entry.prepare(&parameters.into(), 1).unwrap();
    each::<Unwatched>(&prepared, entry.needs, |collector, _, outcome| {
        if collector == "rc" {
            bytes = Some(outcome.live.bytes);
        }
    });
    // What is live at the end but for the cache itself and its 32 buckets.
    let bytes = bytes.expect("rc is registered") - 24 - (16 + 4 * 32);
    let entries = Occupancy { objects: 3 * 20, bytes };
    check("lru-cache", parameters.into(), &["rc", "rc|count-loads"], entries);
}
