//! Faulty programs under every discipline, and their effects: the safety matrix.
//!
//! The programs are ordinary workloads with injected mistakes: a `free` omitted, made too early or
//! twice, a borrow kept too long. On the sandboxed heap a stale reference reads and writes the object
//! that has the memory now, so a mistake can be executed and its effects counted.
//!
//! * `plan`: program, mistake, order of reuse and seed for each failure.
//! * `fault_injection`: the times of the mistakes, drawn from a seed.
//! * `occupancy_map`: the object at each address; `stale_bytes`: the bytes that dead objects leave;
//!   `reference_tracker`: the object that each reference means.
//! * `stale_access_probe`: injects faults and counts their effects instead of stopping;
//!   `leak_survey`: the leaks of a heap.
//! * `trial`: one trial under one collector. `native`: the two trials of Rust's own drop.
//! * `cases`: programs that the compiler rejects, with its errors.
//! * `verdict`: the matrix from trials and cases.
//!
//! **Invariant:** verdicts follow from the results of trials and from capabilities, never from names.

#![forbid(unsafe_code)]

mod cases;
mod fault_injection;
mod leak_survey;
mod native;
mod occupancy_map;
mod plan;
mod reference_tracker;
mod stale_access_probe;
mod stale_bytes;
mod trial;
mod verdict;

pub use cases::{CASES, Case};
pub use fault_injection::Mistake;
pub use native::NativeDrop;
pub use plan::{Planned, TrialKind, plan};
pub use trial::run;
pub use verdict::matrix;
