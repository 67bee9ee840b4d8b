//! The workload suite, written once against [`heap::Mutator`].
//!
//! A program is prepared (parameters read, numbers drawn, keys made) before the clock starts and
//! outside the heap, then run under some collector that it never learns the name of. It leaves its
//! final live set rooted, so that dropping it is timed apart, as teardown.
//!
//! **Invariant:** workloads never name a collector.

#![forbid(unsafe_code)]

use heap::{Collector, Mutator, OutOfMemory, Probe};

/// A prepared program.
pub trait Program {
    /// Runs it to its end and returns the answer, to be compared with the literal of its suite file.
    ///
    /// # Errors
    /// If the heap limit is reached.
    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory>;
}
