//! Moves of ownership: cycles, overwriting, scopes and regions.

use super::{Any, check, id, mutator, objects, pair, verified};
use collectors::{Manual, Ownership, Region};
use conformance::program::Pair;
use heap::{Collector, Probe, REGION};

/// Moves can make cycles of own slots. They leak, unless the collector reclaims cycles, and their objects are never
/// freed twice.
#[test]
fn an_own_cycle_leaks_and_is_never_freed_twice() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b, other) = (pair(m, 1), pair(m, 2), pair(m, 3));
        m.put(m.get(&a), Pair::LEFT, b);
        let first = m.get(&a);
        let second = m.load(first, Pair::LEFT).expect("a owns b");
        m.put(second, Pair::RIGHT, a);
        assert_eq!(objects(m), 3);
        m.scope(|m| {
            let c = pair(m, 4);
            m.put(m.get(&c), Pair::LEFT, other);
            m.free(c);
        });
        m.tear_down();
        assert_eq!(objects(m), if m.collector().caps().cycles { 0 } else { 2 }, "the cycle");
    }
    check(|caps| caps.releases() || caps.needs_free, play, play);
}

/// A cycle that is taken apart again is reclaimed.
#[test]
fn an_opened_cycle_is_reclaimed() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b) = (pair(m, 1), pair(m, 2));
        let way_in = m.local(m.get(&a));
        m.put(m.get(&a), Pair::LEFT, b);
        let second = m.load(m.get(&a), Pair::LEFT).expect("a owns b");
        m.put(second, Pair::LEFT, a);
        // Each owns the other now; exchanging the slots makes each its own owner.
        let second = m.load(m.get(&way_in), Pair::LEFT).expect("a owns b");
        m.swap(m.get(&way_in), Pair::LEFT, second, Pair::LEFT);
        let a = m.take(m.get(&way_in), Pair::LEFT).expect("a owns itself");
        assert_eq!(id(m, m.get(&a)), 1);
        m.forget(way_in);
        m.drop(a);
        assert_eq!(objects(m), 1, "b still owns itself");
        m.tear_down();
        assert_eq!(objects(m), u64::from(!m.collector().caps().cycles));
    }
    check(|caps| caps.releases(), play, play);
}

/// The old object of an own slot is dropped, with everything below it, when another one moves in.
#[test]
fn an_overwritten_object_of_an_own_slot_is_dropped() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let (a, b, c) = (pair(m, 1), pair(m, 2), pair(m, 3));
        let b = m.build::<Pair, 2>([b, c]).expect("there is room");
        m.put(m.get(&a), Pair::LEFT, b);
        let old = m.load(m.get(&a), Pair::LEFT).expect("a owns it");
        let below = m.load(old, Pair::RIGHT).expect("which owns c");
        m.put(m.get(&a), Pair::LEFT, None);
        assert_eq!(id(m, below), 3, "readable up to the next safepoint");
        m.safepoint();
        assert_eq!(objects(m), 1);
        let (d, e) = (pair(m, 4), pair(m, 5));
        m.put(m.get(&a), Pair::RIGHT, d);
        m.put(m.get(&a), Pair::RIGHT, e);
        m.safepoint();
        assert_eq!(objects(m), 2);
        let right = m.load(m.get(&a), Pair::RIGHT).expect("a owns e");
        assert_eq!(id(m, right), 5);
    }
    check(|caps| caps.parks, play, play);
}

/// Inner scopes consume roots of outer ones, in any order, and drop what they leave.
#[test]
fn scopes_drop_their_own_roots_after_consuming_outer_ones() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let [first, second, third] = [pair(m, 1), pair(m, 2), pair(m, 3)];
        m.scope(|m| {
            m.drop(third);
            let _left = pair(m, 4);
            m.scope(|m| {
                let _built = m.build::<Pair, 1>([second]).expect("there is room");
                let kept = m.local(m.get(&first));
                assert_eq!(id(m, m.get(&kept)), 1);
                assert_eq!(objects(m), 4);
            });
            assert_eq!(objects(m), 2, "the inner scope left what it had built");
            let returned = m.scope_returning(|m| {
                m.drop(first);
                let returned = pair(m, 5);
                let _left = pair(m, 6);
                Ok::<_, ()>(returned)
            });
            let returned = returned.expect("it returns a root");
            assert_eq!(id(m, m.get(&returned)), 5);
            assert_eq!(objects(m), 2, "the object left first and the returned one");
        });
        assert_eq!(objects(m), 0);
        assert_eq!(verified(m), 0);
    }
    check(|caps| caps.releases(), play, play);
}

#[test]
fn a_region_drops_what_it_owns_outside_and_owns_itself() {
    let m = &mut mutator::<Ownership>();
    let region = m.region();
    let inside = m.alloc_in::<Pair>(&region).expect("there is room");
    let outside = pair(m, 2);
    let below = pair(m, 3);
    m.put(m.get(&outside), Pair::LEFT, below);
    m.put(m.get(&inside), Pair::LEFT, outside);
    let neighbour = m.build_in::<Pair, 1>(&region, [inside]).expect("there is room");
    let marks: Vec<(bool, bool)> = {
        let is_in_region = |object| m.heap().memory().has(object, REGION);
        m.context().roots.iter().map(|root| (root.owned, is_in_region(root.object))).collect()
    };
    assert_eq!(marks, [(false, true)], "an object of a region is rooted, never owned");
    assert_eq!(objects(m), 4);
    m.forget(neighbour);
    m.end_region(region);
    assert_eq!(objects(m), 0);
}

/// Under a discipline without regions the program still runs, and nothing is freed early.
#[test]
fn the_end_of_a_region_frees_nothing_without_regions() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let region = m.region();
        let inside = m.alloc_in::<Pair>(&region).expect("there is room");
        m.end_region(region);
        m.collect();
        m.set_word(m.get(&inside), Pair::ID, 7);
        assert_eq!(verified(m), 1);
        m.forget(inside);
    }
    check(|caps| !caps.regions, play, play);
}

#[test]
fn only_open_regions_are_left_at_the_end_of_a_run() {
    fn left<C: Collector>() -> u64 {
        let m = &mut mutator::<C>();
        let (open, ended) = (m.region(), m.region());
        let _kept = m.alloc_in::<Pair>(&open).expect("there is room");
        let inside = m.alloc_in::<Pair>(&ended).expect("there is room");
        let _owned = pair(m, 1);
        m.forget(inside);
        m.end_region(ended);
        m.tear_down();
        objects(m)
    }
    assert_eq!([left::<Region>(), left::<Manual>(), left::<Ownership>()], [1; 3]);
}
