//! Hand-written cases: what random programs reach too seldom, and every defect found so far.

#![forbid(unsafe_code)]

mod counts;
mod depth;
mod limit;
mod mistakes;
mod ownership;
mod parking;
mod weak;

use collectors::registry::{Harness, standard};
use conformance::Rules;
use conformance::program::Pair;
use heap::{
    Caps, Checker, Collector, Commit, Config, HeapConfig, Mutator, Off, Probe, Ref, Root, verify,
};
use std::marker::PhantomData;

/// A program that some collectors are to run.
trait Case {
    /// Which ones.
    fn suits(caps: Caps) -> bool {
        let _ = caps;
        true
    }

    /// The limit of the heap.
    const LIMIT_BYTES: Option<u64> = None;

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, rules: Rules);
}

struct Played<T>(PhantomData<T>);

impl<T: Case> Harness for Played<T> {
    type Job = Rules;
    type Report = ();

    fn run<C: Collector>(&rules: &Rules) {
        T::play::<C, _>(&mut limited(T::LIMIT_BYTES, Checker::default()), rules);
        T::play::<C, _>(&mut limited(T::LIMIT_BYTES, Off), rules);
    }
}

/// Plays a case under every collector that it suits.
fn check<T: Case>() {
    for entry in standard::<Played<T>>().entries().iter().filter(|entry| T::suits(entry.caps)) {
        (entry.run)(&Rules::of(entry.caps));
    }
}

fn limited<C: Collector, P: Probe>(limit_bytes: Option<u64>, probe: P) -> Mutator<C, P> {
    let heap = HeapConfig { limit_bytes, commit: Commit::Lazily };
    Mutator::new(heap, &Config::default(), probe).expect("address space")
}

fn mutator<C: Collector>() -> Mutator<C, Checker> {
    limited(None, Checker::default())
}

/// A pair whose payload says which one it is.
fn pair<C: Collector, P: Probe>(m: &mut Mutator<C, P>, id: u64) -> Root {
    let root = m.alloc::<Pair>().expect("there is room");
    m.set_word(m.get(&root), Pair::ID, id);
    root
}

fn id<C: Collector, P: Probe>(m: &Mutator<C, P>, object: Ref<'_>) -> u64 {
    m.word(object, Pair::ID)
}

fn objects<C: Collector, P: Probe>(m: &Mutator<C, P>) -> u64 {
    m.collector().occupied().objects
}

fn verified<C: Collector, P: Probe>(m: &Mutator<C, P>) -> u64 {
    let is_allocated = |object| m.collector().is_allocated(object);
    verify(m.heap(), &m.context().roots, is_allocated).expect("the heap is sound").objects
}
