//! Verifying in a child process: a collector that hangs, crashes, overflows its stack or eats all
//! memory fails with its seed and a short program, like any other, and the tool lives on.
//!
//! 1. A child is given the job and says which seed it is about to play
//!    ([`crate::commands::verify_child`] is its side).
//! 2. If it then says nothing within the limit, holds too much memory (be it for a moment: its peak is
//!    told with whatever it says), or ends, the program of that seed has failed by [`Detector::Run`].
//! 3. Whatever failed is made short by trying candidates in children, too. They are kept for the next
//!    candidate as long as they live, so that only what ends a process costs a new one.

use crate::commands::verify_child::Said;
use conformance::program::Program;
use conformance::shrink::shrink;
use conformance::{Detector, Failure, Job, Report};
use runner::{ChildEnd, Dialogue, Heard, Interrupt, Stop, classify};
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

/// How much of time and memory verifying may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// For a process to say which program it plays: a busy machine may take long to load it.
    pub(crate) startup: Duration,
    /// For one program.
    pub(crate) program: Duration,
    /// For one candidate while a failing program is made short; also for the last one to fail again.
    pub(crate) attempt: Duration,
    /// For making a program short.
    pub(crate) shrinking: Duration,
    /// Resident memory of a child.
    pub(crate) resident_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            startup: Duration::from_secs(60),
            program: Duration::from_secs(10),
            attempt: Duration::from_secs(2),
            shrinking: Duration::from_secs(20),
            resident_bytes: 1 << 30,
        }
    }
}

/// A candidate gets at least this long, and [`PATIENCE`] times what the slowest program took that
/// ended.
const ATTEMPT_MIN: Duration = Duration::from_millis(250);
const PATIENCE: u32 = 10;

/// After so many processes that ended, failures are not counted any further: a share of the programs
/// played so far is as good, and whoever hangs in every program would take hours.
const DEATHS_MAX: u32 = 3;

/// What the last act of a process was is not known to anybody else.
const PHASE: &str = "not known, its process is gone";

/// How a child answered a job.
struct Answer {
    report: Report,
    /// The seed with which its process was gone, and why, if that was so.
    died: Option<(u64, Death)>,
}

/// Why a process is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Death {
    /// It took too long.
    Hung,
    /// It took too much memory, which takes its time.
    TooLarge,
    /// It ended by itself.
    Ended,
}

/// Verifies in child processes, one at a time.
pub(crate) struct Supervisor<'a> {
    command: &'a dyn Fn() -> Command,
    limits: Limits,
    interrupt: &'a Interrupt,
    child: Option<Dialogue>,
    /// Of the programs that ended.
    slowest: Duration,
}

impl<'a> Supervisor<'a> {
    /// A supervisor of children that `command` starts, each of which serves.
    pub(crate) fn new(
        command: &'a dyn Fn() -> Command,
        limits: Limits,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { command, limits, interrupt, child: None, slowest: Duration::ZERO }
    }

    /// Does a job; what fails is made short if the job says so. `begins` is told of each seed. `None`
    /// if interrupted.
    ///
    /// # Errors
    /// If a child cannot be started or spoken with, or plays nothing.
    pub(crate) fn verify(
        &mut self,
        job: &Job,
        mut begins: impl FnMut(u64),
    ) -> io::Result<Option<Report>> {
        let mut plain = Job { shrinks: false, ..job.clone() };
        let mut all = Report::default();
        let mut deaths = 0;
        let death = loop {
            let Some(answer) = self.ask(&plain, self.limits.program, &mut begins)? else {
                return Ok(None);
            };
            all = merged(all, answer.report);
            match answer.died {
                // What it had counted before has gone with it; what is to be counted goes on after it.
                Some((seed, _)) if job.counts && deaths + 1 < DEATHS_MAX => {
                    deaths += 1;
                    let before = Job { seeds: plain.seeds.start..seed, ..plain.clone() };
                    let Some(again) = self.ask(&before, self.limits.program, &mut |_| ())? else {
                        return Ok(None);
                    };
                    all.failed += again.report.failed;
                    plain.seeds.start = seed + 1;
                }
                died => break died.map(|(_, death)| death),
            }
        };
        if let Some(found) = all.failure.take_if(|_| job.shrinks) {
            let Some(short) = self.shrink(&plain, found, death)? else { return Ok(None) };
            all.failure = Some(short);
        }
        Ok(Some(all))
    }

    /// Has a child do a job, and says how that ended; `None` if interrupted.
    fn ask(
        &mut self,
        job: &Job,
        limit: Duration,
        begins: &mut dyn FnMut(u64),
    ) -> io::Result<Option<Answer>> {
        let mut child = match self.child.take() {
            Some(child) => child,
            None => Dialogue::open(&mut (self.command)(), self.interrupt)?,
        };
        child.say(&serde_json::to_string(job)?);
        let mut flight: Option<(u64, Instant)> = None;
        let mut programs = 0;
        let mut until = Instant::now() + self.limits.startup;
        let (message, death) = loop {
            match child.hear(until, self.limits.resident_bytes)? {
                Heard::Interrupted => return Ok(None),
                Heard::Line(line) => match serde_json::from_str(&line) {
                    Ok(Said::Begins { peak_resident_bytes: peak, .. }) if self.exceeds(peak) => {
                        break (self.too_large(peak), Death::TooLarge);
                    }
                    Ok(Said::Begins { seed, .. }) => {
                        self.has_ended(flight);
                        begins(seed);
                        programs += 1;
                        let now = Instant::now();
                        (flight, until) = (Some((seed, now)), now + limit);
                    }
                    Ok(Said::Done { report, peak_resident_bytes: peak })
                        if report.failure.is_none() && self.exceeds(peak) =>
                    {
                        break (self.too_large(peak), Death::TooLarge);
                    }
                    Ok(Said::Done { report, peak_resident_bytes: peak }) => {
                        if report.failure.is_none() {
                            self.has_ended(flight);
                        }
                        // Who has held too much would be blamed again for what comes next.
                        self.child = Some(child).filter(|_| !self.exceeds(peak));
                        return Ok(Some(Answer { report: *report, died: None }));
                    }
                    // Printed by the collector, and no sign that it gets anywhere.
                    Err(_) if Instant::now() < until => {}
                    Err(_) => break (hangs(limit), Death::Hung),
                },
                // Not the collector's doing, which has not been asked for anything yet.
                Heard::Silence if flight.is_none() => return Err(self.never_began()),
                Heard::Silence => break (hangs(limit), Death::Hung),
                Heard::TooLarge(bytes) => break (self.too_large(bytes), Death::TooLarge),
                Heard::Ended(end) => {
                    break (format!("ends its process: {}", end_of(&end)), Death::Ended);
                }
            }
        };
        let seed = flight.map_or(job.seeds.start, |(seed, _)| seed);
        let failure = died(job, seed, message);
        let report = Report { programs, failed: 1, failure: Some(failure), passed: Vec::new() };
        Ok(Some(Answer { report, died: Some((seed, death)) }))
    }

    fn never_began(&self) -> io::Error {
        let message = format!(
            "the process began no program within {:?}: is the machine too busy? Try again with \
             fewer --jobs",
            self.limits.startup
        );
        io::Error::new(io::ErrorKind::TimedOut, message)
    }

    fn exceeds(&self, resident_bytes: u64) -> bool {
        resident_bytes > self.limits.resident_bytes
    }

    fn too_large(&self, bytes: u64) -> String {
        let (held, limit) = (bytes >> 20, self.limits.resident_bytes >> 20);
        format!("takes too much memory: its process held {held} MiB, the limit is {limit} MiB")
    }

    /// Remembers how long a program took that ended.
    fn has_ended(&mut self, flight: Option<(u64, Instant)>) {
        if let Some((_, begun)) = flight {
            self.slowest = self.slowest.max(begun.elapsed());
        }
    }

    /// The failure of the shortest program found in the time given; `None` if interrupted. A candidate
    /// that takes too long counts only if the program drawn did: a busy machine is slow, too.
    fn shrink(
        &mut self,
        job: &Job,
        drawn: Failure,
        death: Option<Death>,
    ) -> io::Result<Option<Failure>> {
        let until = Instant::now() + self.limits.shrinking;
        let most = match death {
            Some(Death::TooLarge) => self.limits.program,
            _ => self.limits.attempt,
        };
        let mut attempt = match death {
            Some(Death::Hung) => (self.slowest * PATIENCE).max(ATTEMPT_MIN).min(most),
            _ => most,
        };
        let is_alike = |answer: &Answer| match answer.died {
            Some((_, Death::Hung)) => death == Some(Death::Hung),
            _ => answer.report.failure.is_some(),
        };
        let again = loop {
            let mut stopped = None;
            let mut fails = |program: &Program| {
                if stopped.is_some() || Instant::now() >= until {
                    return false;
                }
                match self.ask(&of_program(job, program), attempt, &mut |_| ()) {
                    Ok(Some(answer)) => is_alike(&answer),
                    Ok(None) => {
                        stopped = Some(Ok(None));
                        false
                    }
                    Err(error) => {
                        stopped = Some(Err(error));
                        false
                    }
                }
            };
            let program = shrink(&drawn.program, drawn.program.ops.len(), &mut fails);
            if let Some(stopped) = stopped {
                return stopped;
            }
            // Candidates had little time; what is reported fails even with more.
            match self.ask(&of_program(job, &program), most, &mut |_| ())? {
                None => return Ok(None),
                Some(answer) if is_alike(&answer) => break answer.report.failure,
                // One of them was only slow, as all are on a busy machine: they get more time.
                Some(_) if attempt < most && Instant::now() < until => {
                    attempt = (attempt * 4).min(most);
                }
                Some(_) => break None,
            }
        };
        let short = again.unwrap_or(drawn.clone());
        let Failure { seed, drawn_ops, .. } = drawn;
        Ok(Some(Failure { seed, drawn_ops, ..short }))
    }
}

/// The failure of a program that took its process with it.
fn died(job: &Job, seed: u64, message: String) -> Failure {
    let program = job.program.clone().unwrap_or_else(|| job.program_of(seed));
    Failure {
        collector: job.collector.clone(),
        seed: job.program.is_none().then_some(seed),
        detector: Detector::Run,
        message,
        place: None,
        phase: PHASE.to_owned(),
        drawn_ops: program.ops.len(),
        program,
    }
}

/// The reports of two parts of one job.
fn merged(first: Report, second: Report) -> Report {
    let mut passed = [first.passed, second.passed].concat();
    passed.sort();
    passed.dedup();
    Report {
        programs: first.programs + second.programs,
        failed: first.failed + second.failed,
        failure: first.failure.or(second.failure),
        passed,
    }
}

fn of_program(job: &Job, program: &Program) -> Job {
    Job { program: Some(program.clone()), ..job.clone() }
}

fn hangs(limit: Duration) -> String {
    format!("hangs: no end within {limit:?}")
}

/// How a process ended that should not have.
fn end_of(end: &ChildEnd) -> String {
    match end.stop {
        // An exit that looks fine is none of those that can be judged by their code.
        Stop::Exited(0) => "exit code 0".to_owned(),
        _ => classify(end).0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_never_begins_is_not_the_fault_of_a_collector() {
        let silent = || {
            let mut command = Command::new("sleep");
            command.arg("1000000");
            command
        };
        let limits = Limits { startup: Duration::from_millis(200), ..Limits::default() };
        let interrupt = Interrupt::default();
        let mut supervisor = Supervisor::new(&silent, limits, &interrupt);
        let error = supervisor.verify(&Job::of("rc", 0..1), |_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("began no program within 200ms"), "{error}");
    }
}
