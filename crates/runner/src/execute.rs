//! Executes a plan: one cell after another, each in its own process, each recorded as it ends.

use crate::{Interrupt, Planned, Schedule, Store, StoreError, calibrate, classify, run_child};
use record::{Mode, Outcome, Record, SCHEMA_VERSION, Sample};
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
    /// Time of the calibration before it, in ns; only for a timed cell.
    pub calibration_ns: Option<u64>,
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
        let calibration_ns = (planned.cell.mode == Mode::Time).then(calibrate);
        let end = run_child(&mut command(planned), limit, &interrupt)?;
        Ok(end.map(|end| {
            let (outcome, sample) = classify(&end);
            let (started_unix_ms, process_wall_ns) = (end.started_unix_ms, end.wall_ns);
            Ended { outcome, sample, calibration_ns, started_unix_ms, process_wall_ns }
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
    /// A round begins, with these records so far.
    Round(&'a [Record]),
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

/// Runs a schedule to its end. `records` holds the records so far, and those of this run afterwards.
///
/// # Errors
/// If a record cannot be written or a process cannot be started; earlier records are kept.
pub fn execute(
    schedule: &Schedule<'_>,
    records: &mut Vec<Record>,
    executor: &mut Executor<'_>,
    store: &mut Store,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<Completion, RunError> {
    let first = records.iter().map(|r| r.order + 1).max().unwrap_or(0);
    let mut orders = first..;
    loop {
        let next = schedule.next(records);
        if next.is_empty() {
            return Ok(Completion::Complete);
        }
        observer(Event::Round(records));
        for planned in &next {
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
            let record = record(planned, orders.next().unwrap_or(u32::MAX), ended);
            store.append(&record)?;
            observer(Event::Recorded(&record));
            records.push(record);
        }
    }
}

fn record(planned: &Planned, order: u32, ended: Ended) -> Record {
    Record {
        schema: SCHEMA_VERSION,
        cell: planned.cell.clone(),
        block: planned.block,
        twin: planned.twin,
        calibration_ns: ended.calibration_ns,
        order,
        seed: planned.seed,
        started_unix_ms: ended.started_unix_ms,
        process_wall_ns: ended.process_wall_ns,
        outcome: ended.outcome,
        sample: ended.sample,
    }
}

fn ruled_out(reason: &str) -> Ended {
    Ended {
        outcome: Outcome::NotApplicable { reason: reason.to_owned() },
        sample: None,
        calibration_ns: None,
        started_unix_ms: 0,
        process_wall_ns: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{any, manifest, some_refused};
    use record::{Manifest, read_run};
    use std::path::Path;

    fn schedule(manifest: &Manifest) -> Schedule<'_> {
        Schedule::new(manifest, Some("bound"), &some_refused, &|_, _| None)
    }

    /// Runs a manifest with a mock that is interrupted after `cells` cells; returns the cells run.
    fn run(
        manifest: &Manifest,
        directory: &Path,
        cells: usize,
    ) -> (Result<Completion, RunError>, Vec<String>) {
        let (mut store, mut records) = if directory.join("run.json").exists() {
            let (store, run) = Store::resume(directory).unwrap();
            (store, run.records)
        } else {
            (Store::create(directory, manifest).unwrap(), Vec::new())
        };
        let mut seen = Vec::new();
        let mut mock = |planned: &Planned| {
            if seen.len() == cells {
                return Ok(None);
            }
            seen.push(planned.key());
            let (outcome, sample, calibration_ns) = (Outcome::Ok, None, None);
            let process_wall_ns = 2_000_000;
            let started_unix_ms = 1;
            Ok(Some(Ended { outcome, sample, calibration_ns, started_unix_ms, process_wall_ns }))
        };
        let schedule = schedule(manifest);
        let result = execute(&schedule, &mut records, &mut mock, &mut store, &mut |_| {});
        (result, seen)
    }

    #[test]
    fn a_resumed_run_has_the_records_of_an_uninterrupted_one() {
        let within = Manifest { budget_ms: Some(300), ..manifest(1) };
        for manifest in [manifest(1), within] {
            let whole = tempfile::tempdir().unwrap();
            let (result, all) = run(&manifest, whole.path(), usize::MAX);
            assert_eq!(result.unwrap(), Completion::Complete);
            let read = |at: &Path| read_run(at).unwrap().records;
            for cells in [1, 10, 25, all.len() - 1] {
                let parts = tempfile::tempdir().unwrap();
                let (result, first) = run(&manifest, parts.path(), cells);
                assert_eq!((result.unwrap(), first.len()), (Completion::Interrupted, cells));
                let (result, second) = run(&manifest, parts.path(), usize::MAX);
                assert_eq!(result.unwrap(), Completion::Complete);
                let parts = (read(parts.path()), [first, second].concat());
                assert_eq!(parts.1, all, "no cell twice, none left out, same order");
                assert_eq!(parts.0, read(whole.path()));
            }
            let (_, third) = run(&manifest, whole.path(), usize::MAX);
            assert!(third.is_empty(), "a finished run has nothing left to do");
        }
    }

    #[test]
    fn a_pair_that_cannot_work_is_recorded_without_a_process() {
        let directory = tempfile::tempdir().unwrap();
        let (_, seen) = run(&manifest(1), directory.path(), usize::MAX);
        assert!(seen.iter().all(|key| !key.starts_with("loose/b@")), "{seen:?}");
        let records = read_run(directory.path()).unwrap().records;
        let out: Vec<_> = records.iter().filter(|r| r.outcome.word() == "n/a").collect();
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|r| r.outcome.reason() == "no cycles" && r.process_wall_ns == 0));
        assert!(records.iter().enumerate().all(|(i, r)| r.order as usize == i));
    }

    #[test]
    fn a_process_that_cannot_start_is_an_error_that_names_the_cell_and_the_remedy() {
        let (directory, manifest) = (tempfile::tempdir().unwrap(), manifest(1));
        let mut store = Store::create(directory.path(), &manifest).unwrap();
        let nowhere = |_: &Planned| Command::new("/nowhere/gcw");
        let mut executor = in_processes(nowhere, Duration::from_secs(1), Interrupt::new());
        let (schedule, records) = (schedule(&manifest), &mut Vec::new());
        let error = execute(&schedule, records, &mut executor, &mut store, &mut |_| {});
        let text = error.unwrap_err().to_string();
        assert!(text.contains("bound/") && text.contains("--resume"), "{text}");
        assert_eq!(store.records(), 2, "the two n/a rows before it are kept");
    }

    #[test]
    fn the_calibration_stands_in_timed_records_only() {
        let manifest = manifest(1);
        let mut executor =
            in_processes(|_| Command::new("true"), Duration::from_secs(600), Interrupt::new());
        let schedule = Schedule::new(&manifest, None, &any, &|_, _| None);
        let (directory, mut records) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut store = Store::create(directory.path(), &manifest).unwrap();
        execute(&schedule, &mut records, &mut executor, &mut store, &mut |_| {}).unwrap();
        for record in &records {
            assert_eq!(record.calibration_ns.is_some(), record.cell.mode == Mode::Time);
        }
        assert!(records.iter().any(|r| r.calibration_ns.is_some_and(|ns| ns > 0)));
    }
}
