//! The checker sees every mistake that a discipline allows.

use super::{limited, mutator, pair};
use collectors::{Manual, MarkSweep, NoGc, Ownership, Rc, RcWeak, Region};
use conformance::program::{Leaf, Pair};
use heap::{Checker, Collector, Mutator, Off, Own, Shared, Slot};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of the checker while a program runs.
fn objection(program: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(program)).expect_err("the checker objects");
    *panic.downcast::<String>().expect("it says why")
}

#[test]
fn a_local_of_a_freed_object_is_a_use_after_free() {
    let m = &mut mutator::<Manual>();
    let root = pair(m, 1);
    let local = m.local(m.get(&root));
    m.free(root);
    let gone = objection(|| _ = m.get(&local));
    assert!(gone.contains("use after free: a root"), "{gone}");
    // Until the cell is reused.
    let _others: Vec<_> = (0..2000).map(|_| pair(m, 2)).collect();
    let again = objection(|| _ = m.get(&local));
    assert!(again.contains("another object has its memory now"), "{again}");
}

#[test]
fn without_the_checker_it_is_a_wrong_answer() {
    let m = &mut limited::<Manual, Off>(None, Off);
    let root = pair(m, 1);
    let local = m.local(m.get(&root));
    m.free(root);
    let mut others = Vec::new();
    while m.word(m.get(&local), Pair::ID) == 1 {
        others.push(pair(m, 2));
        assert!(others.len() < 100_000, "the cell is never used again");
    }
    assert_eq!(m.word(m.get(&local), Pair::ID), 2);
}

/// A borrow slot that outlives its referent.
fn dangling<C: Collector>(m: &mut Mutator<C, Checker>) {
    let holder = pair(m, 1);
    m.scope(|m| {
        let child = pair(m, 2);
        m.store(m.get(&holder), Pair::BACK, m.get(&child));
        m.free(child);
    });
    m.upgrade(m.get(&holder), Pair::BACK);
}

#[test]
fn a_dangling_borrow_is_a_use_after_free_where_borrows_are_trusted() {
    for objection in [
        objection(|| dangling(&mut mutator::<Manual>())),
        objection(|| dangling(&mut mutator::<Ownership>())),
    ] {
        assert!(objection.contains("use after free: a slot"), "{objection}");
    }
    // Here nothing is reclaimed, or the borrow is counted, checked or traced.
    dangling(&mut mutator::<NoGc>());
    dangling(&mut mutator::<Rc>());
    dangling(&mut mutator::<RcWeak>());
    dangling(&mut mutator::<MarkSweep>());
}

#[test]
fn an_object_that_outlives_its_region_is_a_use_after_free() {
    let m = &mut mutator::<Region>();
    let region = m.region();
    let inside = m.alloc_in::<Pair>(&region).expect("there is room");
    m.end_region(region);
    let objection = objection(|| _ = m.get(&inside));
    assert!(objection.contains("use after free: a root"), "{objection}");
}

#[test]
fn a_slot_of_another_shape_is_out_of_bounds_or_of_another_kind() {
    let m = &mut mutator::<Manual>();
    let leaf = m.alloc::<Leaf>().expect("there is room");
    let outside = objection(|| _ = m.load(m.get(&leaf), Pair::LEFT));
    assert!(outside.contains("has 0 slots"), "{outside}");
    let array = m.alloc_array(Shared, 4, 0).expect("there is room");
    let kind = objection(|| _ = m.take(m.get(&array), Slot::<Own>::element(3)));
    assert!(kind.contains("is of another kind"), "{kind}");
    let beyond = objection(|| m.store(m.get(&array), Slot::<Shared>::element(4), None));
    assert!(beyond.contains("has 4 slots"), "{beyond}");
}
