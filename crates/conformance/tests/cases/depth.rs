//! Long lists: every discipline reclaims them on a stack of 512 KiB, which a recursion would overflow.

use collectors::registry::standard;
use conformance::Rules;
use heap::{Collector, CollectorFactory, Config, HeapConfig, Mutator, Off};
use std::thread;

heap::shape! {
    /// A node of a list: the smallest cell.
    struct Node {
        own NEXT;
        shared ASIDE;
    }
}

const STACK_BYTES: usize = 512 * 1024;
const NODES: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };

fn build_and_free(factory: CollectorFactory) {
    let heap = HeapConfig { limit_bytes: None, ..HeapConfig::default() };
    let make = |heap: &_| factory.collector(heap, &Config::default());
    let m = &mut Mutator::with(heap, Off, make).expect("address space");
    let mut list = m.alloc::<Node>().expect("there is room");
    for _ in 1..NODES {
        list = m.build::<Node, 1>([list]).expect("there is room");
    }
    assert_eq!(m.reachable().expect("address space").objects, NODES);
    m.free(list);
    m.collect();
    let rules = Rules::of(factory.caps);
    let is_kept = matches!(rules, Rules::NeverReclaims | Rules::EndsRegions);
    let left = m.collector().parts().allocated().objects;
    assert_eq!(left, if is_kept { NODES } else { 0 }, "{rules:?}");
}

#[test]
fn a_long_list_is_reclaimed_on_a_small_stack() {
    for entry in standard::<()>().entries() {
        let factory = entry.factory;
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn(move || build_and_free(factory));
        let thread = thread.expect("a thread can be started");
        thread.join().unwrap_or_else(|_| panic!("{} failed", entry.info.name));
    }
}
