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
use conformance::Rules;
use conformance::program::Pair;
use heap::{
    AnyCollector, Caps, Checker, Collector, CollectorFactory, Commit, Config, HeapConfig, Mutator,
    Off, Probe, Ref, Root, verify,
};

/// A program for some collectors.
trait Case {
    /// Whether it suits a collector with these capabilities.
    fn suits(caps: Caps) -> bool {
        let _ = caps;
        true
    }

    /// The limit of the heap.
    const LIMIT_BYTES: Option<u64> = None;

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, rules: Rules);
}

/// Plays a case under every collector that it suits, in checking mode and without a probe.
fn check<T: Case>() {
    for entry in standard::<()>().entries().iter() {
        let factory = entry.factory;
        if T::suits(factory.caps) {
            let rules = Rules::of(factory.caps);
            T::play(&mut chosen(factory, T::LIMIT_BYTES, Checker::default()), rules);
            T::play(&mut chosen(factory, T::LIMIT_BYTES, Off), rules);
        }
    }
}

fn chosen<P: Probe>(
    factory: CollectorFactory,
    limit_bytes: Option<u64>,
    probe: P,
) -> Mutator<AnyCollector, P> {
    let heap = HeapConfig { limit_bytes, commit: Commit::Lazily };
    let make = |heap: &_| factory.collector(heap, &Config::default());
    Mutator::with(heap, probe, make).expect("address space")
}

fn limited<C: Collector, P: Probe>(limit_bytes: Option<u64>, probe: P) -> Mutator<C, P> {
    let heap = HeapConfig { limit_bytes, commit: Commit::Lazily };
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
