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
    Reuse,
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
                attempt(factory, config, &planned, &mut controls, &mut trial);
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

fn attempt(
    factory: CollectorFactory,
    config: &Config,
    planned: &Planned,
    controls: &mut Controls,
    trial: &mut Trial,
) {
    match planned.kind {
        TrialKind::Mistake(mistake) => inject(factory, config, planned, mistake, controls, trial),
        TrialKind::Pressure => trial.end = press(factory, config, planned),
        TrialKind::Native(list) => {
            trial.end = match native_drop(list, native::NODES, native::STACK_BYTES) {
                Ok(()) => TrialEnd::Right,
                Err(e) => TrialEnd::NotApplicable { reason: e.to_string() },
            }
        }
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

/// Result of a probed program.
struct Probed {
    end: Result<String, TrialEnd>,
    counts: Counts,
    clocks: (u64, u64, u64),
    surveys: Vec<Survey>,
    allocated_bytes: u64,
    peak_bytes: u64,
}

fn inject(
    factory: CollectorFactory,
    config: &Config,
    planned: &Planned,
    mistake: Mistake,
    controls: &mut Controls,
    trial: &mut Trial,
) {
    let entry = workloads::find(planned.program).map_err(|e| e.to_string());
    let needs = entry.as_ref().map(|entry| entry.needs);
    if let Some(reason) = needs.ok().and_then(|needs| needs.refusal(factory.caps)) {
        trial.end = TrialEnd::NotApplicable { reason: reason.to_owned() };
        return;
    }
    let is_surveyed =
        matches!(planned.failure, Failure::Leak | Failure::LogicalLeak | Failure::CycleLeak);
    let key = (planned.program, is_surveyed);
    let control =
        controls.entry(key).or_insert_with(|| control(factory, config, planned, is_surveyed));
    let control = match control {
        Ok(control) => control,
        Err(reason) => {
            trial.end = TrialEnd::NotApplicable { reason: reason.clone() };
            return;
        }
    };
    let events = if mistake.occurs_at_frees() { control.frees } else { control.objects };
    let accesses_max = control.accesses * PATIENCE + 10_000;
    let step_bytes = is_surveyed.then_some(control.allocated_bytes / SURVEYS);
    let mut limit_bytes = control.limit_bytes;
    let probed = loop {
        let faults = FaultSchedule::new(mistake, events, planned.seed);
        let probed = run_probed(
            factory,
            config,
            &control.program,
            probe(factory, faults, accesses_max),
            limit_bytes,
            planned.reuse(),
            step_bytes,
        );
        // Objects kept for injection, or another order of reuse, may need more room than the control.
        // Running out of memory under the full limit is an effect of the mistake.
        if probed.end != Err(TrialEnd::OutOfMemory) || limit_bytes >= LIMIT_BYTES {
            break probed;
        }
        limit_bytes *= 2;
    };
    trial.counts = probed.counts;
    trial.end = match probed.end {
        Ok(answer) if answer == control.answer => TrialEnd::Right,
        Ok(got) => TrialEnd::Wrong { got },
        Err(end) => end,
    };
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
    if let Some(leaked) = leaked {
        (trial.counts.leaked_bytes, trial.counts.leaked_objects) = (leaked.bytes, leaked.objects);
    }
}

/// Runs the program without its mistake: first without a tight limit, then, if the discipline collects
/// at its limit, under the tightest of a few limits that suffices.
fn control(
    factory: CollectorFactory,
    config: &Config,
    planned: &Planned,
    is_surveyed: bool,
) -> Result<Control, String> {
    let entry = workloads::find(planned.program).map_err(|e| e.to_string())?;
    let program =
        entry.prepare(&planned.parameters(), Suite::builtin().seed).map_err(|e| e.to_string())?;
    let run = |limit_bytes, step_bytes| {
        let faults = FaultSchedule::new(Mistake::None, 0, 0);
        run_probed(
            factory,
            config,
            &program,
            probe(factory, faults, u64::MAX),
            limit_bytes,
            planned.reuse(),
            step_bytes,
        )
    };
    let free = run(LIMIT_BYTES, None);
    let mut limit_bytes = LIMIT_BYTES;
    if factory.caps.bounded {
        // Eighths of the footprint that the program reaches without a collection.
        let limits = (1..=8).map(|eighths| free.peak_bytes * eighths / 8);
        let is_enough = |limit: &u64| run(*limit, None).end.is_ok();
        limit_bytes = limits.into_iter().find(is_enough).map_or(LIMIT_BYTES, |limit| limit * 9 / 8);
    }
    let probed = run(limit_bytes, is_surveyed.then_some(free.allocated_bytes / SURVEYS));
    let (objects, frees, accesses) = probed.clocks;
    match probed.end {
        Ok(answer) if probed.counts.stale() == 0 => Ok(Control {
            answer,
            program,
            limit_bytes,
            objects,
            frees,
            accesses,
            allocated_bytes: probed.allocated_bytes,
            live: probed.surveys.iter().map(|survey| survey.live).collect(),
        }),
        Ok(_) => Err(format!(
            "{} accesses dead objects without a mistake: a defect of the collector",
            planned.program
        )),
        Err(end) => Err(format!("{} does not run without a mistake: {end:?}", planned.program)),
    }
}

/// The probe for a discipline; it ends the program after `accesses_max` accesses.
fn probe(factory: CollectorFactory, faults: FaultSchedule, accesses_max: u64) -> StaleAccessProbe {
    let frees = factory.caps.releases() || factory.caps.needs_free;
    StaleAccessProbe::new(faults, frees, accesses_max)
}

/// Runs a program under a probe.
fn run_probed(
    factory: CollectorFactory,
    config: &Config,
    program: &Prepared,
    probe: StaleAccessProbe,
    limit_bytes: u64,
    reuse: Reuse,
    step_bytes: Option<u64>,
) -> Probed {
    let heap = HeapConfig { limit_bytes: Some(limit_bytes), ..HeapConfig::default() };
    let refused = |e: io::Error| TrialEnd::NotApplicable { reason: e.to_string() };
    let mut m =
        match Mutator::with_reuse(heap, reuse, probe, |heap| factory.collector(heap, config)) {
            Ok(m) => m,
            Err(e) => return Probed::nothing(refused(e)),
        };
    if let Some(Err(e)) = step_bytes.map(|step| m.take_census(step.max(1))) {
        return Probed::nothing(refused(e));
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
    Probed {
        end,
        counts: m.probe().counts(),
        clocks: m.probe().clocks(),
        surveys: m.probe().surveys().to_vec(),
        allocated_bytes: m.allocated_bytes(),
        peak_bytes: m.heap().budget().peak_bytes(),
    }
}

impl Probed {
    fn nothing(end: TrialEnd) -> Self {
        Self {
            end: Err(end),
            counts: Counts::default(),
            clocks: (0, 0, 0),
            surveys: Vec::new(),
            allocated_bytes: 0,
            peak_bytes: 0,
        }
    }
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

/// Runs a program of the suite as it is, with its literal answer, on a small stack. For unbounded
/// garbage the heap limit binds every discipline.
fn press(factory: CollectorFactory, config: &Config, planned: &Planned) -> TrialEnd {
    let not_run = |reason: String| TrialEnd::NotApplicable { reason };
    let suite = Suite::builtin();
    let workload = suite.find(planned.program);
    let Some((workload, instance)) = workload.and_then(|w| Some((w, w.at(Size::Small)?))) else {
        return not_run(format!("the suite has no small {}", planned.program));
    };
    let program = match workload.entry().prepare(&instance.parameters, suite.seed) {
        Ok(program) => program,
        Err(e) => return not_run(e.to_string()),
    };
    let peak = instance.census.map(|census| census.peak_live_bytes);
    let limited = planned.failure == Failure::UnboundedGarbage;
    let limit_bytes = peak.filter(|_| limited).map(|peak| peak * PRESSURE);
    let heap = HeapConfig { limit_bytes, ..HeapConfig::default() };
    let body = || {
        let mut m =
            Mutator::<AnyCollector, _>::with(heap, Off, |heap| factory.collector(heap, config))
                .map_err(|e| not_run(e.to_string()))?;
        let answer = program.run(&mut m).map_err(|OutOfMemory { .. }| TrialEnd::OutOfMemory)?;
        m.tear_down();
        Ok(answer)
    };
    let run = thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(native::STACK_BYTES);
        let thread = thread.spawn_scoped(scope, body).map_err(|e| not_run(e.to_string()))?;
        thread.join().unwrap_or_else(|payload| Err(end_of(&*payload)))
    });
    match run {
        Ok(answer) if answer == instance.answer => TrialEnd::Right,
        Ok(got) => TrialEnd::Wrong { got },
        Err(end) => end,
    }
}
