//! Faulty programs under every discipline, and what becomes of them: the safety matrix.
//!
//! The programs are ordinary workloads whose author errs now and then: forgets a `free`, frees too
//! early or twice, keeps a borrow for too long. On the sandboxed heap a stale reference reads and
//! writes whatever has the memory by now, so a mistake can be executed and its effects counted.
//!
//! * `plan`: which failure is tried with which program, mistake, order of reuse and seed.
//! * `author`: when the author errs, drawn from a seed.
//! * `tenants`: who lives where; `remains`: what they leave behind; `witness`: the probe that counts
//!   what goes wrong instead of stopping.
//! * `trial`: one trial under one collector. `native`: the two that need Rust's own drop.
//! * `cases`: programs that the compiler rejects, with its words.
//! * `verdict`: from trials and cases to the matrix.
//!
//! **Invariant:** verdicts follow from what trials did and from capabilities, never from names.

#![forbid(unsafe_code)]

mod author;
mod cases;
mod native;
mod plan;
mod remains;
mod tenants;
mod trial;
mod verdict;
mod witness;

pub use author::Mistake;
pub use cases::{CASES, Case};
pub use native::{NativeDrop, native_drop};
pub use plan::{Planned, Trying, plan};
pub use trial::run;
pub use verdict::matrix;
