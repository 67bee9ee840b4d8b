//! Mark-sweep on several threads: on one it is mark-sweep to the byte, on more it keeps the same
//! objects, under the same limit.

#![forbid(unsafe_code)]

use collectors::{MarkSweep, MarkSweepParallel};
use heap::{Collector, Config, HeapConfig, Local, Mutator, Occupancy, Shared, Slot};

heap::shape! {
    /// An object with a number.
    struct Numbered { shared LEFT, RIGHT; word ID; }
}

const SLOTS: u32 = 20_000;
const ROUNDS: u32 = 400_000;
const LIMIT_BYTES: u64 = 3 * (SLOTS as u64 * (4 + 2 * 24)) / 2;

/// Results of a run.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    collections: u64,
    left: Occupancy,
    peak_bytes: u64,
}

/// Puts new objects into slots of a long array here and there, each with one that was in another.
/// Returns the results, and the most threads that collected at once.
fn churn<C: Collector>(settings: &str) -> (Outcome, u32) {
    let heap = HeapConfig { limit_bytes: Some(LIMIT_BYTES), ..HeapConfig::default() };
    let config = match settings {
        "" => Config::default(),
        _ => Config::read(C::PARAMETERS, settings).expect("settings that it understands"),
    };
    let mut m = Mutator::<C>::new(heap, &config, heap::Off).expect("address space");
    let array = m.alloc_array(Shared, SLOTS, 0).expect("there is room");
    let mut expected = vec![None; SLOTS as usize];
    for round in 0..ROUNDS {
        let index = round.wrapping_mul(0x9e37_79b1) >> 8;
        let (from, to) = (index % SLOTS, index / 3 % SLOTS);
        let root = m.alloc::<Numbered>().expect("there is room");
        m.set_word(m.get(&root), Numbered::ID, u64::from(round));
        if round % 4 == 0 {
            let other = m.load(m.get(&array), Slot::<Shared>::element(from));
            other.inspect(|&other| m.store(other, Numbered::LEFT, None));
            m.store(m.get(&root), Numbered::LEFT, other);
            m.store(m.get(&array), Slot::<Shared>::element(to), m.get(&root));
            expected[to as usize] = Some(u64::from(round));
        }
        m.drop(root);
    }
    let array: &Local = &m.local(m.get(&array));
    for (index, expected) in (0..).zip(expected) {
        let found = m.load(m.get(array), Slot::<Shared>::element(index));
        assert_eq!(found.map(|object| m.word(object, Numbered::ID)), expected, "slot {index}");
    }
    assert_eq!(m.verify_collector(), Ok(()));
    let outcome = Outcome {
        collections: m.context().log.collections().map(|(_, count)| count).sum(),
        left: m.collector().parts().allocated(),
        peak_bytes: m.heap().budget().peak_bytes(),
    };
    (outcome, m.collector().threads())
}

#[test]
fn on_one_thread_it_is_mark_sweep() {
    let (expected, _) = churn::<MarkSweep>("");
    let (alone, threads) = churn::<MarkSweepParallel>("threads-1|parallel-threshold-1");
    assert_eq!(threads, 1);
    assert!(alone.collections > 5, "{alone:?}");
    assert_eq!((alone.collections, alone.left), (expected.collections, expected.left));
    // Its mark stack is shorter, for it scans the array in pieces.
    assert!(alone.peak_bytes <= expected.peak_bytes, "{alone:?}, {expected:?}");
}

#[test]
fn on_several_threads_it_keeps_the_same_objects_and_the_limit() {
    for threads in [2, 3] {
        let (together, most) =
            churn::<MarkSweepParallel>(&format!("threads-{threads}|parallel-threshold-1"));
        assert_eq!(most, threads);
        assert!(together.collections > 5, "{together:?}");
        assert!(together.peak_bytes <= LIMIT_BYTES, "{together:?}");
    }
}

#[test]
fn a_small_heap_is_marked_by_one_thread_however_many_there_are() {
    let (_, most) = churn::<MarkSweepParallel>("threads-4");
    assert_eq!(most, 1);
}
