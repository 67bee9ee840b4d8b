//! The workload suite, written once against [`heap::Mutator`].
//!
//! A program is prepared (parameters read, numbers drawn, keys made) before the clock starts and
//! outside the heap, then run under some collector that it never learns the name of. It leaves its
//! final live set rooted, so that dropping it is timed apart, as teardown.
//!
//! * [`Suite`]: workloads with their parameters, answers and prose, from a TOML file.
//! * [`find`] and [`PROGRAMS`]: the programs by name, and what each needs of a collector.
//! * One file per program; adding one is that file and a line in the catalogue.
//!
//! **Invariant:** workloads never name a collector.

#![forbid(unsafe_code)]

mod binary_trees;
mod bounded;
mod catalogue;
mod cycle_torture;
mod deep_chain;
mod fragmentation;
mod gcbench;
#[cfg(test)]
mod literals;
mod lru_cache;
mod message_window;
mod mutation_storm;
mod octane;
mod parameters;
mod program;
mod random;
mod splay;
mod suite;
mod zipf;

pub use bounded::Bounded;
pub use catalogue::{Entry, PROGRAMS, Prepared, UnknownProgram, find};
pub use parameters::{Depth, ParameterError, Parameters};
pub use program::{Needs, Program};
pub use suite::{Census, Instance, Size, Suite, SuiteError, Workload};
