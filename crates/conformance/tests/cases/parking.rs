//! Objects that lose their last reference in an operation that may not reclaim, and borrows of them.

use super::{Any, check, id, mutator, objects, pair, verified};
use collectors::RcWeak;
use conformance::Rules;
use conformance::program::Pair;
use heap::{Collector, Probe};

/// A loaded object stays readable up to the next safepoint, and can be stored again.
#[test]
fn an_object_stored_again_before_a_safepoint_lives_on() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b, x) = (pair(m, 1), pair(m, 2), pair(m, 3));
        m.store(m.get(&a), Pair::FIRST, m.get(&x));
        m.drop(x);
        let view = m.load(m.get(&a), Pair::FIRST).expect("it was stored");
        m.store(m.get(&a), Pair::FIRST, None);
        m.store(m.get(&b), Pair::SECOND, view);
        m.safepoint();
        m.collect();
        let x = m.load(m.get(&b), Pair::SECOND).expect("it was stored again");
        assert_eq!(id(m, x), 3);
        assert_eq!(verified(m), 3);
    }
    check(|caps| caps.shared, play, play);
}

/// Parked, stored, parked again: reclaimed once.
#[test]
fn an_object_parked_twice_is_reclaimed_once() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b, x) = (pair(m, 1), pair(m, 2), pair(m, 3));
        let child = pair(m, 4);
        m.store(m.get(&x), Pair::FIRST, m.get(&child));
        m.store(m.get(&a), Pair::FIRST, m.get(&x));
        m.drop(x);
        let view = m.load(m.get(&a), Pair::FIRST).expect("it was stored");
        for _ in 0..3 {
            m.store(m.get(&a), Pair::FIRST, None);
            m.store(m.get(&b), Pair::FIRST, view);
            m.store(m.get(&b), Pair::FIRST, None);
            m.store(m.get(&a), Pair::FIRST, view);
        }
        m.store(m.get(&a), Pair::FIRST, None);
        m.safepoint();
        assert_eq!(objects(m), 3, "x is reclaimed once");
        m.drop(child);
        assert_eq!(objects(m), 2, "and has released its child once");
    }
    check(|caps| caps.counts, play, play);
}

/// Parked, stored into an object that is parked afterwards: the cascade of the second must not reclaim the
/// first, which is processed later.
#[test]
fn an_object_parked_inside_a_parked_one_is_reclaimed_once() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let rules = Rules::of(m.collector().caps());
        let (child, holder) = (pair(m, 1), pair(m, 2));
        let (a, b, x) = (pair(m, 3), pair(m, 4), pair(m, 5));
        m.store(m.get(&x), Pair::FIRST, m.get(&child));
        m.store(m.get(&holder), Pair::FIRST, m.get(&child));
        m.store(m.get(&a), Pair::FIRST, m.get(&x));
        m.store(m.get(&a), Pair::SECOND, m.get(&b));
        if rules == Rules::CountsWeakly {
            m.store(m.get(&holder), Pair::BACK, m.get(&x));
        }
        m.drop(x);
        m.drop(b);
        let x = m.load(m.get(&a), Pair::FIRST).expect("it was stored");
        m.store(m.get(&a), Pair::FIRST, None);
        let b = m.load(m.get(&a), Pair::SECOND).expect("it was stored");
        m.store(b, Pair::FIRST, x);
        m.store(m.get(&a), Pair::SECOND, None);
        m.safepoint();
        let borrowed = u64::from(rules == Rules::CountsWeakly);
        assert_eq!(objects(m), 3 + borrowed, "child, holder, a, and the borrowed object");
        assert!(m.upgrade(m.get(&holder), Pair::BACK).is_none());
        m.drop(child);
        let child = m.load(m.get(&holder), Pair::FIRST).expect("holder holds it");
        assert_eq!(id(m, child), 1);
        assert_eq!(verified(m), 3);
        m.store(m.get(&holder), Pair::BACK, None);
        m.tear_down();
        assert_eq!(objects(m), 0);
    }
    check(|caps| caps.counts, play, play);
}

/// Parked, stored again, and dropped with its new holder before anything else happens.
#[test]
fn a_parked_object_that_is_stored_dies_with_its_new_holder() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b, x) = (pair(m, 1), pair(m, 2), pair(m, 3));
        m.store(m.get(&a), Pair::FIRST, m.get(&x));
        m.drop(x);
        let x = m.load(m.get(&a), Pair::FIRST).expect("it was stored");
        m.store(m.get(&a), Pair::FIRST, None);
        m.store(m.get(&b), Pair::FIRST, x);
        m.drop(b);
        assert_eq!(objects(m), 1);
        assert_eq!(verified(m), 1);
    }
    check(|caps| caps.counts, play, play);
}

#[test]
fn a_borrow_of_a_dead_object_reads_null_and_holds_its_memory() {
    let m = &mut mutator::<RcWeak>();
    let (a, b, x) = (pair(m, 1), pair(m, 2), pair(m, 3));
    let child = pair(m, 4);
    m.put(m.get(&x), Pair::LEFT, child);
    m.store(m.get(&a), Pair::BACK, m.get(&x));
    m.store(m.get(&b), Pair::ASIDE, m.get(&x));
    assert_eq!(id(m, m.upgrade(m.get(&a), Pair::BACK).expect("x lives")), 3);
    m.drop(x);
    assert!(m.upgrade(m.get(&a), Pair::BACK).is_none());
    assert!(m.upgrade(m.get(&b), Pair::ASIDE).is_none());
    assert_eq!(objects(m), 3, "the child is freed, the memory of x is not");
    m.store(m.get(&a), Pair::BACK, None);
    m.safepoint();
    assert_eq!(objects(m), 3, "the other borrow still holds it");
    m.drop(b);
    assert_eq!(objects(m), 1, "the last borrow ended with its holder");
}

#[test]
fn a_borrow_reads_null_as_soon_as_the_last_strong_reference_is_lost() {
    let m = &mut mutator::<RcWeak>();
    let (a, x) = (pair(m, 1), pair(m, 2));
    m.store(m.get(&a), Pair::FIRST, m.get(&x));
    m.store(m.get(&a), Pair::BACK, m.get(&x));
    m.drop(x);
    let x = m.load(m.get(&a), Pair::FIRST).expect("it was stored");
    m.store(m.get(&a), Pair::FIRST, None);
    assert!(m.upgrade(m.get(&a), Pair::BACK).is_none(), "a parked object is dead to a borrow");
    m.store(m.get(&a), Pair::SECOND, x);
    assert!(m.upgrade(m.get(&a), Pair::BACK).is_some(), "and alive when stored again");
    m.safepoint();
    assert_eq!(objects(m), 2);
}

#[test]
fn a_borrow_of_oneself_does_not_keep_an_object() {
    let m = &mut mutator::<RcWeak>();
    let x = pair(m, 1);
    m.store(m.get(&x), Pair::BACK, m.get(&x));
    m.drop(x);
    assert_eq!(objects(m), 0);
}
