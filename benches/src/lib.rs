//! Small native programs for `gcw duel`, and the graphs of the criterion micro-benchmarks.

#![forbid(unsafe_code)]

pub mod graph;
pub mod native;
