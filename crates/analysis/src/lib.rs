//! Pure functions from records to the numbers of charts and tables.
//!
//! Nothing in this crate reads a file, a clock or a registry, and nothing draws. Modules in reading
//! order:
//!
//! * [`summary::summarise`] folds a run into one [`Row`] per cell;
//! * [`estimate`] and [`paired`] turn repeats into a value with an interval, [`pauses`] and
//!   [`quantile`] turn pauses into percentiles, [`utilisation`] into MMU and BMU;
//! * [`contest`] pairs competitors in blocks; [`signed_rank`] and [`multiplicity`] test them, [`verdict`],
//!   [`best_group`], [`geometric_mean`] and [`sentinel`] judge;
//! * [`conclude()`] judges a whole run, with [`league`] and [`sentences`]; [`spread`] compares two sessions;
//! * [`heat_map`] and [`pareto`] compare rows with one another;
//! * [`scaling`] follows a program over the number of its live objects;
//! * [`mod@format`] writes numbers for people.
//!
//! **Invariant:** an unknown value is [`Measured::Missing`] with its reason, or `None` where the
//! reason is always the same; it is never 0.

#![forbid(unsafe_code)]

pub mod best_group;
mod collections;
mod conclude;
pub mod conclusions;
pub mod contest;
pub mod estimate;
#[cfg(test)]
mod fixture;
pub mod format;
pub mod geometric_mean;
pub mod heat_map;
pub mod league;
mod measured;
pub mod multiplicity;
pub mod paired;
pub mod pareto;
pub mod pauses;
pub mod quantile;
mod row;
pub mod scaling;
pub mod sentences;
pub mod sentinel;
pub mod signed_rank;
pub mod spread;
pub mod summary;
pub mod utilisation;
pub mod verdict;

pub use collections::Collections;
pub use conclude::conclude;
pub use conclusions::Conclusions;
pub use estimate::Estimate;
pub use measured::Measured;
pub use pauses::PauseSummary;
pub use row::{Measure, Row};
pub use summary::{Summary, summarise};
