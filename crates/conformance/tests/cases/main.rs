//! Hand-written cases: states that random programs reach too seldom, and every defect found so far.

#![forbid(unsafe_code)]

mod counts;
mod depth;
mod limit;
mod mistakes;
mod ownership;
mod parking;
mod weak;

use collectors::registry::standard;
use conformance::program::Pair;
use heap::{
    AnyCollector, Caps, Checker, Collector, CollectorFactory, Config, HeapConfig, Mutator, Off,
    Probe, Ref, Root, verify,
};

/// A mutator of any collector.
type Any<P> = Mutator<AnyCollector, P>;

/// Plays a case under every collector that it suits: in checking mode, and without a probe.
fn check(suits: fn(Caps) -> bool, checked: fn(&mut Any<Checker>), unchecked: fn(&mut Any<Off>)) {
    check_limited(None, suits, checked, unchecked);
}

/// As [`check`], in a heap with this limit.
fn check_limited(
    limit_bytes: Option<u64>,
    suits: fn(Caps) -> bool,
    checked: fn(&mut Any<Checker>),
    unchecked: fn(&mut Any<Off>),
) {
    let registry = standard::<()>();
    for factory in registry.entries().iter().map(|entry| entry.factory) {
        if suits(factory.caps) {
            checked(&mut chosen(factory, limit_bytes, Checker::default()));
            unchecked(&mut chosen(factory, limit_bytes, Off));
        }
    }
}

fn chosen<P: Probe>(factory: CollectorFactory, limit_bytes: Option<u64>, probe: P) -> Any<P> {
    let heap = HeapConfig { limit_bytes, ..HeapConfig::default() };
    let make = |heap: &_| factory.collector(heap, &Config::default());
    Mutator::with(heap, probe, make).expect("address space")
}

fn limited<C: Collector, P: Probe>(limit_bytes: Option<u64>, probe: P) -> Mutator<C, P> {
    let heap = HeapConfig { limit_bytes, ..HeapConfig::default() };
    Mutator::new(heap, &Config::default(), probe).expect("address space")
}

fn mutator<C: Collector>() -> Mutator<C, Checker> {
    limited(None, Checker::default())
}

/// A pair whose payload is its id.
fn pair<C: Collector, P: Probe>(m: &mut Mutator<C, P>, id: u64) -> Root {
    let root = m.alloc::<Pair>().expect("there is room");
    m.set_word(m.get(&root), Pair::ID, id);
    root
}

fn id<C: Collector, P: Probe>(m: &Mutator<C, P>, object: Ref<'_>) -> u64 {
    m.word(object, Pair::ID)
}

fn objects<C: Collector, P: Probe>(m: &Mutator<C, P>) -> u64 {
    m.collector().parts().allocated().objects
}

fn verified<C: Collector, P: Probe>(m: &Mutator<C, P>) -> u64 {
    let is_allocated = |object| m.collector().parts().is_allocated(object);
    verify(m.heap(), &m.context().roots, is_allocated).expect("the heap is sound").objects
}
