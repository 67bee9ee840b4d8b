//! Plans a run, starts one child process per cell, and keeps every record.
//!
//! ```text
//! Manifest ──plan──> [Planned] ──execute──> Record, one line each, flushed as its cell ends
//!                                  │
//!                                  └─ Executor: a child process, or a mock in tests
//! ```
//!
//! A cell that runs out of memory, into its time limit or into a wall is a result row, never an
//! error of the runner. The runner's own errors are only these: a directory that cannot be
//! written and a process that cannot be started.
//!
//! Beside that, `dialogue.rs` speaks with a child that may hang, crash or grow without bound.
//!
//! **Invariant:** a run never measures two cells at once, and the parent sleeps while one runs.
//!
//! **Invariant:** of our crates this one depends on `record` only, so anything that prints a
//! [`record::Sample`] can be run by it.

#![forbid(unsafe_code)]

mod classify;
mod dialogue;
mod environment;
mod execute;
#[cfg(test)]
mod fixture;
mod group;
mod interrupt;
mod plan;
mod spawn;
mod store;

pub use classify::{ChildEnd, Stop, classify};
pub use dialogue::{Dialogue, Heard};
pub use environment::{Build, environment};
pub use execute::{
    Completion, Ended, Event, Execution, Executor, ProcessExecutor, RunError, execute,
};
pub use interrupt::Interrupt;
pub use plan::{Planned, plan};
pub use spawn::run_child;
pub use store::{Store, StoreError};

/// Exit code by which a child says that the heap limit was reached.
pub const EXIT_OUT_OF_MEMORY: i32 = 3;
