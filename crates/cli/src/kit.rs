//! The conformance kit as commands use it: jobs in child processes of this program, several at a time.

use crate::child;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::supervise::{Limits, Supervisor};
use anyhow::Context;
use collectors::registry::settings_after;
use conformance::{Job, Report};
use runner::Interrupt;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// A finished job.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    /// The job.
    pub(crate) job: Job,
    /// Its report.
    pub(crate) report: Report,
    /// Wall time, shrinking included.
    pub(crate) wall: Duration,
}

/// Settings of the kit.
pub(crate) struct Kit<'a> {
    /// Limits of each job.
    pub(crate) limits: Limits,
    /// Jobs in parallel.
    pub(crate) at_once: usize,
    /// A request to stop.
    pub(crate) interrupt: &'a Interrupt,
}

/// A failure as it is printed, with a test that reproduces it.
pub(crate) fn in_full(failure: &conformance::Failure, registry: &Registry) -> String {
    let name = &failure.collector;
    let base = registry.base_of(name).map_or("", |base| base.name.as_str());
    let settings = settings_after(base, name).unwrap_or_default();
    format!("{failure}\n\n{}", failure.as_test(&registry.type_path(name), settings))
}

/// The number of processors.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

impl Kit<'_> {
    /// Runs all jobs; their results in order.
    ///
    /// # Errors
    /// If a child cannot be started, or if interrupted.
    pub(crate) fn verify(&self, jobs: Vec<Job>) -> Result<Vec<Verified>, Failure> {
        let program = child::program()?;
        let command = || {
            let mut command = Command::new(&program);
            command.arg("verify-child");
            command
        };
        let progress = Progress::new(jobs.len(), 0);
        let start = || Supervisor::new(&command, self.limits, self.interrupt);
        let verified = self.each(jobs, start, |supervisor, job: Job| {
            let clock = Instant::now();
            let (name, last) = (&job.collector, job.seeds.end.saturating_sub(1));
            let begins = |seed| progress.starts(format!("{name}, seed {seed} of {last}"));
            let report = supervisor.verify(&job, begins);
            let report =
                report.with_context(|| format!("cannot verify {name} in a child process"))?;
            progress.ended();
            Ok(report.map(|report| Verified { job, report, wall: clock.elapsed() }))
        });
        progress.end();
        verified
    }

    /// Processes items in parallel; the results in order. Each worker starts with a state of its own;
    /// `work` returns `None` if interrupted.
    pub(crate) fn each<T: Send, S, R: Send>(
        &self,
        items: Vec<T>,
        start: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, T) -> anyhow::Result<Option<R>> + Sync,
    ) -> Result<Vec<R>, Failure> {
        let queue = Mutex::new(items.into_iter().enumerate());
        let worker = || {
            let (mut state, mut done) = (start(), Vec::new());
            // The lock is not held while an item is processed.
            let next = || queue.lock().map_or(None, |mut queue| queue.next());
            while let Some((place, item)) = next() {
                match work(&mut state, item)? {
                    Some(result) => done.push((place, result)),
                    None => return Ok(None),
                }
            }
            Ok::<_, anyhow::Error>(Some(done))
        };
        let parts = thread::scope(|scope| {
            let workers: Vec<_> = (0..self.at_once.max(1)).map(|_| scope.spawn(worker)).collect();
            let parts = workers.into_iter().map(|worker| worker.join());
            parts.map(|part| part.unwrap_or_else(|panic| resume_unwind(panic))).collect::<Vec<_>>()
        });
        let mut all = Vec::new();
        for part in parts {
            let interrupted =
                || Failure::Interrupted("not everything is done, and nothing is kept".to_owned());
            all.extend(part?.ok_or_else(interrupted)?);
        }
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, result)| result).collect())
    }
}
