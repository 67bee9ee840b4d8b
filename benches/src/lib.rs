//! What the workbench is measured against: tiny native programs for `gcw duel`, and the ground on
//! which the criterion micro-benchmarks stand.

#![forbid(unsafe_code)]

pub mod graph;
pub mod native;
