//! The tutorial in this crate's README, step by step: its changes lead from one file here to the next,
//! and each step does what the README says.
//!
//! To change a step, change its file, then let `UPDATE_TUTORIAL=1 cargo test -p gcw-collectors --test
//! tutorial` write the changes into the README.

#![forbid(unsafe_code)]

mod readme;
pub mod step_1;
pub mod step_2;
pub mod step_3;
pub mod step_4;
pub mod step_5;
pub mod step_6;
pub mod step_7;
pub mod step_8;
pub mod step_9;

use collectors::MarkSweepIncremental;
use heap::{
    Cause, Collector, CollectorFactory, Config, HeapConfig, Mutator, Off, Own, PauseKind, Shape,
    Slot, Weak,
};
use workloads::{Instance, Prepared, Size, Suite};

/// Random programs of the conformance kit that each step plays.
const PROGRAMS: u64 = 25;

heap::shape! {
    /// A node with two edges that do not own.
    struct Node {
        shared LEFT, RIGHT;
    }
}

fn mutator<C: Collector>(limit_bytes: Option<u64>) -> Mutator<C, Off> {
    let heap = HeapConfig { limit_bytes, ..HeapConfig::default() };
    Mutator::new(heap, &Config::default(), Off).expect("there is address space")
}

/// The small size of a workload of the built-in suite, and its program.
fn small(workload: &str) -> (Instance, Prepared) {
    let suite = Suite::builtin();
    let workload = suite.find(workload).expect("it is in the suite");
    let small = workload.at(Size::Small).expect("the built-in suite has all sizes").clone();
    let program = workload.entry().prepare(&small.parameters, suite.seed).expect("they fit");
    (small, program)
}

/// Runs a workload, compares its answer, and returns the mutator.
fn run<C: Collector>(workload: &str, limit_bytes: Option<u64>) -> Mutator<C, Off> {
    let (small, program) = small(workload);
    let mut m = mutator::<C>(limit_bytes);
    let answer = program.run(&mut m).unwrap_or_else(|e| panic!("{workload}: {e}"));
    assert_eq!(answer, small.answer, "{workload}");
    assert_eq!(
        m.footprint().total_bytes(),
        m.heap().budget().committed_bytes(),
        "{workload}: account"
    );
    m
}

/// The mistake that the conformance kit finds.
fn mistake<C: Collector>() -> Option<conformance::Failure> {
    let job = conformance::Job::of("my-gc", 0..PROGRAMS);
    conformance::verify(CollectorFactory::of::<C>(), &job, |_| ()).failure
}

/// A step that is right passes the conformance kit, and runs programs with the right answers.
fn check<C: Collector>() {
    if let Some(failure) = mistake::<C>() {
        panic!("{failure}");
    }
    check_answers::<C>();
}

fn check_answers<C: Collector>() {
    for workload in ["binary-trees", "message-window", "cycle-torture"] {
        let m = run::<C>(workload, None);
        assert!(
            m.reachable().expect("address space").objects
                <= m.collector().parts().allocated().objects
        );
    }
}

/// Two nodes that only refer to each other, `pairs` times; one node, which is returned, stays.
fn drop_cycles<C: Collector>(m: &mut Mutator<C, Off>, pairs: u32) -> heap::Root {
    let kept = m.alloc::<Node>().expect("there is room");
    for _ in 0..pairs {
        m.scope(|m| {
            let (a, b) = (m.alloc::<Node>(), m.alloc::<Node>());
            let (a, b) = (a.expect("there is room"), b.expect("there is room"));
            m.store(m.get(&a), Node::LEFT, m.get(&b));
            m.store(m.get(&b), Node::RIGHT, m.get(&a));
        });
    }
    kept
}

#[test]
fn step_1_is_the_scaffold_and_runs_programs() {
    let scaffold = include_str!("../../../cli/templates/collector.rs");
    assert_eq!(include_str!("step_1.rs"), scaffold, "copy the template of `gcw new` to step_1.rs");
    check::<step_1::MyGc>();
}

#[test]
fn step_2_allocates_cells() {
    check::<step_2::MyGc>();
    let mut m = mutator::<step_2::MyGc>(None);
    let _nodes = [m.alloc::<Node>(), m.alloc::<Node>()];
    let _array = m.alloc_array(Own, 100_000, 0).expect("there is room for a large object");
    assert_eq!(m.collector().parts().allocated().objects, 3);
}

#[test]
fn step_3_marks_reachable_objects_and_keeps_the_rest() {
    let failure = mistake::<step_3::MyGc>().expect("the marks that stay");
    assert!(include_str!("../../README.md").contains(&failure.message), "{failure}");
    check_answers::<step_3::MyGc>();
    let mut m = mutator::<step_3::MyGc>(None);
    let _kept = drop_cycles(&mut m, 10);
    m.collect();
    assert_eq!((m.collector().marked, m.collector().parts().allocated().objects), (1, 21));
    assert_eq!(m.context().log.pauses().len(), 1);
}

#[test]
fn step_4_reclaims_cycles_when_asked_to() {
    check::<step_4::MyGc>();
    let mut m = mutator::<step_4::MyGc>(None);
    let _kept = drop_cycles(&mut m, 10);
    for _ in 0..3 {
        m.collect();
        assert_eq!(m.collector().parts().allocated().objects, 1);
    }
    let m = run::<step_4::MyGc>("binary-trees", None);
    assert_eq!(m.context().log.pauses().len(), 0, "no collection was requested");
}

#[test]
fn step_5_collects_by_itself() {
    check::<step_5::MyGc>();
    let without = run::<step_4::MyGc>("binary-trees", None).heap().budget().peak_bytes();
    let m = run::<step_5::MyGc>("binary-trees", None);
    assert!(!m.context().log.pauses().is_empty());
    let with = m.heap().budget().peak_bytes();
    assert!(with < without, "a peak of {with} bytes is not below {without}");
    check_limit::<step_5::MyGc>("binary-trees", 4);
}

fn peak_live_bytes(workload: &str) -> u64 {
    small(workload).0.census.expect("the built-in suite has them").peak_live_bytes
}

/// Runs within a multiple of the live peak. Only queues and the tables of weak slots exceed it, for they
/// cannot be refused memory; the most that such tables have held is not recorded.
fn check_limit<C: Collector>(workload: &str, multiple: u64) {
    let limit_bytes = multiple * peak_live_bytes(workload);
    let m = run::<C>(workload, Some(limit_bytes));
    assert!(!m.context().log.pauses().is_empty(), "{workload}");
    let (budget, weak_bytes) = (m.heap().budget(), m.context().weak.metadata_bytes());
    let most = limit_bytes + budget.queue_peak_bytes().expect("a marker has one");
    let peak_bytes = budget.peak_bytes();
    assert!(peak_bytes <= most || weak_bytes > 0, "{workload}: {peak_bytes} bytes, above {most}");
}

#[test]
fn step_6_leaves_the_slow_path_to_the_protocol() {
    check::<step_6::MyGc>();
    check_suite::<step_6::MyGc>();
}

#[test]
fn step_6_uses_a_fragmented_heap_to_the_end() {
    // Of a full heap of small arrays every other one dies, which leaves holes in every block.
    fn survivors<C: Collector>() -> u32 {
        let mut m = mutator::<C>(Some(1 << 20));
        let table = m.alloc_array(Own, 8192, 0).expect("there is room");
        let mut filled = 0;
        while let Ok(array) = m.alloc_array(Own, 30, 0) {
            m.put(m.get(&table), Slot::element(filled), array);
            filled += 1;
        }
        for index in (0..filled).step_by(2) {
            m.put(m.get(&table), Slot::element(index), None);
        }
        // Another size, smaller: its cells are none of those that were freed.
        (0..filled).take_while(|_| m.alloc::<Node>().is_ok()).count() as u32
    }
    assert!(Node::LAYOUT.bytes() < 128);
    let (step_5, step_6) = (survivors::<step_5::MyGc>(), survivors::<step_6::MyGc>());
    assert!(step_6 > 2 * step_5, "{step_6} objects found room after {step_5}");
}

#[test]
fn step_7_clears_a_weak_slot_whose_referent_has_died() {
    check::<step_7::MyGc>();
    check_suite::<step_7::MyGc>();
    let mut m = mutator::<step_7::MyGc>(None);
    let kept = m.alloc::<Node>().expect("there is room");
    let dropped = m.alloc::<Node>().expect("there is room");
    let weak = m.alloc_array(Weak, 2, 0).expect("there is room");
    m.store(m.get(&weak), Slot::<Weak>::element(0), m.get(&kept));
    m.store(m.get(&weak), Slot::<Weak>::element(1), m.get(&dropped));
    m.drop(dropped);
    m.collect();
    let holds = |index| m.upgrade(m.get(&weak), Slot::<Weak>::element(index)).is_some();
    assert_eq!((holds(0), holds(1)), (true, false));
    let code = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.trim().starts_with("//"));
        lines.map(|line| line.replace("MarkSweep", "MyGc")).collect()
    };
    let mark_sweep = include_str!("../../src/mark_sweep.rs");
    assert_eq!(code(include_str!("step_7.rs")), code(mark_sweep), "the README says so");
}

#[test]
fn step_8_is_in_slices_and_the_kit_finds_that_it_has_no_barrier() {
    let failure = mistake::<step_8::MyGc>().expect("a mistake");
    assert!(failure.program.ops.len() < 20, "{failure}");
}

#[test]
fn step_9_has_a_barrier_and_passes_the_suite() {
    check::<step_9::MyGc>();
    check_suite::<step_9::MyGc>();
    let caps = <MarkSweepIncremental as Collector>::CAPS;
    assert_eq!(step_9::MyGc::CAPS, caps, "mark-sweep-incremental promises the same");
}

#[test]
fn step_9_marks_while_the_program_runs() {
    let m = run::<step_9::MyGc>("gcbench", Some(2 * peak_live_bytes("gcbench")));
    let count = |kind| m.context().log.pauses().iter().filter(|pause| pause.kind == kind).count();
    assert!(count(PauseKind::Increment) > 10, "{} slices", count(PauseKind::Increment));
    let cycles: Vec<_> = m.context().log.collections().collect();
    assert!(matches!(cycles[..], [(Cause::Growth, 2..)]), "{cycles:?}");
}

/// Every program of the suite that applies to such a collector, at twice its live peak.
fn check_suite<C: Collector>() {
    let suite = Suite::builtin();
    let names: Vec<_> = (suite.workloads.iter())
        .filter(|workload| workload.entry().needs.refusal(C::CAPS).is_none())
        .map(|workload| workload.name.as_str())
        .collect();
    for name in &names {
        check_limit::<C>(name, 2);
    }
    assert!(names.contains(&"cycle-torture") && names.len() > 10, "{names:?}");
}
