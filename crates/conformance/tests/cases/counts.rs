//! Counts that reach their maximum stick: their objects leak, and nothing in use is freed.

use super::{Any, check, mutator, objects, pair};
use collectors::{Rc, RcWeak};
use conformance::Rules;
use heap::{Borrow, Collector, Count, Probe, Shared, Slot};
use std::sync::atomic::Ordering::Relaxed;

/// More references than 13 bits count.
const MANY: u32 = (1 << 13) + 8;

#[test]
fn a_saturated_strong_count_sticks() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let rules = Rules::of(m.collector().caps());
        let target = pair(m, 1);
        let array = m.alloc_array(Shared, MANY, 0).expect("there is room");
        for index in 0..MANY {
            m.store(m.get(&array), Slot::<Shared>::element(index), m.get(&target));
        }
        for index in 0..MANY {
            m.store(m.get(&array), Slot::<Shared>::element(index), None);
        }
        m.drop(target);
        m.tear_down();
        let stuck = u64::from(rules == Rules::CountsWeakly);
        assert_eq!(objects(m), stuck, "a count of 13 bits sticks, one of 26 does not yet");
    }
    check(|caps| caps.counts, play, play);
}

#[test]
fn a_saturated_weak_count_sticks() {
    let m = &mut mutator::<RcWeak>();
    let target = pair(m, 1);
    let array = m.alloc_array(Borrow, MANY, 0).expect("there is room");
    for index in 0..MANY {
        m.store(m.get(&array), Slot::<Borrow>::element(index), m.get(&target));
    }
    m.drop(target);
    m.drop(array);
    m.tear_down();
    assert_eq!(objects(m), 1, "its memory is held for ever");
}

#[test]
fn a_saturated_count_of_26_bits_sticks() {
    let m = &mut mutator::<Rc>();
    let root = pair(m, 1);
    let object = m.context().roots.iter().next().expect("it is rooted").object;
    let count = m.heap().memory().collector_word(object);
    assert_eq!(Count::ONLY.of(count.load(Relaxed)), 1);
    // One below the maximum, as if that many references had been made.
    count.fetch_add((1 << 26) - 3, Relaxed);
    let local = m.local(m.get(&root));
    m.forget(local);
    m.drop(root);
    m.tear_down();
    assert_eq!(objects(m), 1);
}
