//! The serialised form of a measured run: plain data, no behaviour beyond reading and writing.
//!
//! A run directory holds `run.json` (a [`Manifest`]: the plan, the machine and the command) and
//! `samples.jsonl` (one [`Record`] per line, appended and flushed as each cell ends). A child process
//! prints one [`Sample`] as one JSON line; so can any external program that is to be compared.
//! `safety.json`, if present, holds a [`Safety`]: the outcomes of faulty programs.
//!
//! **Invariant:** this crate depends on no other crate of the workspace, so a record can be read
//! without a heap.
//!
//! Times are integer nanoseconds from one monotonic clock, sizes are bytes.

#![forbid(unsafe_code)]

mod cell;
mod manifest;
mod outcome;
mod run;
mod safety;
mod sample;
mod trial;

pub use cell::{Cell, DISTURBED, HeapSize, Mode, Record, Size};
pub use manifest::{
    CollectorInfo, Colour, Environment, Family, LineStyle, Manifest, MinimumHeap, WorkloadInfo,
};
pub use outcome::Outcome;
pub use run::{LineProblem, ReadError, Run, read_run};
pub use safety::{
    Bent, CompileFail, SAFETY_FILE, SAFETY_VERSION, Safety, SafetyCell, Series, Verdict,
    read_safety,
};
pub use sample::{
    Answer, Final, FootprintPoint, HeaderBytes, LivePoint, Pause, PauseKind, Sample, Statistics,
    Utilisation,
};
pub use trial::{Counts, Effect, Failure, LeakPoint, Subject, Trial, TrialEnd};

/// Version of the schema written by this crate.
///
/// 2: twins, calibration, pauses in a mode of their own, utilisation, budgets, duels, minimum heaps.
pub const SCHEMA_VERSION: u32 = 2;
/// Oldest version of the schema that a reader accepts: a later one only added fields.
pub const SCHEMA_OLDEST: u32 = 1;

/// Whether a reader of this version accepts a line of schema `version`.
pub fn is_readable(version: u64) -> bool {
    (u64::from(SCHEMA_OLDEST)..=u64::from(SCHEMA_VERSION)).contains(&version)
}

/// The sentence for a line of a schema that is not readable.
pub fn unreadable(version: u64) -> String {
    format!(
        "expected schema {SCHEMA_OLDEST} to {SCHEMA_VERSION}, found {version}: written by another version of \
         gcw"
    )
}

/// Name of the manifest inside a run directory.
pub const MANIFEST_FILE: &str = "run.json";
/// Name of the record file inside a run directory.
pub const SAMPLES_FILE: &str = "samples.jsonl";
