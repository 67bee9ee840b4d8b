//! One trial: a faulty program under one collector, compared with its control.
//!
//! The control is the same program under the same discipline without the mistake. It gives the correct
//! answer, the length of the clocks by which faults are injected, and a limit so tight that a
//! collector that collects only when the heap is full does collect.

use crate::fault_injection::{BORROWS, FaultSchedule, Mistake};
use crate::leak_survey::Survey;
use crate::native::{self, native_drop};
use crate::plan::{Planned, TrialKind, plan};
use crate::stale_access_probe::{Ended, StaleAccessProbe};
use heap::{
    AnyCollector, Caps, CollectorFactory, Config, HeapConfig, Mutator, Off, OutOfMemory, Reachable,
};
use record::{Counts, Failure, SAFETY_VERSION, Trial, TrialEnd};
use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{io, thread};
use workloads::{Prepared, Size, Suite};

/// Heap limit of every faulty program.
const LIMIT_BYTES: u64 = 64 << 20;
/// Stack of probed programs.
const PROBED_STACK_BYTES: usize = 256 << 20;
/// Surveys of a run that measures leaks.
const SURVEYS: u64 = 24;
/// A program that makes this multiple of its control's accesses is taken to hang.
const PATIENCE: u64 = 8;
/// The limit of a pressure trial, as a multiple of the peak of live bytes.
const PRESSURE: u64 = 4;

/// Runs the trials of a discipline under `config`, from number `first` on. Hands each to `done` when it
/// begins, because it may end this process, and when it has ended.
///
/// # Errors
/// If their thread cannot be started.
pub fn run(
    factory: CollectorFactory,
    config: &Config,
    seeds: u32,
    first: usize,
    done: &mut (dyn FnMut(Trial) + Send),
) -> io::Result<()> {
    // A program that recurses over corrupted data may recurse along a ring until the probe ends it,
    // after many accesses: until then it needs stack.
    let thread = thread::Builder::new().stack_size(PROBED_STACK_BYTES);
    thread::scope(|scope| {
        let thread = thread.spawn_scoped(scope, || {
            let mut controls = HashMap::new();
            for (number, planned) in plan(factory.caps, seeds).into_iter().enumerate().skip(first) {
                let mut trial = begin(number, &planned, factory.caps);
                done(trial.clone());
                Attempt { factory, config, planned }.run(&mut controls, &mut trial);
                done(trial);
            }
        })?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok(())
    })
}

fn begin(number: usize, planned: &Planned, caps: Caps) -> Trial {
    Trial {
        schema: SAFETY_VERSION,
        number,
        subject: planned.subject(caps),
        seed: planned.seed,
        end: TrialEnd::Begun,
        counts: Counts::default(),
        leaks: Vec::new(),
    }
}

/// Controls by program and by whether they were surveyed; the error if a control fails.
type Controls = HashMap<(&'static str, bool), Result<Control, String>>;

/// A program without its mistake.
struct Control {
    answer: String,
    program: Prepared,
    limit_bytes: u64,
    objects: u64,
    frees: u64,
    accesses: u64,
    allocated_bytes: u64,
    live: Vec<Reachable>,
}

/// Result of a probed program that began.
struct Probed {
    end: Result<String, TrialEnd>,
    counts: Counts,
    clocks: (u64, u64, u64),
    surveys: Vec<Survey>,
    allocated_bytes: u64,
    peak_bytes: u64,
}

/// A planned trial under a collector.
struct Attempt<'a> {
    factory: CollectorFactory,
    config: &'a Config,
    planned: Planned,
}

impl Attempt<'_> {
    fn run(&self, controls: &mut Controls, trial: &mut Trial) {
        let ended = match self.planned.kind {
            TrialKind::Mistake(mistake) => self.inject(mistake, controls, trial),
            TrialKind::Pressure => self.press(),
            TrialKind::Native(list) => native_drop(list, native::NODES, native::STACK_BYTES)
                .map(|()| TrialEnd::Right)
                .map_err(not_run),
        };
        trial.end = ended.unwrap_or_else(|end| end);
    }

    fn inject(
        &self,
        mistake: Mistake,
        controls: &mut Controls,
        trial: &mut Trial,
    ) -> Result<TrialEnd, TrialEnd> {
        let planned = &self.planned;
        let entry = workloads::find(planned.program).ok();
        if let Some(reason) = entry.and_then(|entry| entry.needs.refusal(self.factory.caps)) {
            return Err(not_run(reason));
        }
        let is_surveyed =
            matches!(planned.failure, Failure::Leak | Failure::LogicalLeak | Failure::CycleLeak);
        let key = (planned.program, is_surveyed);
        let control = controls.entry(key).or_insert_with(|| self.control(is_surveyed));
        let control = control.as_ref().map_err(not_run)?;
        let events = if mistake.occurs_at_frees() { control.frees } else { control.objects };
        let accesses_max = control.accesses * PATIENCE + 10_000;
        let step_bytes = is_surveyed.then_some(control.allocated_bytes / SURVEYS);
        let mut limit_bytes = control.limit_bytes;
        let probed = loop {
            let faults = FaultSchedule::new(mistake, events, planned.seed);
            let probe = self.probe(faults, accesses_max);
            let probed = self.run_probed(&control.program, probe, limit_bytes, step_bytes)?;
            // Objects kept for injection, or another order of reuse, may need more room than the control.
            // Running out of memory under the full limit is an effect of the mistake.
            if probed.end != Err(TrialEnd::OutOfMemory) || limit_bytes >= LIMIT_BYTES {
                break probed;
            }
            limit_bytes *= 2;
        };
        trial.counts = probed.counts;
        let surveys = &probed.surveys;
        let leaked = match planned.failure {
            // Objects that the program no longer needs stay reachable: more than without the mistake.
            Failure::LogicalLeak => {
                let retained = |(survey, &live): (&Survey, &Reachable)| survey.retained(live);
                let point = |pair: (&Survey, &Reachable)| pair.0.point(retained(pair));
                trial.leaks = surveys.iter().zip(&control.live).map(point).collect();
                surveys.last().zip(control.live.last()).map(retained)
            }
            _ => {
                trial.leaks = surveys.iter().map(|survey| survey.point(survey.leaked())).collect();
                surveys.last().map(Survey::leaked)
            }
        };
        if let Some(Reachable { bytes, objects }) = leaked {
            (trial.counts.leaked_bytes, trial.counts.leaked_objects) = (bytes, objects);
        }
        Ok(judged(probed.end?, &control.answer))
    }

    /// Runs the program without its mistake: first without a tight limit, then, if the discipline collects
    /// at its limit, under the tightest of a few limits that suffices.
    fn control(&self, is_surveyed: bool) -> Result<Control, String> {
        let name = self.planned.program;
        let entry = workloads::find(name).map_err(|e| e.to_string())?;
        let program = entry.prepare(&self.planned.parameters(), Suite::builtin().seed);
        let program = program.map_err(|e| e.to_string())?;
        let does_not_run = |end| format!("{name} does not run without a mistake: {end:?}");
        let run = |limit_bytes, step_bytes| {
            let probe = self.probe(FaultSchedule::new(Mistake::None, 0, 0), u64::MAX);
            self.run_probed(&program, probe, limit_bytes, step_bytes).map_err(does_not_run)
        };
        let free = run(LIMIT_BYTES, None)?;
        let mut limit_bytes = LIMIT_BYTES;
        if self.factory.caps.bounded {
            // Eighths of the footprint that the program reaches without a collection, and an eighth of that.
            // A few blocks more may be too few where fewer were enough: other cells are free.
            let mut limits = (1..=8).map(|eighths| free.peak_bytes * eighths / 8);
            let is_enough = |limit| run(limit, None).is_ok_and(|probed| probed.end.is_ok());
            let limit = limits.find(|&limit| is_enough(limit) && is_enough(limit * 9 / 8));
            limit_bytes = limit.map_or(LIMIT_BYTES, |limit| limit * 9 / 8);
        }
        let probed = run(limit_bytes, is_surveyed.then_some(free.allocated_bytes / SURVEYS))?;
        let (objects, frees, accesses) = probed.clocks;
        let answer = probed.end.map_err(does_not_run)?;
        if probed.counts.stale() > 0 {
            let defect = "accesses dead objects without a mistake: a defect of the collector";
            return Err(format!("{name} {defect}"));
        }
        let live = probed.surveys.iter().map(|survey| survey.live).collect();
        let allocated_bytes = probed.allocated_bytes;
        Ok(Control {
            answer,
            program,
            limit_bytes,
            objects,
            frees,
            accesses,
            allocated_bytes,
            live,
        })
    }

    /// The probe for the discipline; it ends the program after `accesses_max` accesses.
    fn probe(&self, faults: FaultSchedule, accesses_max: u64) -> StaleAccessProbe {
        let frees = self.factory.caps.releases() || self.factory.caps.needs_free;
        StaleAccessProbe::new(faults, frees, accesses_max)
    }

    /// Runs a program under a probe.
    ///
    /// # Errors
    /// If there is no address space for it.
    fn run_probed(
        &self,
        program: &Prepared,
        probe: StaleAccessProbe,
        limit_bytes: u64,
        step_bytes: Option<u64>,
    ) -> Result<Probed, TrialEnd> {
        let (limit_bytes, huge_pages) = (Some(limit_bytes), self.config.huge_pages());
        let heap = HeapConfig { limit_bytes, huge_pages, ..HeapConfig::default() };
        let collector = |heap: &_| self.factory.collector(heap, self.config);
        let mut m =
            Mutator::with_reuse(heap, self.planned.reuse(), probe, collector).map_err(not_run)?;
        if let Some(step) = step_bytes {
            m.take_census(step.max(1)).map_err(not_run)?;
        }
        let run = catch_unwind(AssertUnwindSafe(|| {
            m.make_borrows(BORROWS)?;
            let answer = program.run(&mut m)?;
            if step_bytes.is_some() {
                m.collect();
                m.phase("end");
            }
            Ok(answer)
        }));
        let end = match run {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(OutOfMemory { .. })) => Err(TrialEnd::OutOfMemory),
            Err(payload) => Err(end_of(&*payload)),
        };
        Ok(Probed {
            end,
            counts: m.probe().counts(),
            clocks: m.probe().clocks(),
            surveys: m.probe().surveys().to_vec(),
            allocated_bytes: m.allocated_bytes(),
            peak_bytes: m.heap().budget().peak_bytes(),
        })
    }

    /// Runs a program of the suite as it is, with its literal answer, on a small stack. For unbounded
    /// garbage the heap limit binds every discipline.
    fn press(&self) -> Result<TrialEnd, TrialEnd> {
        let (name, suite) = (self.planned.program, Suite::builtin());
        let workload = suite.find(name);
        let (workload, instance) = workload
            .and_then(|workload| Some((workload, workload.at(Size::Small)?)))
            .ok_or_else(|| not_run(format!("the suite has no small {name}")))?;
        let program =
            workload.entry().prepare(&instance.parameters, suite.seed).map_err(not_run)?;
        let peak = instance.census.map(|census| census.peak_live_bytes);
        let limited = self.planned.failure == Failure::UnboundedGarbage;
        let limit_bytes = peak.filter(|_| limited).map(|peak| peak * PRESSURE);
        let huge_pages = self.config.huge_pages();
        let heap = HeapConfig { limit_bytes, huge_pages, ..HeapConfig::default() };
        let collector = |heap: &_| self.factory.collector(heap, self.config);
        let body = || {
            let mut m = Mutator::<AnyCollector, _>::with(heap, Off, collector).map_err(not_run)?;
            let answer = program.run(&mut m).map_err(|OutOfMemory { .. }| TrialEnd::OutOfMemory)?;
            m.tear_down();
            Ok(answer)
        };
        let answer = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(native::STACK_BYTES);
            let thread = thread.spawn_scoped(scope, body).map_err(not_run)?;
            thread.join().unwrap_or_else(|payload| Err(end_of(&*payload)))
        })?;
        Ok(judged(answer, &instance.answer))
    }
}

fn not_run(reason: impl ToString) -> TrialEnd {
    TrialEnd::NotApplicable { reason: reason.to_string() }
}

fn judged(got: String, expected: &str) -> TrialEnd {
    if got == expected { TrialEnd::Right } else { TrialEnd::Wrong { got } }
}

/// The end that a panic means: the probe ended the program, or the program stopped itself.
fn end_of(payload: &(dyn Any + Send)) -> TrialEnd {
    match payload.downcast_ref::<Ended>() {
        Some(Ended::Faulted) => TrialEnd::Faulted,
        Some(Ended::Hung) => TrialEnd::Hung,
        None => TrialEnd::Stopped { why: words(payload) },
    }
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked without a message".to_owned())
}
