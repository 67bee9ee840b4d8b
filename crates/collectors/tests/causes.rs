//! Every collector that a policy sizes obeys it, and counts its collections by the right cause.

#![forbid(unsafe_code)]

use collectors::registry::{Entry, Family, standard};
use heap::{
    AnyCollector, Cause, Config, GROWTH, HeapConfig, Inspect, Mutator, Off, Shared, Slot, Step,
};

const SLOTS: u32 = 16_000;
/// Words of an object beside its slot; with it and the header the cell is 528 bytes at least.
const WORDS: u32 = 64;
/// Size of an array of objects, about: more than every heap may grow to.
const LIVE_BYTES: u64 = SLOTS as u64 * 540;
/// Times that all live objects are replaced: an object lives while as many are made as there are slots.
const GENERATIONS: u32 = 8;

/// A request of the program.
type Ask = fn(&mut Mutator<AnyCollector>);

/// The collectors that a policy sizes.
fn sized(test: impl Fn(&Entry<()>)) {
    let all = standard::<()>();
    let has_policy = |entry: &&Entry<()>| entry.factory.parameters.contains(&GROWTH);
    let sized: Vec<_> = all.entries().iter().filter(has_policy).collect();
    assert!(sized.len() > 8, "{} collectors", sized.len());
    sized.into_iter().for_each(test);
}

/// A program whose objects all live equally long, each a cycle, so that only a trace reclaims it. A cycle
/// on a thread ends in the allocation that begins it: counts do not depend on the scheduler.
fn churn(entry: &Entry<()>, settings: &str, limit_bytes: Option<u64>) -> Mutator<AnyCollector> {
    let factory = entry.factory;
    let config = match settings {
        "" => Config::default(),
        _ => Config::read(factory.parameters, settings).expect("settings that it has"),
    };
    let heap = HeapConfig { limit_bytes, ..HeapConfig::default() };
    let make = |heap: &_| factory.collector(heap, &config);
    let mut m = Mutator::with(heap, Off, make).expect("address space");
    let array = m.alloc_array(Shared, SLOTS, 0).expect("there is room");
    let has_thread = entry.info.family == Family::Concurrent && m.collector().threads() > 1;
    let mut ended = Vec::new();
    for round in 0..(GENERATIONS + 1) * SLOTS {
        let object = m.alloc_array(Shared, 1, WORDS).expect("there is room");
        m.store(m.get(&object), Slot::<Shared>::element(0), m.get(&object));
        m.store(m.get(&array), Slot::<Shared>::element(round % SLOTS), m.get(&object));
        m.drop(object);
        if has_thread && collections(&m) != ended {
            m.step(Step::Finish);
            ended = collections(&m);
        }
    }
    m
}

/// Collections by cause. Those of the young have a rule of their own.
fn collections(m: &Mutator<AnyCollector>) -> Vec<(Cause, u64)> {
    m.context().log.collections().filter(|&(cause, _)| cause != Cause::Young).collect()
}

#[test]
fn a_heap_is_collected_when_it_has_grown_by_its_factor() {
    sized(|entry| {
        let name = entry.info.name;
        // With a limit that is far away, and without one.
        for limit_bytes in [None, Some(6 * LIVE_BYTES)] {
            let counts = [("growth-1.25", 4), ("growth-2", 1)].map(|(settings, per_generation)| {
                let counted = collections(&churn(entry, settings, limit_bytes));
                let [(Cause::Growth, count)] = counted[..] else {
                    panic!("{name}|{settings}: {counted:?}");
                };
                (count, u64::from(GENERATIONS) * per_generation)
            });
            for (count, expected) in counts {
                let most = match entry.info.family {
                    // It begins with at most four tenths of the room left: after six of ten at least.
                    Family::Concurrent => expected * 3 / 2 * 10 / 6,
                    _ => expected * 3 / 2,
                };
                assert!((expected..=most).contains(&count), "{name}: {count}, not {expected}");
            }
        }
    });
}

/// A collector that runs beside the program begins earlier, by a rule of its own.
#[test]
fn under_a_limit_alone_it_is_collected_when_that_is_exhausted() {
    sized(|entry| {
        let counted = collections(&churn(entry, "", Some(3 * LIVE_BYTES)));
        let expected = match entry.info.family {
            Family::Concurrent => Cause::Growth,
            _ => Cause::Exhausted,
        };
        let [(cause, 3..)] = counted[..] else { panic!("{}: {counted:?}", entry.info.name) };
        assert_eq!(cause, expected, "{}", entry.info.name);
    });
}

#[test]
fn a_collection_that_is_asked_for_counts_as_such() {
    let count = |m: &Mutator<_>, cause| {
        let mut counted = m.context().log.collections();
        counted.find(|&(other, _)| other == cause).map_or(0, |(_, count)| count)
    };
    let asks: [(Cause, Ask); 3] = [
        (Cause::Requested, Mutator::collect),
        (Cause::Young, Mutator::collect_young),
        (Cause::End, Mutator::tear_down),
    ];
    sized(|entry| {
        let mut m = churn(entry, "", Some(3 * LIVE_BYTES));
        for (asked, collect) in asks {
            let before = Cause::ALL.map(|cause| count(&m, cause));
            collect(&mut m);
            for (cause, before) in Cause::ALL.into_iter().zip(before) {
                let more = count(&m, cause) - before;
                let expected = u64::from(cause == asked);
                assert_eq!(more, expected, "{}: {asked:?} and {cause:?}", entry.info.name);
            }
        }
    });
}
