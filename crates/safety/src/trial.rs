//! One trial: a faulty program under one collector, from its control to what it amounts to.
//!
//! The control is the same program under the same discipline without the mistake. It gives the right
//! answer, the clocks at which the author errs, and the limit under which a collector that collects
//! only when the heap is full does collect.

use crate::author::{Author, BORROWS, Mistake};
use crate::native::{self, native_drop};
use crate::plan::{Planned, Trying, plan};
use crate::witness::{Ended, Found, Witness};
use heap::{
    AnyCollector, Caps, Config, Discipline, HeapConfig, Mutator, Off, OutOfMemory, Reachable, Reuse,
};
use record::{Counts, Failure, SAFETY_VERSION, Trial, TrialEnd};
use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{io, thread};
use workloads::{Prepared, Size, Suite};

/// What no faulty program may exceed, whatever it does.
const LIMIT_BYTES: u64 = 64 << 20;
/// The stack of watched programs.
const WATCHED_STACK_BYTES: usize = 256 << 20;
/// Surveys of a run in which leaks are looked for.
const SURVEYS: u64 = 24;
/// A program that makes so many times the accesses of its control does not end.
const PATIENCE: u64 = 8;
/// The limit of a program that keeps little, as a multiple of what it keeps.
const PRESSURE: u64 = 4;

/// Runs the trials of a discipline, which is told `config`, from number `first` on, and hands each to
/// `done`: when it begins, for it may end this process, and when it has ended.
///
/// # Errors
/// If no thread can be started for them.
pub fn run(
    discipline: Discipline,
    config: &Config,
    seeds: u32,
    first: usize,
    done: &mut (dyn FnMut(Trial) + Send),
) -> io::Result<()> {
    // A program that recurses over its data may find a ring in it, and is ended by its witness only
    // after many accesses: until then it needs a stack.
    let thread = thread::Builder::new().stack_size(WATCHED_STACK_BYTES);
    thread::scope(|scope| {
        let thread = thread.spawn_scoped(scope, || {
            let mut controls = HashMap::new();
            for (number, planned) in
                plan(discipline.caps, seeds).into_iter().enumerate().skip(first)
            {
                let mut trial = begin(number, &planned, discipline.caps);
                done(trial.clone());
                attempt(discipline, config, &planned, &mut controls, &mut trial);
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
    discipline: Discipline,
    config: &Config,
    planned: &Planned,
    controls: &mut Controls,
    trial: &mut Trial,
) {
    match planned.trying {
        Trying::Mistake(mistake) => err(discipline, config, planned, mistake, controls, trial),
        Trying::Pressure => trial.end = press(discipline, config, planned),
        Trying::Native(list) => {
            trial.end = match native_drop(list, native::NODES, native::STACK_BYTES) {
                Ok(()) => TrialEnd::Right,
                Err(e) => TrialEnd::NotApplicable { reason: e.to_string() },
            }
        }
    }
}

/// Controls by program, and by whether they were surveyed; or why there is none.
type Controls = HashMap<(&'static str, bool), Result<Control, String>>;

/// A program without its mistake.
struct Control {
    answer: String,
    program: Prepared,
    limit_bytes: u64,
    objects: u64,
    frees: u64,
    touches: u64,
    allocated_bytes: u64,
    live: Vec<Reachable>,
}

/// What a watched program did.
struct Watched {
    end: Result<String, TrialEnd>,
    counts: Counts,
    clocks: (u64, u64, u64),
    surveys: Vec<Found>,
    allocated_bytes: u64,
    peak_bytes: u64,
}

fn err(
    discipline: Discipline,
    config: &Config,
    planned: &Planned,
    mistake: Mistake,
    controls: &mut Controls,
    trial: &mut Trial,
) {
    let entry = workloads::find(planned.program).map_err(|e| e.to_string());
    let needs = entry.as_ref().map(|entry| entry.needs);
    if let Some(reason) = needs.ok().and_then(|needs| needs.refusal(discipline.caps)) {
        trial.end = TrialEnd::NotApplicable { reason: reason.to_owned() };
        return;
    }
    let is_surveyed =
        matches!(planned.failure, Failure::Leak | Failure::LogicalLeak | Failure::CycleLeak);
    let key = (planned.program, is_surveyed);
    let control =
        controls.entry(key).or_insert_with(|| control(discipline, config, planned, is_surveyed));
    let control = match control {
        Ok(control) => control,
        Err(reason) => {
            trial.end = TrialEnd::NotApplicable { reason: reason.clone() };
            return;
        }
    };
    let events = if mistake.errs_at_frees() { control.frees } else { control.objects };
    let touches_max = control.touches * PATIENCE + 10_000;
    let step_bytes = is_surveyed.then_some(control.allocated_bytes / SURVEYS);
    let mut limit_bytes = control.limit_bytes;
    let watched = loop {
        let author = Author::new(mistake, events, planned.seed);
        let watched = watch(
            discipline,
            config,
            &control.program,
            witness(discipline, author, touches_max),
            limit_bytes,
            planned.reuse(),
            step_bytes,
        );
        // What the author keeps in order to err, or another order of reuse, may need more room than the control
        // did. Only what no room is enough for is the mistake's doing.
        if watched.end != Err(TrialEnd::OutOfMemory) || limit_bytes >= LIMIT_BYTES {
            break watched;
        }
        limit_bytes *= 2;
    };
    trial.counts = watched.counts;
    trial.end = match watched.end {
        Ok(answer) if answer == control.answer => TrialEnd::Right,
        Ok(got) => TrialEnd::Wrong { got },
        Err(end) => end,
    };
    let kept_more = |(found, live): (&Found, &Reachable)| record::LeakPoint {
        allocated_bytes: found.allocated_bytes,
        leaked_bytes: found.live.bytes.saturating_sub(live.bytes),
    };
    let leaked = match planned.failure {
        // What nobody needs is reachable: more than without the mistake.
        Failure::LogicalLeak => {
            trial.leaks = watched.surveys.iter().zip(&control.live).map(kept_more).collect();
            watched.surveys.last().zip(control.live.last()).map(|(found, live)| Reachable {
                objects: found.live.objects.saturating_sub(live.objects),
                bytes: found.live.bytes.saturating_sub(live.bytes),
            })
        }
        _ => {
            trial.leaks = watched.surveys.iter().map(Found::point).collect();
            watched.surveys.last().map(Found::leaked)
        }
    };
    if let Some(leaked) = leaked {
        (trial.counts.leaked_bytes, trial.counts.leaked_objects) = (leaked.bytes, leaked.objects);
    }
}

/// Runs the program without its mistake: first without a limit, then, if the discipline collects at
/// its limit, under the tightest one of a few that is enough.
fn control(
    discipline: Discipline,
    config: &Config,
    planned: &Planned,
    is_surveyed: bool,
) -> Result<Control, String> {
    let entry = workloads::find(planned.program).map_err(|e| e.to_string())?;
    let program =
        entry.prepare(&planned.parameters(), Suite::builtin().seed).map_err(|e| e.to_string())?;
    let watch = |limit_bytes, step_bytes| {
        let author = Author::new(Mistake::None, 0, 0);
        watch(
            discipline,
            config,
            &program,
            witness(discipline, author, u64::MAX),
            limit_bytes,
            planned.reuse(),
            step_bytes,
        )
    };
    let free = watch(LIMIT_BYTES, None);
    let mut limit_bytes = LIMIT_BYTES;
    if discipline.caps.bounded {
        // In eighths of the footprint that it reaches without collecting.
        let limits = (1..=8).map(|eighths| free.peak_bytes * eighths / 8);
        let is_enough = |limit: &u64| watch(*limit, None).end.is_ok();
        limit_bytes = limits.into_iter().find(is_enough).map_or(LIMIT_BYTES, |limit| limit * 9 / 8);
    }
    let watched = watch(limit_bytes, is_surveyed.then_some(free.allocated_bytes / SURVEYS));
    let (objects, frees, touches) = watched.clocks;
    match watched.end {
        Ok(answer) if watched.counts.stale() == 0 => Ok(Control {
            answer,
            program,
            limit_bytes,
            objects,
            frees,
            touches,
            allocated_bytes: watched.allocated_bytes,
            live: watched.surveys.iter().map(|found| found.live).collect(),
        }),
        Ok(_) => Err(format!(
            "{} uses what is gone even without a mistake: a defect of the collector",
            planned.program
        )),
        Err(end) => Err(format!("{} does not run without a mistake: {end:?}", planned.program)),
    }
}

/// Who watches an author under a discipline, for so many accesses at most.
fn witness(discipline: Discipline, author: Author, touches_max: u64) -> Witness {
    let acts = discipline.caps.releases() || discipline.caps.needs_free;
    Witness::new(author, acts, touches_max)
}

/// Runs a program under a witness of its author.
fn watch(
    discipline: Discipline,
    config: &Config,
    program: &Prepared,
    witness: Witness,
    limit_bytes: u64,
    reuse: Reuse,
    step_bytes: Option<u64>,
) -> Watched {
    let heap = HeapConfig { limit_bytes: Some(limit_bytes), ..HeapConfig::default() };
    let refused = |e: io::Error| TrialEnd::NotApplicable { reason: e.to_string() };
    let mut m = match Mutator::with_reuse(heap, reuse, witness, |heap| {
        discipline.collector(heap, config)
    }) {
        Ok(m) => m,
        Err(e) => return Watched::nothing(refused(e)),
    };
    if let Some(Err(e)) = step_bytes.map(|step| m.take_census(step.max(1))) {
        return Watched::nothing(refused(e));
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
    Watched {
        end,
        counts: m.probe().counts(),
        clocks: m.probe().clocks(),
        surveys: m.probe().surveys().to_vec(),
        allocated_bytes: m.allocated_bytes(),
        peak_bytes: m.heap().budget().peak_bytes(),
    }
}

impl Watched {
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

/// What unwinding means: the witness has ended the program, or it has stopped itself.
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
    text.unwrap_or_else(|| "it panicked without a word".to_owned())
}

/// Runs a program of the suite as it is, with its literal answer, on a small stack and, where memory
/// is the matter, under a limit that binds every discipline.
fn press(discipline: Discipline, config: &Config, planned: &Planned) -> TrialEnd {
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
            Mutator::<AnyCollector, _>::with(heap, Off, |heap| discipline.collector(heap, config))
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
