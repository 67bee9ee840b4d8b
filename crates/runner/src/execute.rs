//! Executes a plan: one cell after another, each in its own process, each recorded as it ends.

use crate::plan::key;
use crate::{Interrupt, Planned, Store, StoreError, classify, run_child};
use record::{Outcome, Record, SCHEMA_VERSION, Sample};
use std::collections::HashSet;
use std::io;
use std::process::Command;
use std::time::Duration;

/// Runs one cell to its end; `None` if the run was asked to stop, and then nothing is recorded. Returns an
/// error if the cell cannot be started; any later failure is an [`Outcome`]. Tests use a mock, the tool
/// [`in_processes`].
pub type Executor<'a> = dyn FnMut(&Planned) -> io::Result<Option<Ended>> + 'a;

/// The end of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its measurements.
    pub sample: Option<Sample>,
    /// Start time, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time from spawn to exit, in ns.
    pub process_wall_ns: u64,
}

/// An executor that runs each cell by its `command` in a fresh child process, for at most `limit`.
pub fn in_processes(
    command: impl Fn(&Planned) -> Command,
    limit: Duration,
    interrupt: Interrupt,
) -> impl FnMut(&Planned) -> io::Result<Option<Ended>> {
    move |planned| {
        let end = run_child(&mut command(planned), limit, &interrupt)?;
        Ok(end.map(|end| {
            let (outcome, sample) = classify(&end);
            let (started_unix_ms, process_wall_ns) = (end.started_unix_ms, end.wall_ns);
            Ended { outcome, sample, started_unix_ms, process_wall_ns }
        }))
    }
}

/// Whether a run reached the end of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Every planned cell has a record.
    Complete,
    /// Stopped before the end; finished records are kept.
    Interrupted,
}

/// An event of a run, passed to its observer.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A cell begins.
    Starts(&'a Planned),
    /// A cell has ended and is on disk.
    Recorded(&'a Record),
}

/// The reason why a run cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The record could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A process could not be started.
    #[error(
        "cannot start the process of {cell}: {source}; the records so far are kept, continue with `gcw run --resume {directory}`"
    )]
    Start {
        /// The cell.
        cell: String,
        /// The run directory.
        directory: String,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// Runs every planned cell that has no record among `earlier`, in plan order.
///
/// # Errors
/// If a record cannot be written or a process cannot be started; earlier records are kept.
pub fn execute(
    plan: &[Planned],
    earlier: &[Record],
    executor: &mut Executor<'_>,
    store: &mut Store,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<Completion, RunError> {
    let finished: HashSet<String> = earlier.iter().map(|r| key(&r.cell, r.block)).collect();
    let first = earlier.iter().map(|r| r.order + 1).max().unwrap_or(0);
    let left = plan.iter().filter(|planned| !finished.contains(&planned.key()));
    for (order, planned) in (first..).zip(left) {
        observer(Event::Starts(planned));
        let ended = match &planned.ruled_out {
            Some(reason) => Some(ruled_out(reason)),
            None => executor(planned).map_err(|source| RunError::Start {
                cell: planned.cell.to_string(),
                directory: store.directory().display().to_string(),
                source,
            })?,
        };
        let Some(ended) = ended else { return Ok(Completion::Interrupted) };
        let record = Record {
            schema: SCHEMA_VERSION,
            cell: planned.cell.clone(),
            block: planned.block,
            order,
            seed: planned.seed,
            started_unix_ms: ended.started_unix_ms,
            process_wall_ns: ended.process_wall_ns,
            outcome: ended.outcome,
            sample: ended.sample,
        };
        store.append(&record)?;
        observer(Event::Recorded(&record));
    }
    Ok(Completion::Complete)
}

fn ruled_out(reason: &str) -> Ended {
    Ended {
        outcome: Outcome::NotApplicable { reason: reason.to_owned() },
        sample: None,
        started_unix_ms: 0,
        process_wall_ns: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::manifest;
    use crate::plan;
    use record::read_run;
    use std::path::Path;

    fn applies(collector: &str, workload: &str) -> Result<(), String> {
        match (collector, workload) {
            ("loose", "b") => Err("no cycles".to_owned()),
            _ => Ok(()),
        }
    }

    /// Runs the plan with a mock that is interrupted after `cells` cells; returns the cells run.
    fn run(directory: &Path, cells: usize) -> (Result<Completion, RunError>, Vec<String>) {
        let plan = plan(&manifest(1), Some("bound"), &applies);
        let (mut store, earlier) = if directory.join("run.json").exists() {
            let (store, run) = Store::resume(directory).unwrap();
            (store, run.records)
        } else {
            (Store::create(directory, &manifest(1)).unwrap(), Vec::new())
        };
        let mut seen = Vec::new();
        let mut mock = |planned: &Planned| {
            if seen.len() == cells {
                return Ok(None);
            }
            seen.push(planned.key());
            let (outcome, sample) = (Outcome::Ok, None);
            Ok(Some(Ended { outcome, sample, started_unix_ms: 1, process_wall_ns: 2 }))
        };
        let result = execute(&plan, &earlier, &mut mock, &mut store, &mut |_| {});
        (result, seen)
    }

    #[test]
    fn a_resumed_run_has_the_records_of_an_uninterrupted_one() {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (result, all) = run(whole.path(), usize::MAX);
        assert_eq!(result.unwrap(), Completion::Complete);
        let (result, first) = run(parts.path(), 10);
        assert_eq!((result.unwrap(), first.len()), (Completion::Interrupted, 10));
        let (result, second) = run(parts.path(), usize::MAX);
        assert_eq!(result.unwrap(), Completion::Complete);
        assert_eq!([first, second].concat(), all, "no cell twice, none left out, same order");
        let read = |at: &Path| read_run(at).unwrap().records;
        assert_eq!(read(whole.path()), read(parts.path()));
        let (_, third) = run(parts.path(), usize::MAX);
        assert!(third.is_empty(), "a finished run has nothing left to do");
    }

    #[test]
    fn a_pair_that_cannot_work_is_recorded_without_a_process() {
        let directory = tempfile::tempdir().unwrap();
        let (_, seen) = run(directory.path(), usize::MAX);
        assert!(seen.iter().all(|key| !key.starts_with("loose/b@")), "{seen:?}");
        let records = read_run(directory.path()).unwrap().records;
        let out: Vec<_> = records.iter().filter(|r| r.outcome.word() == "n/a").collect();
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|r| r.outcome.reason() == "no cycles" && r.process_wall_ns == 0));
        assert!(records.iter().enumerate().all(|(i, r)| r.order as usize == i));
    }

    #[test]
    fn a_process_that_cannot_start_is_an_error_that_names_the_cell_and_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::create(directory.path(), &manifest(1)).unwrap();
        let nowhere = |_: &Planned| Command::new("/nowhere/gcw");
        let mut executor = in_processes(nowhere, Duration::from_secs(1), Interrupt::new());
        let plan = plan(&manifest(1), None, &applies);
        let error = execute(&plan, &[], &mut executor, &mut store, &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("bound/") && text.contains("--resume"), "{text}");
        assert_eq!(store.records(), 2, "the two n/a rows before it are kept");
    }
}
