//! Collectors with a barrier, on a heap of a size at which they collect by themselves, again and again.
//!
//! The conformance kit makes them collect in every state of a small heap. Here allocation does, and a
//! long array is scanned in pieces while its slots change.

#![forbid(unsafe_code)]

use collectors::{Generational, MarkSweepConcurrent, MarkSweepIncremental};
use heap::{Cause, Collector, Config, HeapConfig, Meter, Mutator, PauseKind, Shared, Slot};

heap::shape! {
    /// An object with a number.
    struct Numbered { shared NEXT; word ID; }
}

const SLOTS: u32 = 40_000;
const ROUNDS: u32 = 1_500_000;
/// Two and a half times the size of the array and its objects.
const LIMIT_BYTES: u64 = 5 * (SLOTS as u64 * (4 + 24)) / 2;

/// Puts new objects into slots here and there, and moves old ones.
fn churn<C: Collector>(config: &Config) -> Mutator<C, Meter> {
    let heap = HeapConfig { limit_bytes: Some(LIMIT_BYTES), ..HeapConfig::default() };
    let mut m = Mutator::<C, Meter>::new(heap, config, Meter::default()).expect("address space");
    let array = m.alloc_array(Shared, SLOTS, 0).expect("there is room");
    let mut expected = vec![None; SLOTS as usize];
    for round in 0..ROUNDS {
        let index = round.wrapping_mul(0x9e37_79b1) >> 8;
        let (from, to) = (index % SLOTS, index / 3 % SLOTS);
        if round % 8 == 0 {
            // Moved within the array: a part that was scanned may get it from one that was not.
            let object = m.load(m.get(&array), Slot::<Shared>::element(from));
            m.store(m.get(&array), Slot::<Shared>::element(to), object);
            m.store(m.get(&array), Slot::<Shared>::element(from), None);
            expected[to as usize] = expected[from as usize];
            expected[from as usize] = None;
        } else {
            let root = m.alloc::<Numbered>().expect("there is room");
            m.set_word(m.get(&root), Numbered::ID, u64::from(round));
            if round % 16 == 1 {
                m.store(m.get(&array), Slot::<Shared>::element(to), m.get(&root));
                expected[to as usize] = Some(u64::from(round));
            }
            m.drop(root);
        }
    }
    for (index, expected) in (0..).zip(expected) {
        let found = m.load(m.get(&array), Slot::<Shared>::element(index));
        assert_eq!(found.map(|object| m.word(object, Numbered::ID)), expected, "slot {index}");
    }
    assert_eq!(m.context().log.accounting_errors(), 0);
    m
}

fn keeps_the_limit<C: Collector>(m: &Mutator<C, Meter>) {
    let peak_bytes = m.heap().budget().peak_bytes();
    assert!(peak_bytes <= LIMIT_BYTES, "{peak_bytes} bytes, of {LIMIT_BYTES}");
}

/// Collections by cause.
fn collections<C: Collector>(m: &Mutator<C, Meter>) -> Vec<(Cause, u64)> {
    m.context().log.collections().collect()
}

#[test]
fn slices_end_before_the_memory_does() {
    fn check<C: Collector>() {
        let m = churn::<C>(&Config::default());
        keeps_the_limit(&m);
        let [(Cause::Growth, 10..)] = collections(&m)[..] else { panic!("{:?}", collections(&m)) };
        let pauses = m.context().log.pauses();
        assert!(pauses.iter().all(|pause| pause.kind == PauseKind::Increment));
        assert!(pauses.len() > 100, "{} slices", pauses.len());
    }
    check::<MarkSweepIncremental<false>>();
    check::<MarkSweepIncremental<true>>();
}

#[test]
fn what_old_objects_hold_is_found() {
    let m = churn::<Generational>(&Config::default());
    let pauses = m.context().log.pauses();
    assert!(pauses.len() > 5, "{} collections", pauses.len());
}

/// The scheduler decides the progress of the thread, but not how often memory is reused: at most the
/// limit is allocated before the first cycle ends, and between two ends.
#[test]
fn a_thread_marks_and_sweeps_beside_the_program() {
    let delayed = Config::read(MarkSweepConcurrent::PARAMETERS, "delay-300").expect("a setting");
    for config in [Config::default(), delayed] {
        let m = churn::<MarkSweepConcurrent>(&config);
        keeps_the_limit(&m);
        let cycles: u64 = collections(&m).into_iter().map(|(_, count)| count).sum();
        assert!(cycles >= m.allocated_bytes() / LIMIT_BYTES, "{config}: {cycles} cycles");
    }
}
