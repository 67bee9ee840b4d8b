//! What is a pause in the pause pass: every operation that frees, and each collection, once.

#![forbid(unsafe_code)]

use collectors::{MarkSweep, Ownership, Rc, RcWeak, Region};
use heap::{Collector, Config, HeapConfig, Mutator, Off, Own, PauseKind, Slot};

heap::shape! {
    /// A node of a list.
    struct Node { own NEXT; }
}

/// Counts the pauses of `operation`, all of them of this kind.
fn pauses<C: Collector>(
    m: &mut Mutator<C, Off>,
    kind: PauseKind,
    operation: impl FnOnce(&mut Mutator<C, Off>),
) -> u64 {
    let before = m.context().log.pause_count();
    operation(m);
    let log = &m.context().log;
    assert!(log.pauses().iter().all(|pause| pause.kind == kind), "{:?}", log.pauses());
    log.pause_count() - before
}

fn mutator<C: Collector>() -> Mutator<C, Off> {
    let mut m = Mutator::<C, Off>::new(HeapConfig::default(), &Config::default(), Off)
        .expect("address space");
    m.log_every_pause(100);
    m
}

#[test]
fn freeing_one_object_is_a_pause_and_so_is_freeing_a_list() {
    fn check<C: Collector>() {
        let m = &mut mutator::<C>();
        for length in [1, 500] {
            let dropped = pauses(m, PauseKind::Cascade, |m| {
                let mut list = m.alloc::<Node>().expect("there is room");
                for _ in 1..length {
                    list = m.build::<Node, 1>([list]).expect("there is room");
                }
                m.drop(list);
            });
            assert_eq!(dropped, 1, "a list of {length}");
        }
    }
    check::<Ownership>();
    check::<Rc>();
    check::<RcWeak>();
}

#[test]
fn objects_that_lost_their_owners_together_are_one_pause() {
    fn check<C: Collector>() {
        let m = &mut mutator::<C>();
        let array = m.alloc_array(Own, 10, 0).expect("there is room");
        for index in 0..10 {
            let node = m.alloc::<Node>().expect("there is room");
            m.put(m.get(&array), Slot::<Own>::element(index), node);
        }
        let freed = pauses(m, PauseKind::Cascade, |m| {
            (0..10).for_each(|index| m.put(m.get(&array), Slot::<Own>::element(index), None));
            m.safepoint();
        });
        assert_eq!(freed, 1);
    }
    check::<Ownership>();
    check::<Rc>();
    check::<RcWeak>();
}

#[test]
fn a_region_ends_in_one_pause_where_regions_are_freed() {
    fn check<C: Collector>(expected: u64) {
        let m = &mut mutator::<C>();
        let ended = pauses(m, PauseKind::Cascade, |m| {
            let region = m.region();
            m.alloc_in::<Node>(&region).map(|local| m.forget(local)).expect("there is room");
            m.end_region(region);
        });
        assert_eq!(ended, expected);
    }
    check::<Region>(1);
    check::<Ownership>(1);
    check::<MarkSweep>(0);
}

#[test]
fn a_collection_is_a_pause_in_both_passes_and_a_drop_in_one() {
    fn drop_and_collect<C: Collector>(m: &mut Mutator<C, Off>) -> u64 {
        let root = m.alloc::<Node>().expect("there is room");
        m.drop(root);
        m.collect();
        m.context().log.pause_count()
    }
    let heap = HeapConfig::default;
    let timed = &mut Mutator::<MarkSweep, Off>::new(heap(), &Config::default(), Off).unwrap();
    assert_eq!((drop_and_collect(timed), drop_and_collect(&mut mutator::<MarkSweep>())), (1, 1));
    let timed = &mut Mutator::<Ownership, Off>::new(heap(), &Config::default(), Off).unwrap();
    assert_eq!((drop_and_collect(timed), drop_and_collect(&mut mutator::<Ownership>())), (0, 1));
}
