//! The queues of a trace or a cascade do not grow with the depth of the graph.

use crate::under::{Watch, each};
use workloads::{Needs, Parameters, find};

const PAGE_BYTES: u64 = 4096;
/// Maximum stacks of a collector, each with one page: a marker with four threads has four.
const MOST_STACKS: u64 = 4;

/// Peak bytes of the queues of each collector that has queues.
fn queues(program: &str, parameters: Parameters, needs: Needs) -> Vec<(String, u64)> {
    let prepared = find(program).unwrap().prepare(&parameters, 1).unwrap();
    let mut queues = Vec::new();
    each(&prepared, needs, Watch::Off, |collector, _, outcome| {
        queues.extend(outcome.queue_peak_bytes.map(|bytes| (collector.to_owned(), bytes)));
    });
    queues
}

#[test]
fn a_deep_list_needs_a_page_for_each_stack_however_long_it_is() {
    let needs = find("live-list").unwrap().needs;
    for live_objects in [1_000, 300_000] {
        let parameters = [("live_objects", live_objects), ("collections", 2)];
        let queues = queues("live-list", parameters.into(), needs);
        assert!(queues.len() >= 10, "{queues:?}");
        for (collector, bytes) in queues {
            let bound = MOST_STACKS * PAGE_BYTES;
            assert!(bytes <= bound, "{collector}: {bytes} bytes for {live_objects} objects");
        }
    }
}

#[test]
fn dropping_a_deep_list_needs_a_page_for_each_stack() {
    let parameters = [("nodes", 200_000), ("rounds", 2)];
    let queues = queues("deep-chain", parameters.into(), Needs::OWNED);
    for name in ["ownership", "manual", "rc", "rc-weak", "mark-sweep"] {
        let (_, bytes) = queues.iter().find(|(collector, _)| collector == name).unwrap();
        assert!(*bytes <= MOST_STACKS * PAGE_BYTES, "{name}: {bytes} bytes");
    }
    assert!(!queues.iter().any(|(collector, _)| collector == "no-gc"), "{queues:?}");
}
