//! Running a program under every collector that it applies to.

use collectors::registry::{Harness, standard};
use heap::{
    Caps, Checker, Collector, Config, HeapConfig, Mutator, Occupancy, Off, Probe, Reachable, verify,
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
}

/// Runs with nobody watching, as timed cells do.
pub(crate) struct Unwatched;
/// Runs in checking mode, and verifies the graph at the end.
pub(crate) struct Checked;

/// As [`Checked`], with a collection before every allocation.
pub(crate) struct Stressed;

impl Harness for Unwatched {
    type Job = Prepared;
    type Report = Outcome;

    fn run<C: Collector>(program: &Prepared) -> Outcome {
        run(mutator::<C, _>(Off), program)
    }
}

impl Harness for Checked {
    type Job = Prepared;
    type Report = Outcome;

    fn run<C: Collector>(program: &Prepared) -> Outcome {
        run(mutator::<C, _>(Checker::default()), program)
    }
}

impl Harness for Stressed {
    type Job = Prepared;
    type Report = Outcome;

    fn run<C: Collector>(program: &Prepared) -> Outcome {
        let mut m = mutator::<C, _>(Checker::default());
        m.collect_every(1);
        run(m, program)
    }
}

fn mutator<C: Collector, P: Probe>(probe: P) -> Mutator<C, P> {
    Mutator::new(HeapConfig::default(), &Config::default(), probe).unwrap()
}

fn run<C: Collector, P: Probe>(mut m: Mutator<C, P>, program: &Prepared) -> Outcome {
    let answer = program.run(&mut m).unwrap();
    let is_allocated = |object| m.collector().is_allocated(object);
    let live = match P::ON {
        true => verify(m.heap(), &m.context().roots, is_allocated).unwrap(),
        false => m.reachable().unwrap(),
    };
    m.tear_down();
    Outcome { answer, live, leaked: m.collector().occupied() }
}

/// Whether a discipline with these capabilities ever reclaims anything.
pub(crate) fn reclaims(caps: Caps) -> bool {
    caps.releases() || caps.cycles || caps.needs_free || caps.regions
}

/// Runs the program under each collector that it applies to; `look` sees the collector's name and
/// capabilities, and what the run left.
pub(crate) fn each<H: Harness<Job = Prepared, Report = Outcome>>(
    program: &Prepared,
    needs: Needs,
    mut look: impl FnMut(&str, Caps, Outcome),
) {
    for entry in standard::<H>().entries() {
        let lacks_owner = needs.shared && !entry.caps.shared;
        let lacks_free = entry.caps.needs_free && !needs.free_points;
        if !lacks_owner && !lacks_free {
            look(entry.info.name, entry.caps, (entry.run)(program));
        }
    }
}
