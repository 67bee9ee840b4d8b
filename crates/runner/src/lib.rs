//! Plans a run, starts one child process per cell, and stores every record.
//!
//! ```text
//! Manifest ──plan──> [Planned] ──execute──> Record, one line each, flushed as its cell ends
//!                                  │
//!                                  └─ Executor: a child process, or a mock in tests
//! ```
//!
//! A cell that runs out of memory, exceeds its time limit or crashes is a result row, never an error of
//! the runner. The runner has two errors of its own: a directory that cannot be written and a process
//! that cannot be started.
//!
//! `dialogue.rs` exchanges lines with a child that may hang, crash or grow without bound.
//!
//! **Invariant:** a run never measures two cells at once, and the parent sleeps while one runs.
//!
//! **Invariant:** of the workspace this crate depends on `record` only, so it can run any program that
//! prints a [`record::Sample`].

#![forbid(unsafe_code)]

mod calibrate;
mod classify;
mod dialogue;
mod environment;
mod execute;
#[cfg(test)]
mod fixture;
mod group;
mod interrupt;
mod plan;
mod schedule;
mod spawn;
mod store;

pub use calibrate::calibrate;
pub use classify::{ChildEnd, Stop, classify};
pub use dialogue::{Dialogue, Heard};
pub use environment::{Build, environment};
pub use execute::{Completion, Ended, Event, Executor, RunError, execute, in_processes};
pub use interrupt::Interrupt;
pub use plan::{Applies, PAUSE_BLOCKS, Planned};
pub use schedule::{Forecast, HALF_WIDTH_WANTED, HalfWidth, LOOKS, Schedule};
pub use spawn::run_child;
pub use store::{Store, StoreError};

/// Exit code of a child whose heap limit was reached.
pub const EXIT_OUT_OF_MEMORY: i32 = 3;
