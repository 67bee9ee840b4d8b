//! Running a program under every collector that it applies to.

use collectors::registry::standard;
use heap::{
    AnyCollector, Caps, Checker, Collector, Config, Discipline, HeapConfig, Mutator, Occupancy,
    Off, Probe, Reachable, verify,
};
use workloads::{Needs, Prepared};

/// What a run left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: String,
    /// What was reachable when the program had ended.
    pub(crate) live: Reachable,
    /// What the teardown did not reclaim.
    pub(crate) leaked: Occupancy,
    /// The most that queues have held at once, teardown included; `None` where there are none.
    pub(crate) queue_peak_bytes: Option<u64>,
}

/// How a run is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watch {
    /// Not at all, as timed cells are.
    Nobody,
    /// In checking mode; at the end the graph is verified.
    Checker,
    /// As [`Watch::Checker`], with a collection before every allocation.
    Stress,
}

/// Runs the program under a discipline.
pub(crate) fn run(discipline: Discipline, program: &Prepared, watch: Watch) -> Outcome {
    match watch {
        Watch::Nobody => run_in(mutator(discipline, Off), program),
        Watch::Checker => run_in(mutator(discipline, Checker::default()), program),
        Watch::Stress => {
            let mut m = mutator(discipline, Checker::default());
            m.collect_every(1);
            run_in(m, program)
        }
    }
}

fn mutator<P: Probe>(discipline: Discipline, probe: P) -> Mutator<AnyCollector, P> {
    let make = |heap: &_| discipline.collector(heap, &Config::default());
    Mutator::with(HeapConfig::default(), probe, make).unwrap()
}

fn run_in<P: Probe>(mut m: Mutator<AnyCollector, P>, program: &Prepared) -> Outcome {
    let answer = program.run(&mut m).unwrap();
    let is_allocated = |object| m.collector().is_allocated(object);
    let live = match P::ON {
        true => verify(m.heap(), &m.context().roots, is_allocated).unwrap(),
        false => m.reachable().unwrap(),
    };
    m.tear_down();
    let queue_peak_bytes = m.heap().budget().queue_peak_bytes();
    Outcome { answer, live, leaked: m.collector().occupied(), queue_peak_bytes }
}

/// Whether a discipline with these capabilities ever reclaims anything.
pub(crate) fn reclaims(caps: Caps) -> bool {
    caps.releases() || caps.defers || caps.cycles || caps.needs_free || caps.regions
}

/// Runs the program under each collector that it applies to; `look` sees the collector's name and
/// capabilities, and what the run left.
pub(crate) fn each(
    program: &Prepared,
    needs: Needs,
    watch: Watch,
    mut look: impl FnMut(&str, Caps, Outcome),
) {
    for entry in standard::<()>().entries() {
        let caps = entry.discipline.caps;
        if needs.refusal(caps).is_none() {
            look(entry.info.name, caps, run(entry.discipline, program, watch));
        }
    }
}
