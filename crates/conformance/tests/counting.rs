//! Cases of deferred counting and of trial deletion.

#![forbid(unsafe_code)]

use collectors::{Rc, RcCycles, RcDeferred};
use conformance::program::Pair;
use conformance::{Job, verify};
use heap::os::PAGE_BYTES;
use heap::{
    Collector, CollectorFactory, Config, HeapConfig, Mutator, Off, Own, PauseKind, Root, Slot,
};

fn mutator<C: Collector>() -> Mutator<C, Off> {
    mutator_with(Config::default())
}

fn mutator_with<C: Collector>(config: Config) -> Mutator<C, Off> {
    Mutator::new(HeapConfig::default(), &config, Off).expect("address space")
}

fn config<C: Collector>(settings: &str) -> Config {
    Config::read(C::PARAMETERS, settings).expect("the collector understands it")
}

fn pair<C: Collector>(m: &mut Mutator<C, Off>) -> Root {
    m.alloc::<Pair>().expect("there is room")
}

/// Allocates and drops `pairs` pairs.
fn churn<C: Collector>(m: &mut Mutator<C, Off>, pairs: u32) {
    for _ in 0..pairs {
        let root = pair(m);
        m.drop(root);
    }
}

#[test]
fn the_smallest_slices_pass_the_kit() {
    // Programs run any operation between two slices of one object.
    let job = Job { config: config::<RcDeferred>("slice-1"), ..Job::of("slice-1", 0..120) };
    if let Some(failure) = verify(CollectorFactory::of::<RcDeferred>(), &job, |_| ()).failure {
        panic!("{failure}");
    }
}

/// Drops a list of 200,000 pairs whose middle is rooted. Returns the number of objects left after 100,000 more
/// allocations and a collection, and the number of increments until then.
fn drop_a_list<C: Collector>(m: &mut Mutator<C, Off>) -> (u64, usize) {
    let mut list = pair(m);
    let mut middle = m.null_local();
    for place in 1..200_000 {
        let head = pair(m);
        m.put(m.get(&head), Pair::LEFT, list);
        list = head;
        if place == 100_000 {
            middle = m.local(m.get(&list));
        }
    }
    m.drop(list);
    let before = m.context().log.pauses().len();
    churn(m, 100_000);
    m.collect();
    m.forget(middle);
    let increments = m.context().log.pauses()[before..].iter();
    let increments = increments.filter(|pause| pause.kind == PauseKind::Increment).count();
    (m.collector().parts().allocated().objects, increments)
}

#[test]
fn slices_reclaim_as_much_as_a_whole_epoch_and_spare_rooted_objects() {
    let (whole, epochs) = drop_a_list(&mut mutator::<RcDeferred>());
    let (sliced, slices) =
        drop_a_list::<RcDeferred>(&mut mutator_with(config::<RcDeferred>("slice-1024")));
    assert_eq!((whole, sliced), (100_001, 100_001), "the rooted half and all below it");
    assert!(slices > epochs + 100_000 / 1024, "{slices} slices, {epochs} epochs");
}

#[test]
fn many_stores_to_one_object_are_one_log_entry() {
    let m = &mut mutator::<RcDeferred>();
    let (holder, a, b) = (pair(m), pair(m), pair(m));
    m.collect();
    let before = m.footprint().metadata_bytes;
    for _ in 0..100_000 {
        m.store(m.get(&holder), Pair::FIRST, m.get(&a));
        m.store(m.get(&holder), Pair::FIRST, m.get(&b));
    }
    // A page for the object, and one for the old values of its slots.
    assert!(m.footprint().metadata_bytes <= before + 2 * PAGE_BYTES as u64);
    let array = m.alloc_array(Own, 100, 0).expect("there is room");
    m.collect();
    for index in 0..100 {
        let leaf = pair(m);
        m.put(m.get(&array), Slot::element(index), leaf);
        m.put(m.get(&array), Slot::element(index), None);
    }
    m.collect();
    assert_eq!(m.collector().parts().allocated().objects, 4, "three pairs and the array");
    assert_eq!(m.verify_collector(), Ok(()));
}

#[test]
fn the_buffer_of_possible_roots_is_bounded_by_the_allocated_objects() {
    let m = &mut mutator::<RcCycles>();
    let before = m.footprint().metadata_bytes;
    for _ in 0..300_000 {
        let root = pair(m);
        let local = m.local(m.get(&root));
        m.forget(local);
        m.drop(root);
    }
    // Each object was a possible root once, and all are freed.
    assert!(m.footprint().metadata_bytes <= before + (64 << 10) + PAGE_BYTES as u64);
}

#[test]
fn a_heap_that_does_not_grow_is_not_tried() {
    let m = &mut mutator::<RcCycles>();
    let table = m.alloc_array(Own, 1000, 0).expect("there is room");
    for index in 0..1000 {
        let held = pair(m);
        m.put(m.get(&table), Slot::element(index), held);
    }
    let cursor = m.null_local();
    for step in 0..1_000_000u32 {
        let view = m.load(m.get(&table), Slot::<Own>::element(step % 1000));
        m.assign(&cursor, view);
        if step % 10 == 0 {
            churn(m, 1);
        }
    }
    assert_eq!(m.context().log.pauses().len(), 0);
}

#[test]
fn rings_are_reclaimed_while_the_heap_grows_and_at_its_limit() {
    fn ring<C: Collector>(m: &mut Mutator<C, Off>) -> Result<(), heap::OutOfMemory> {
        let (a, b) = (m.alloc::<Pair>()?, m.alloc::<Pair>()?);
        m.store(m.get(&a), Pair::FIRST, m.get(&b));
        m.store(m.get(&b), Pair::FIRST, m.get(&a));
        m.drop(a);
        m.drop(b);
        Ok(())
    }
    let free = &mut mutator::<RcCycles>();
    (0..1_000_000).for_each(|_| ring(free).expect("there is room"));
    assert!(
        free.heap().budget().peak_bytes() < 8 << 20,
        "a hundred megabytes of rings are reclaimed"
    );

    let limited = HeapConfig { limit_bytes: Some(1 << 20), ..HeapConfig::default() };
    let config = Config::default();
    let tight = &mut Mutator::<RcCycles, Off>::new(limited, &config, Off).expect("address space");
    assert!((0..100_000).all(|_| ring(tight).is_ok()));
    let counted = &mut Mutator::<Rc, Off>::new(limited, &config, Off).expect("address space");
    assert!(!(0..100_000).all(|_| ring(counted).is_ok()), "counting alone fills the heap");
}
