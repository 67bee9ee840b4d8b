//! The heap limit, and when a tracing collector collects.

use super::{Any, check_limited, limited, objects, pair, verified};
use collectors::{GenCopy, MarkSweep, RcCycles};
use conformance::Rules;
use conformance::program::{Leaf, Pair};
use heap::os::PAGE_BYTES;
use heap::{BLOCK_BYTES, Collector, GROWTH, Mutator, Off, Own, Probe, Shape, Slot};

/// Pairs in a block that holds nothing else.
const BLOCK_PAIRS: u64 = BLOCK_BYTES as u64 / Pair::LAYOUT.bytes() as u64;

/// Fills the heap, drops everything, and fills it again.
#[test]
fn a_full_heap_refuses_and_stays_usable() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let rules = Rules::of(m.collector().caps());
        let mut lengths = Vec::new();
        for _ in 0..3 {
            let list = m.scope_returning(|m| {
                let mut list = pair(m, 0);
                let mut length = 0u64;
                loop {
                    match m.alloc::<Pair>() {
                        Err(_) => {
                            let refused_bytes = m.heap().budget().refused_bytes();
                            assert_eq!(refused_bytes, u64::from(Pair::LAYOUT.bytes()));
                            break;
                        }
                        Ok(node) => {
                            m.put(m.get(&node), Pair::LEFT, list);
                            list = node;
                            length += 1;
                        }
                    }
                }
                assert!(m.alloc::<Pair>().is_err(), "nor a second time");
                assert!(m.alloc_array(Own, 9000, 0).is_err(), "nor for a large object");
                // A stack that has to grow in a full heap overdraws by its page.
                assert!(m.heap().budget().peak_bytes() <= (1 << 20) + PAGE_BYTES as u64);
                lengths.push(length);
                Ok::<_, ()>(list)
            });
            let list = list.expect("it returns a root");
            assert_eq!(m.footprint().total_bytes(), m.heap().budget().committed_bytes());
            assert_eq!(verified(m), m.reachable().expect("address space").objects);
            // Of 32 blocks all but three to five hold pairs, or the copy reserve of a space that is evacuated;
            // the others are tables, stacks and the reserve.
            let footprint = m.footprint();
            let blocks =
                (footprint.reserved_bytes + footprint.retained_bytes) / u64::from(BLOCK_BYTES);
            assert!((27..=29).contains(&blocks), "{blocks} blocks: {footprint:?}");
            let most = footprint.reserved_bytes / u64::from(BLOCK_BYTES) * BLOCK_PAIRS;
            match rules {
                // The chunks of a region end with less than an object each.
                Rules::EndsRegions => assert!((most - 16..most).contains(&objects(m))),
                _ => assert_eq!(objects(m), most),
            }
            assert_eq!(objects(m), lengths[lengths.len() - 1] + 1, "the list and its last pair");
            m.free(list);
            if matches!(rules, Rules::NeverReclaims | Rules::EndsRegions) {
                assert!(m.alloc::<Pair>().is_err(), "nothing was reclaimed");
                return;
            }
        }
        // A stack keeps its page once it has been used, which may cost a block; then nothing changes.
        let [first, second, third] = lengths[..] else { panic!("{lengths:?}") };
        assert!(first == second || first == second + BLOCK_PAIRS, "{lengths:?}");
        assert_eq!(second, third);
    }
    check_limited(Some(1 << 20), |_| true, play, play);
}

/// A failed build leaves its parts to their scope.
#[test]
fn the_parts_of_a_failed_build_stay_in_their_scope() {
    fn play<P: Probe>(m: &mut Any<P>) {
        m.scope(|m| {
            let mut part = pair(m, 0);
            let mut built = 1u64;
            while let Ok(next) = m.build::<Pair, 1>([part]) {
                part = next;
                built += 1;
            }
            assert_eq!(objects(m), built);
            assert_eq!(verified(m), built, "the parts are still owned");
        });
        assert_eq!(objects(m), 0);
        assert!(m.alloc::<Pair>().is_ok());
    }
    check_limited(Some(1 << 18), |caps| caps.releases(), play, play);
}

/// Pauses of mark-sweep while `bytes` bytes of pairs are allocated and each dropped at once.
fn pauses(m: &mut Mutator<MarkSweep, Off>, bytes: u64) -> usize {
    let before = m.context().log.pauses().len();
    for _ in 0..bytes / u64::from(Pair::LAYOUT.bytes()) {
        let root = m.alloc::<Pair>().expect("there is room");
        m.drop(root);
    }
    m.context().log.pauses().len() - before
}

#[test]
fn a_limit_alone_decides_when_a_limited_heap_is_collected() {
    // After the first collection nothing is live: that must not lower the trigger.
    let m = &mut limited::<MarkSweep, Off>(Some(16 << 20), Off);
    // Each collection frees all that the limit leaves to pairs, more than 15 MiB: five would take more than 64.
    assert_eq!(pauses(m, 64 << 20), 4, "collections of 16 MiB in 64 MiB");
}

#[test]
fn a_fragmented_heap_is_not_collected_at_every_block() {
    // One object in 32 stays: the blocks hold far more than twice the bytes that live.
    let m = &mut limited::<MarkSweep, Off>(None, Off);
    let kept = m.alloc_array(Own, 8192, 0).expect("there is room");
    for index in 0..8192 * 32 {
        let leaf = m.alloc::<Leaf>().expect("there is room");
        if index % 32 == 0 {
            m.put(m.get(&kept), Slot::<Own>::element(index / 32), leaf);
        } else {
            m.drop(leaf);
        }
    }
    m.collect();
    // The heap grows by whole blocks until it has grown by its factor. In 4 MiB of another size, one collection
    // for each block would be 128.
    let between = (m.collector().parts().allocated().bytes as f64 * (GROWTH.default - 1.0)) as u64;
    let expected = 128 / between.div_ceil(u64::from(BLOCK_BYTES));
    assert_eq!((pauses(m, 4 << 20) as u64, expected), (16, 16));
}

/// The overhead limit of collections is reached, and then everything dies.
#[test]
fn what_dies_after_futile_collections_makes_room() {
    fn play<P: Probe>(m: &mut Any<P>) {
        let full = m.scope_returning(|m| {
            let mut list = pair(m, 0);
            while let Ok(node) = m.alloc::<Pair>() {
                m.put(m.get(&node), Pair::LEFT, list);
                list = node;
            }
            for _ in 0..20 {
                assert!(m.alloc::<Pair>().is_err(), "all objects are live");
            }
            Ok::<_, ()>(list)
        });
        m.drop(full.expect("it returns a root"));
        let pair = m.alloc::<Pair>().expect("nothing is live");
        m.drop(pair);
    }
    check_limited(Some(1 << 20), |caps| caps.bounded, play, play);
}

/// Heaps without a live object, at the limit of what they have committed.
#[test]
fn memory_that_holds_no_object_is_no_reason_to_refuse() {
    use conformance::program::{Form::*, Op::*, Program, Start};
    // The nursery's blocks are retained, and the tables of the old space need a page.
    let retained = [FailNext, Alloc(Pair)];
    let program = |ops: &[_]| Program { limit_bytes: Some(1 << 20), ..Program::of(ops) };
    conformance::replay::<GenCopy>(&program(&retained));
    // Each size class has a block to allocate from.
    let sizes = (0..7).map(|n| Churn(OwnArray(100 << n), 1, true));
    let ops: Vec<_> = sizes.chain([Alloc(SharedArray(17_000))]).collect();
    let limit_bytes = Some(1 << 18);
    let program = Program { limit_bytes, start: Start::Empty, ..Program::of(ops) };
    conformance::replay::<RcCycles>(&program);
}
