//! Weak slots, ephemerons and finalizable objects: a requested collection clears exactly those of unreachable
//! objects (after Whippet's tests, which keep every other one of many objects).

use super::{Case, check, id, mutator, objects, pair, verified};
use collectors::Rc;
use collectors::registry::standard;
use conformance::Rules;
use conformance::program::Pair;
use heap::{Caps, Collector, Ephemeral, Mutator, Own, Probe, Ref, Root, Slot, Weak};

/// Number of objects, half of which stay.
const MANY: u32 = 500;

fn key(number: u32) -> Slot<Ephemeral> {
    Slot::key(number)
}

fn value(number: u32) -> Slot<Ephemeral> {
    Slot::value(number)
}

/// An array that owns pairs with these numbers.
fn pairs<C: Collector, P: Probe>(m: &mut Mutator<C, P>, count: u32) -> Root {
    let array = m.alloc_array(Own, count, 0).expect("there is room");
    for number in 0..count {
        let pair = pair(m, number.into());
        m.put(m.get(&array), Slot::element(number), pair);
    }
    array
}

fn nth<'m, C: Collector, P: Probe>(m: &'m Mutator<C, P>, array: &Root, number: u32) -> Ref<'m> {
    m.load(m.get(array), Slot::<Own>::element(number)).expect("the array is full")
}

fn drop_odd<C: Collector, P: Probe>(m: &mut Mutator<C, P>, array: &Root) {
    for number in (1..MANY).step_by(2) {
        let pair = m.take(m.get(array), Slot::element(number)).expect("the array is full");
        m.drop(pair);
    }
}

struct HalfOfWeakSlots;

impl Case for HalfOfWeakSlots {
    fn suits(caps: Caps) -> bool {
        caps.weak_slots
    }

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, _: Rules) {
        let keys = pairs(m, MANY);
        let weak = m.alloc_array(Weak, MANY, 0).expect("there is room");
        for number in 0..MANY {
            m.store(m.get(&weak), Slot::<Weak>::element(number), nth(m, &keys, number));
        }
        m.collect();
        drop_odd(m, &keys);
        m.collect();
        for number in 0..MANY {
            let found = m.upgrade(m.get(&weak), Slot::<Weak>::element(number));
            let expected = number.is_multiple_of(2).then_some(u64::from(number));
            assert_eq!(found.map(|found| id(m, found)), expected);
        }
        // Under counting the memory of the dead stays until the last borrow ends.
        let held = if m.collector().caps().counts { MANY } else { MANY / 2 };
        assert_eq!(objects(m), u64::from(held) + 2);
        m.drop(weak);
        m.collect();
        assert_eq!(objects(m), u64::from(MANY) / 2 + 1);
    }
}

#[test]
fn half_of_the_weak_slots_are_cleared() {
    check::<HalfOfWeakSlots>();
}

struct HalfOfEphemerons;

impl Case for HalfOfEphemerons {
    fn suits(caps: Caps) -> bool {
        caps.ephemerons
    }

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, _: Rules) {
        let keys = pairs(m, MANY);
        let table = m.alloc_array(Ephemeral, 2 * MANY, 0).expect("there is room");
        for number in 0..MANY {
            let note = pair(m, u64::from(number + MANY));
            m.store(m.get(&note), Pair::FIRST, nth(m, &keys, number));
            m.store(m.get(&table), key(number), nth(m, &keys, number));
            m.store(m.get(&table), value(number), m.get(&note));
            m.drop(note);
        }
        m.collect();
        assert_eq!(verified(m), u64::from(2 * MANY + 2), "a value lives with its key");
        assert_eq!(m.reachable().expect("address space").objects, u64::from(2 * MANY + 2));
        drop_odd(m, &keys);
        m.collect();
        let table = m.get(&table);
        for number in 0..MANY {
            let found = [key(number), value(number)].map(|slot| m.upgrade(table, slot));
            let expected =
                [number, number + MANY].map(|id| number.is_multiple_of(2).then_some(u64::from(id)));
            assert_eq!(found.map(|found| found.map(|found| id(m, found))), expected);
        }
        assert_eq!(objects(m), u64::from(MANY + 2));
    }
}

#[test]
fn half_of_the_ephemerons_are_cleared_though_values_refer_to_their_keys() {
    check::<HalfOfEphemerons>();
}

/// Each value is the key of the ephemeron before it. Scanning all of them again for each one would take a
/// day.
struct LongChain;

impl Case for LongChain {
    fn suits(caps: Caps) -> bool {
        caps.ephemerons
    }

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, _: Rules) {
        const LINKS: u32 = 200_000;
        let table = m.alloc_array(Ephemeral, 2 * LINKS, 0).expect("there is room");
        let first = pair(m, 0);
        let last = m.local(m.get(&first));
        for link in (0..LINKS).rev() {
            let next = pair(m, 1);
            m.store(m.get(&table), key(link), m.get(&last));
            m.store(m.get(&table), value(link), m.get(&next));
            m.assign(&last, m.get(&next));
            m.drop(next);
        }
        m.assign(&last, None);
        m.collect();
        assert_eq!(objects(m), u64::from(LINKS) + 2);
        m.drop(first);
        m.collect();
        assert_eq!(objects(m), 1);
        assert!(
            (0..2 * LINKS)
                .all(|slot| m.peek(m.get(&table), Slot::<Ephemeral>::element(slot)).is_none())
        );
    }
}

#[test]
fn a_long_chain_of_ephemerons_is_followed_in_linear_time() {
    check::<LongChain>();
}

struct HalfOfFinalizers;

impl Case for HalfOfFinalizers {
    fn suits(caps: Caps) -> bool {
        caps.finalizers
    }

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, _: Rules) {
        let keys = pairs(m, MANY);
        for number in 0..MANY {
            let object = m.local(nth(m, &keys, number));
            let child = pair(m, u64::from(number + MANY));
            m.put(m.get(&object), Pair::LEFT, child);
            m.finalize(&object, number);
            m.forget(object);
        }
        m.collect();
        assert!(m.finalizable().is_none(), "all can be reached");
        drop_odd(m, &keys);
        m.collect();
        assert_eq!(objects(m), u64::from(2 * MANY + 1), "ready objects are kept");
        for number in (1..MANY).step_by(2) {
            let (object, tag) = m.finalizable().expect("it is ready");
            let child = m.load(m.get(&object), Pair::LEFT).expect("it is whole");
            let ids = [id(m, m.get(&object)), id(m, child)].map(|id| id as u32);
            assert_eq!((tag, ids), (number, [number, number + MANY]));
            m.forget(object);
        }
        m.collect();
        assert!(m.finalizable().is_none(), "each registration counts once");
        assert_eq!(objects(m), u64::from(MANY + 1));
    }
}

#[test]
fn half_of_the_registered_objects_become_finalizable_in_order_and_once() {
    check::<HalfOfFinalizers>();
}

/// An object that is registered twice, with a weak slot that refers to it; and later once more.
struct Orders;

impl Case for Orders {
    fn suits(caps: Caps) -> bool {
        caps.finalizers && caps.weak_slots
    }

    fn play<C: Collector, P: Probe>(m: &mut Mutator<C, P>, _: Rules) {
        let (object, other) = (pair(m, 1), pair(m, 2));
        let weak = m.alloc_array(Weak, 2, 0).expect("there is room");
        m.store(m.get(&weak), Slot::<Weak>::element(0), m.get(&object));
        m.store(m.get(&object), Pair::FIRST, m.get(&weak));
        m.finalize(&object, 7);
        m.finalize(&other, 8);
        m.finalize(&object, 9);
        m.drop(other);
        m.drop(weak);
        m.drop(object);
        m.collect();
        let tags: Vec<u32> = m.context().weak.ready().map(|(_, tag)| tag).collect();
        assert_eq!(tags, [7, 8, 9]);
        let (object, _) = m.finalizable().expect("three are ready");
        let weak = m.load(m.get(&object), Pair::FIRST).expect("it is whole");
        let found = m.upgrade(weak, Slot::<Weak>::element(0));
        assert!(
            found.is_none(),
            "a weak slot that was resurrected with its referent is cleared, too"
        );
        m.finalize(&object, 10);
        m.forget(object);
        while m.finalizable().is_some() {}
        m.collect();
        assert!(m.finalizable().is_none(), "the locals keep the polled objects");
        m.tear_down();
        assert_eq!(objects(m), 0, "objects that are registered at the end die with the rest");
    }
}

#[test]
fn weak_slots_are_cleared_before_objects_are_finalized() {
    check::<Orders>();
}

#[test]
fn every_tracing_collector_has_them_all() {
    for entry in standard::<()>().entries() {
        let caps = entry.factory.caps;
        let traces = caps.cycles && !caps.counts;
        let has = [caps.weak_slots, caps.ephemerons, caps.finalizers];
        assert!(!traces || has == [true; 3], "{}: {has:?}", entry.info.name);
    }
}

#[test]
#[should_panic(expected = "list them among the needs of the program")]
fn a_discipline_without_weak_slots_refuses_them() {
    let mut m = mutator::<Rc>();
    let _ = m.alloc_array(Weak, 1, 0);
}

#[test]
#[should_panic(expected = "3 is an odd number")]
fn half_an_ephemeron_is_refused() {
    let mut m = mutator::<collectors::MarkSweep>();
    let _ = m.alloc_array(Ephemeral, 3, 0);
}
