//! Collectors with a barrier, on a heap of a size at which they collect by themselves, again and again.
//!
//! The conformance kit has them collect in every state of a small heap; here it is allocation that
//! makes them, and a long array that is looked at in pieces while its slots change.

#![forbid(unsafe_code)]

use collectors::{Generational, MarkSweepConcurrent, MarkSweepIncremental};
use heap::{Collector, Commit, Config, HeapConfig, Meter, Mutator, Pause, PauseKind, Shared, Slot};

heap::shape! {
    /// An object with a number.
    struct Numbered { shared NEXT; word ID; }
}

const SLOTS: u32 = 40_000;
const ROUNDS: u32 = 1_500_000;
/// Two and a half times what the array and its objects take.
const LIMIT_BYTES: u64 = 5 * (SLOTS as u64 * (4 + 24)) / 2;

/// Puts new objects into slots here and there, and moves old ones; returns the pauses, and the most that
/// was held.
fn churn<C: Collector>(config: &Config) -> (Vec<Pause>, u64) {
    let heap = HeapConfig { limit_bytes: Some(LIMIT_BYTES), commit: Commit::Lazily };
    let mut m = Mutator::<C, Meter>::new(heap, config, Meter::default()).expect("address space");
    let array = m.alloc_array(Shared, SLOTS, 0).expect("there is room");
    let mut expected = vec![None; SLOTS as usize];
    for round in 0..ROUNDS {
        let index = round.wrapping_mul(0x9e37_79b1) >> 8;
        let (from, to) = (index % SLOTS, index / 3 % SLOTS);
        if round % 8 == 0 {
            // Moved within the array: a part that has been looked at may get it from one that has not.
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
    (m.context().log.pauses().to_vec(), m.heap().budget().peak_bytes())
}

#[test]
fn slices_end_before_the_memory_does() {
    let config = Config::default();
    for (pauses, peak_bytes) in [
        churn::<MarkSweepIncremental<false>>(&config),
        churn::<MarkSweepIncremental<true>>(&config),
    ] {
        let others = pauses.iter().filter(|pause| pause.kind != PauseKind::Increment);
        assert_eq!(others.collect::<Vec<_>>(), [] as [&Pause; 0]);
        assert!(pauses.len() > 100, "{} slices", pauses.len());
        assert!(peak_bytes <= LIMIT_BYTES, "{peak_bytes} bytes, of {LIMIT_BYTES}");
    }
}

#[test]
fn what_old_objects_hold_is_found() {
    let (pauses, _) = churn::<Generational>(&Config::default());
    assert!(pauses.len() > 5, "{} collections", pauses.len());
}

/// The thread may be held up for long on a machine that is busy, so nothing is said of stalls.
#[test]
fn a_thread_marks_and_sweeps_beside_the_program() {
    let delayed = Config::read(MarkSweepConcurrent::PARAMETERS, "delay-300").expect("a setting");
    for config in [Config::default(), delayed] {
        let (pauses, peak_bytes) = churn::<MarkSweepConcurrent>(&config);
        let stops = pauses.iter().filter(|pause| pause.kind == PauseKind::Stw).count();
        assert!(stops > 10, "{config}: {stops} starts and remarks");
        assert!(peak_bytes <= LIMIT_BYTES, "{config}: {peak_bytes} bytes, of {LIMIT_BYTES}");
    }
}
