//! Verification in a child process: a collector that hangs, crashes, overflows its stack or exhausts
//! memory fails with its seed and a short program, like any other, and the tool continues.
//!
//! 1. A child (`commands/verify_child.rs`) gets the job and sends a message before each seed's program.
//! 2. If no message follows within the limit ([`hangs`]: a busy machine is no fault), or the child holds
//!    too much memory (even briefly: each message has its peak) or ends, the program of that seed has
//!    failed by [`Detector::Run`].
//! 3. A failing program is shrunk by running candidates in children, too. A child is kept for the next
//!    candidate as long as it lives, so that only a candidate that ends a process costs a new one.

use conformance::program::Program;
use conformance::shrink::shrink;
use conformance::{Detector, Failure, Job, Report};
use runner::{ChildEnd, Dialogue, Heard, Interrupt, Stop, classify};
use serde::{Deserialize, Serialize};
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

/// A message of a child. The parent samples its memory and can miss a short peak, so each message has
/// the peak resident size since the child began, in bytes; 0 where it is unknown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Message {
    /// The program of this seed runs next.
    Begins { seed: u64, peak_resident_bytes: u64 },
    /// The job is done.
    Done { report: Box<Report>, peak_resident_bytes: u64 },
}

/// Limits on the time and memory of verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// For a process to begin its first program: a busy machine may take long to load it.
    pub(crate) startup: Duration,
    /// For one program.
    pub(crate) program: Duration,
    /// For one candidate of shrinking; also for the last one to fail again.
    pub(crate) attempt: Duration,
    /// For shrinking a program.
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

/// A candidate gets at least this time, and [`PATIENCE`] times that of the slowest program that ended.
const ATTEMPT_MIN: Duration = Duration::from_millis(250);
const PATIENCE: u32 = 10;

/// Ended processes after which failures are no longer counted: a share of the programs so far is as
/// good, and a collector that hangs in every program would take hours.
const DEATHS_MAX: u32 = 3;

/// Only the process itself knows its phase.
const PHASE: &str = "unknown, its process has ended";

/// A child's answer to a job.
struct Answer {
    report: Report,
    /// The seed at which its process ended, and why, if it did.
    died: Option<(u64, Death)>,
}

/// Why a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Death {
    /// It took too long.
    Hung,
    /// It took too much memory, which takes time.
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
    /// Time of the slowest program that ended.
    slowest: Duration,
}

impl<'a> Supervisor<'a> {
    /// A supervisor of children that `command` starts, each of which serves jobs.
    pub(crate) fn new(
        command: &'a dyn Fn() -> Command,
        limits: Limits,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { command, limits, interrupt, child: None, slowest: Duration::ZERO }
    }

    /// Runs a job, and shrinks a failing program if the job says so. Calls `begins` with each seed.
    /// `None` if interrupted.
    ///
    /// # Errors
    /// If a child cannot be started, its pipes fail, or it begins no program.
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
                // Its counts are lost: the seeds before run again, and the job continues after this one.
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

    /// Runs a job in a child; `None` if interrupted.
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
        // The child's processor time when the program began, and at its last deadline.
        let (mut begun_cpu, mut last_cpu) = (None, None);
        let mut programs = 0;
        let mut until = Instant::now() + self.limits.startup;
        let (message, death) = loop {
            let is_silent = match child.hear(until, self.limits.resident_bytes)? {
                Heard::Interrupted => return Ok(None),
                Heard::Line(line) => match serde_json::from_str(&line) {
                    Ok(Message::Begins { peak_resident_bytes: peak, .. }) if self.exceeds(peak) => {
                        break (self.too_large(peak), Death::TooLarge);
                    }
                    Ok(Message::Begins { seed, .. }) => {
                        self.has_ended(flight);
                        begins(seed);
                        programs += 1;
                        let now = Instant::now();
                        (flight, until) = (Some((seed, now)), now + limit);
                        begun_cpu = child.cpu_time();
                        last_cpu = begun_cpu;
                        false
                    }
                    Ok(Message::Done { report, peak_resident_bytes: peak })
                        if report.failure.is_none() && self.exceeds(peak) =>
                    {
                        break (self.too_large(peak), Death::TooLarge);
                    }
                    Ok(Message::Done { report, peak_resident_bytes: peak }) => {
                        if report.failure.is_none() {
                            self.has_ended(flight);
                        }
                        // A peak over the limit would also fail this child's next job.
                        self.child = Some(child).filter(|_| !self.exceeds(peak));
                        return Ok(Some(Answer { report: *report, died: None }));
                    }
                    // Output of the collector, which is not progress.
                    Err(_) => Instant::now() >= until,
                },
                // Not the collector's fault: it has not been called yet.
                Heard::Silence if flight.is_none() => return Err(self.never_began()),
                Heard::Silence => true,
                Heard::TooLarge(bytes) => break (self.too_large(bytes), Death::TooLarge),
                Heard::Ended(end) => {
                    break (format!("ends its process: {}", end_of(&end)), Death::Ended);
                }
            };
            if is_silent {
                let cpu = child.cpu_time();
                let since = |before: Option<Duration>| Some(cpu?.saturating_sub(before?));
                if hangs(limit, since(begun_cpu), since(last_cpu)) {
                    break (format!("hangs: no end within {limit:?}"), Death::Hung);
                }
                (last_cpu, until) = (cpu, Instant::now() + limit);
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

    /// Records the time of a program that ended.
    fn has_ended(&mut self, flight: Option<(u64, Instant)>) {
        if let Some((_, begun)) = flight {
            self.slowest = self.slowest.max(begun.elapsed());
        }
    }

    /// The failure of the shortest program found in the time given; `None` if interrupted. A candidate
    /// that takes too long counts only if the original did: a busy machine is slow, too.
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
                    other => {
                        stopped = Some(other.map(|_| None));
                        false
                    }
                }
            };
            let program = shrink(&drawn.program, drawn.program.ops.len(), &mut fails);
            if let Some(stopped) = stopped {
                return stopped;
            }
            // Candidates had little time; the reported program fails even with more.
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

/// The failure of a program that ended its process.
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

/// The report of two parts of one job.
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

/// Whether a program that has not ended within its limit hangs: it has used half of that time of a processor,
/// or next to none since the last deadline. Else other processes have kept it from running, and it gets the
/// same time again. Where processor times are unknown, a late program hangs.
fn hangs(limit: Duration, used: Option<Duration>, used_lately: Option<Duration>) -> bool {
    used.is_none_or(|used| used >= limit / 2) || used_lately.is_none_or(|used| used < limit / 1000)
}

/// How a process ended before its job did.
fn end_of(end: &ChildEnd) -> String {
    match end.stop {
        // `classify` would take it for a success.
        Stop::Exited(0) => "exit code 0".to_owned(),
        _ => classify(end).0.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_hangs_if_it_computes_or_sleeps_and_not_if_it_waits_for_a_processor() {
        let (limit, ms) = (Duration::from_secs(10), |ms| Some(Duration::from_millis(ms)));
        assert!(hangs(limit, ms(9_900), ms(9_900)), "an endless loop");
        assert!(hangs(limit, ms(5_000), ms(20)), "an endless loop beside others, in the end");
        assert!(hangs(limit, ms(300), ms(0)), "a deadlock");
        assert!(!hangs(limit, ms(300), ms(300)), "one of forty processes on a processor");
        assert!(hangs(limit, None, None), "no processor times: only the clock is left");
    }

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
