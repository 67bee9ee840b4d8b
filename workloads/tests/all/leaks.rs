//! Leaks are by design of the program, and their size is exact.

use crate::under::{Watch, each, reclaims};
use heap::Occupancy;
use workloads::{Parameters, find};

/// Collectors that leave objects after the teardown, and their sum; except those that never reclaim.
fn leaks(program: &str, parameters: Parameters) -> Vec<(String, Occupancy)> {
    let entry = find(program).unwrap();
    let prepared = entry.prepare(&parameters, 1).unwrap();
    let mut leaks = Vec::new();
    each(&prepared, entry.needs, Watch::Off, |collector, caps, outcome| {
        if outcome.leaked != Occupancy::default() && reclaims(caps) {
            leaks.push((collector.to_owned(), outcome.leaked));
        }
    });
    leaks
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
        let all_rings = Occupancy { objects, bytes: 32 * objects };
        let expected = ["rc", "rc|count-loads", "rc-weak", "rc-deferred"]
            .map(|name| (name.to_owned(), all_rings));
        for program in ["cycle-torture", "cycle-torture@regions"] {
            assert_eq!(leaks(program, parameters.into()), expected, "{program}");
        }
    }
}

#[test]
fn counted_back_links_leak_the_whole_final_cache() {
    let capacity = 20;
    let parameters = [("pages", 50), ("capacity", capacity), ("requests", 2000)];
    let leaks = leaks("lru-cache", parameters.into());
    let leaked: Vec<_> = leaks.iter().map(|(name, leak)| (name.as_str(), leak.objects)).collect();
    // An entry, its key and its body.
    let expected = ["rc", "rc|count-loads", "rc-deferred"].map(|name| (name, 3 * capacity));
    assert_eq!(leaked, expected);
}
