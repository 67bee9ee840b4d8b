//! Runs a program under every collector that can run it.

use collectors::registry::standard;
use heap::{
    AnyCollector, Caps, Checker, Collector, CollectorFactory, Config, HeapConfig, Mutator,
    Occupancy, Off, Probe, Reachable, verify,
};
use workloads::{Needs, Prepared};

/// Results of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: String,
    /// Reachable objects at the end of the program.
    pub(crate) live: Reachable,
    /// Objects that the teardown did not reclaim.
    pub(crate) leaked: Occupancy,
    /// Peak bytes of queues, teardown included; `None` without queues.
    pub(crate) queue_peak_bytes: Option<u64>,
}

/// The probe of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Watch {
    /// None, as in timed cells.
    Off,
    /// The checker; at the end the graph is verified.
    Checker,
    /// The checker, with a collection before every allocation.
    Stress,
}

/// Runs the program under a discipline.
pub(crate) fn run(factory: CollectorFactory, program: &Prepared, watch: Watch) -> Outcome {
    match watch {
        Watch::Off => run_in(mutator(factory, Off), program),
        Watch::Checker => run_in(mutator(factory, Checker::default()), program),
        Watch::Stress => {
            let mut m = mutator(factory, Checker::default());
            m.collect_every(1);
            run_in(m, program)
        }
    }
}

fn mutator<P: Probe>(factory: CollectorFactory, probe: P) -> Mutator<AnyCollector, P> {
    let make = |heap: &_| factory.collector(heap, &Config::default());
    Mutator::with(HeapConfig::default(), probe, make).unwrap()
}

fn run_in<P: Probe>(mut m: Mutator<AnyCollector, P>, program: &Prepared) -> Outcome {
    let answer = program.run(&mut m).unwrap();
    let is_allocated = |object| m.collector().parts().is_allocated(object);
    let live = match P::ON {
        true => verify(m.heap(), &m.context().roots, is_allocated).unwrap(),
        false => m.reachable().unwrap(),
    };
    m.tear_down();
    let queue_peak_bytes = m.heap().budget().queue_peak_bytes();
    Outcome { answer, live, leaked: m.collector().parts().allocated(), queue_peak_bytes }
}

/// Whether a discipline with these capabilities ever reclaims anything.
pub(crate) fn reclaims(caps: Caps) -> bool {
    caps.releases() || caps.defers || caps.cycles || caps.needs_free || caps.regions
}

/// Runs the program under each collector that can run it. `inspect` gets the collector's name,
/// capabilities and outcome.
pub(crate) fn each(
    program: &Prepared,
    needs: Needs,
    watch: Watch,
    mut inspect: impl FnMut(&str, Caps, Outcome),
) {
    for entry in standard::<()>().entries() {
        let caps = entry.factory.caps;
        if needs.refusal(caps).is_none() {
            inspect(entry.info.name, caps, run(entry.factory, program, watch));
        }
    }
}
