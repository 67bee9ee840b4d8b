//! The measuring side of a mutator: phases, samples, the census, teardown and accounts.
//!
//! Programs use only [`Mutator::phase`]. Samples are taken under a probe that watches; timed cells have
//! none.

use super::Mutator;
use crate::blocks::heap::Heap;
use crate::collector::Collector;
use crate::context::Context;
use crate::context::events::Cause;
use crate::context::roots::RootEntry;
use crate::memory::footprint::Footprint;
use crate::mutator::probe::Probe;
use crate::mutator::survey::{Reachable, Survey};
use std::io;

/// Exact live bytes, taken whenever the allocation clock has advanced by a step.
#[derive(Debug)]
pub(super) struct Census {
    survey: Survey,
    step_bytes: u64,
    next_bytes: u64,
}

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// Takes exact live bytes every `step_bytes` of allocation and at every phase.
    ///
    /// # Errors
    /// If the operating system refuses address space for the survey.
    pub fn take_census(&mut self, step_bytes: u64) -> io::Result<()> {
        self.census = Some(Census { survey: Survey::new()?, step_bytes, next_bytes: 0 });
        Ok(())
    }

    /// Logs every pause from now on, cascades included, and none that began before: the pause pass. There is
    /// room for `capacity` pauses; further ones are counted and not kept. Sets the clock of the log to zero.
    pub fn log_every_pause(&mut self, capacity: usize) {
        self.cx.log.log_every_pause(capacity);
    }

    /// Collects before every `allocations`-th allocation from now on, if the discipline collects at
    /// all: stress that soon exposes an object not kept alive. Has no effect under [`crate::Off`].
    pub fn collect_every(&mut self, allocations: u64) {
        self.collect_every = Some(allocations);
    }

    #[inline(always)]
    pub(super) fn stress(&mut self) {
        if self.collect_every.is_some_and(|every| self.allocated_objects.is_multiple_of(every)) {
            self.collect();
        }
    }

    /// Begins a named phase of the program.
    pub fn phase(&mut self, name: &'static str) {
        self.cx.log.phase(name);
        if P::ON {
            self.sample();
            self.take_live();
        }
    }

    #[inline(always)]
    pub(super) fn observe(&mut self) {
        if self.cx.log.is_sample_due(self.allocated_bytes) {
            self.sample();
        }
        if self.census.as_ref().is_some_and(|census| self.allocated_bytes >= census.next_bytes) {
            self.take_live();
        }
    }

    fn sample(&mut self) {
        let committed_bytes = self.heap.budget().committed_bytes();
        self.cx.log.sample(self.allocated_bytes, self.footprint(), committed_bytes);
    }

    fn take_live(&mut self) {
        let Some(census) = &mut self.census else { return };
        let live = census.survey.reachable(&self.heap, &self.cx.roots);
        census.next_bytes = self.allocated_bytes + census.step_bytes;
        self.cx.log.live(self.allocated_bytes, live.bytes);
        let allocated = |object| self.collector.parts().is_allocated(object);
        self.probe.surveyed(self.allocated_bytes, live, allocated);
    }

    /// Drops all roots, as at the end of a program, then collects a last time. Registrations for
    /// finalization end, too. A discipline that frees only explicitly frees the owned objects here.
    pub fn tear_down(&mut self) {
        self.settle();
        while let Some(RootEntry { object, owned }) = self.cx.roots.pop_any() {
            if owned {
                self.collector.free(&mut self.cx, object);
            } else {
                self.collector.root_removed(&mut self.cx, object, false);
            }
        }
        self.settle();
        self.cx.weak.end();
        self.collector.collect(&mut self.cx, Cause::End);
        self.report_moves();
    }

    /// The reachable objects, by an independent survey.
    ///
    /// # Errors
    /// If the operating system refuses address space for it.
    pub fn reachable(&self) -> io::Result<Reachable> {
        Ok(Survey::new()?.reachable(&self.heap, &self.cx.roots))
    }

    /// Checks the spaces of the collector and its own invariants, between collections. Slow.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn verify_collector(&self) -> Result<(), String> {
        self.collector.parts().verify()?;
        self.collector.verify(&self.cx)
    }

    /// The bytes held, in parts.
    pub fn footprint(&self) -> Footprint {
        let own = Footprint {
            reserved_bytes: 0,
            retained_bytes: self.heap.retained_bytes(),
            metadata_bytes: self.cx.metadata_bytes() + self.heap.metadata_bytes(),
        };
        self.collector.parts().footprint().plus(own)
    }

    /// The context: roots and event log.
    pub fn context(&self) -> &Context {
        &self.cx
    }

    /// The collector.
    pub fn collector(&self) -> &C {
        &self.collector
    }

    /// The heap.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The probe.
    pub fn probe(&self) -> &P {
        &self.probe
    }

    /// Bytes allocated so far, headers included, before rounding to cells; 0 under [`crate::Off`].
    pub fn allocated_bytes(&self) -> u64 {
        self.allocated_bytes
    }

    /// Objects allocated so far; 0 under [`crate::Off`].
    pub fn allocated_objects(&self) -> u64 {
        self.allocated_objects
    }
}
