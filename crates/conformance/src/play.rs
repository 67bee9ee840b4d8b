//! Plays one program under a collector and reports the first failure.

use crate::detector::{Detector, Place, Violation};
use crate::faulty::Faulty;
use crate::job::Job;
use crate::mutants::Passed;
use crate::player::state::{M, Player};
use crate::program::Program;
use crate::watched::Watched;
use heap::{Checker, CollectorFactory, Commit, HeapConfig, Mutant};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The failure that ended a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Defeat {
    /// The detector that noticed it.
    pub(crate) detector: Detector,
    /// Its finding.
    pub(crate) message: String,
    /// The place in the graph.
    pub(crate) place: Option<Place>,
    /// The operation of the collector under way, or its last one.
    pub(crate) phase: &'static str,
    /// Number of operations begun.
    pub(crate) begun: usize,
}

/// The result of playing a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Played {
    /// The first failure.
    pub(crate) defeat: Option<Defeat>,
    /// Mutants whose switches were passed.
    pub(crate) passed: Passed,
}

/// Plays a program with the settings of a job, to its end or to the first failure.
///
/// A collector that hangs, overflows its stack or aborts takes this process with it; `gcw verify` plays in
/// a child process.
///
/// # Panics
/// If the operating system refuses address space for a heap.
pub(crate) fn play(factory: CollectorFactory, program: &Program, job: &Job) -> Played {
    let (limit_bytes, huge_pages) = (program.limit_bytes, job.config.huge_pages());
    let heap = HeapConfig { limit_bytes, commit: Commit::Lazily, huge_pages };
    let stamps = job.detectors.has(Detector::Stamps);
    let probe = if stamps { Checker::default() } else { Checker::disabled() };
    let config = job.config.with_least(factory.thresholds);
    let collector = |heap: &_| Ok(Faulty(Watched::over(factory.collector(heap, &config)?)));
    let mut m = M::with(heap, probe, collector).expect("address space for a heap");
    if let Some(mutant) = &job.mutant {
        m.heap().infect(Mutant::named(mutant));
    }
    m.collector().watch(job.detectors);
    let mut player = Player::new(program, factory.caps, job.detectors);
    let result = catch_unwind(AssertUnwindSafe(|| player.play(&mut m)));
    let defeat = result.err().map(|payload| {
        let Violation { detector, message, place } = read(payload);
        let (phase, begun) = (m.collector().phase(), player.begun());
        Defeat { detector, message, place, phase, begun }
    });
    let passed = Passed::in_heap(m.heap());
    // A broken heap may panic once more while it is dropped.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(m))).err().map(|payload| {
        let Violation { detector, message, place } = read(payload);
        Defeat { detector, message, place, phase: "end of the heap", begun: player.begun() }
    });
    Played { defeat: defeat.or(dropped), passed }
}

/// The violation in the payload of an unwinding, or one made of the message of a panic.
fn read(payload: Box<dyn Any + Send>) -> Violation {
    let payload = match payload.downcast::<Violation>() {
        Ok(violation) => return *violation,
        Err(other) => other,
    };
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => {
            other.downcast::<&str>().map_or("a panic".to_owned(), |text| (*text).to_owned())
        }
    };
    // The checker is a probe of the heap and knows no detectors: it panics.
    let by_stamp = message.starts_with("use after free")
        || message.contains("is of another kind")
        || message.contains("no slot at byte");
    let detector = if by_stamp { Detector::Stamps } else { Detector::Run };
    Violation { detector, message, place: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Leaf, Pair};
    use collectors::Manual;
    use heap::{Config, Mutator, Own, Shared, Slot};

    /// The detector of a mistake that a program makes in checking mode.
    fn detector(mistake: impl Fn(&mut Mutator<Manual, Checker>)) -> Detector {
        let heap = HeapConfig { limit_bytes: None, commit: Commit::Lazily, huge_pages: false };
        let m = Mutator::new(heap, &Config::default(), Checker::default());
        let m = &mut m.expect("address space for a heap");
        let payload = catch_unwind(AssertUnwindSafe(|| mistake(m))).expect_err("it is noticed");
        read(payload).detector
    }

    #[test]
    fn a_panic_of_the_checker_is_distinguished_from_one_of_the_collector() {
        let freed = detector(|m| {
            let root = m.alloc::<Pair>().expect("there is room");
            let local = m.local(m.get(&root));
            m.free(root);
            m.get(&local);
        });
        let outside = detector(|m| {
            let leaf = m.alloc::<Leaf>().expect("there is room");
            m.load(m.get(&leaf), Pair::LEFT);
        });
        let kind = detector(|m| {
            let array = m.alloc_array(Shared, 4, 0).expect("there is room");
            m.take(m.get(&array), Slot::<Own>::element(3));
        });
        assert_eq!([freed, outside, kind], [Detector::Stamps; 3]);
        assert_eq!(detector(|_| panic!("the collector is broken")), Detector::Run);
    }
}
