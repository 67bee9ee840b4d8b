//! The command line as a whole, and how the words of the schema are read from it.

use crate::commands::{cell, completions, duel, list, new, report, run, safety, show, verify};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use record::{HeapSize, Mode, Size};
use std::time::Duration;

/// The same programs under different memory-management disciplines, side by side: memory, pauses
/// and time.
#[derive(Debug, clap::Parser)]
#[command(name = "gcw", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done; 1 a cell crashed or gave a wrong answer, or a collector \
    failed the kit; 2 usage; 130 interrupted.\nStart with `gcw run`, then open the report that it names last."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Measures a suite and writes a report.
    Run(run::Args),
    /// Lists collectors, workloads or suites.
    List(list::Args),
    /// Prints the tables of a run.
    Show(show::Args),
    /// Writes the report of one or several runs.
    Report(report::Args),
    /// Compares two cells or programs, block by block.
    Duel(duel::Args),
    /// Proves collectors: random programs against an exact model, under stress.
    Verify(verify::Args),
    /// Verifies what standard input says: what `verify` and `run` start for every collector.
    #[command(hide = true)]
    VerifyChild,
    /// Writes a new collector or workload into a checkout.
    New(new::Args),
    /// Runs faulty programs under every discipline: what is rejected, cannot be, is detected, happens.
    Safety(safety::Args),
    /// Prints the completions for a shell.
    Completions(completions::Args),
    /// Runs one cell in this process and prints its sample: what `run` starts for every cell.
    #[command(hide = true)]
    Cell(cell::Args),
}

/// Input sizes, as the suite files name them.
const SIZES: [(&str, Size); 3] =
    [("small", Size::Small), ("default", Size::Default), ("large", Size::Large)];
/// What a cell is run for.
const MODES: [(&str, Mode); 3] =
    [("time", Mode::Time), ("memory", Mode::Memory), ("census", Mode::Census)];

/// Reads an input size.
pub(crate) fn size() -> impl TypedValueParser<Value = Size> {
    words(SIZES)
}

/// Reads a mode.
pub(crate) fn mode() -> impl TypedValueParser<Value = Mode> {
    words(MODES)
}

/// The word of an input size.
pub(crate) fn size_word(size: Size) -> &'static str {
    word(SIZES, size)
}

/// The word of a mode.
pub(crate) fn mode_word(mode: Mode) -> &'static str {
    word(MODES, mode)
}

fn words<T, const N: usize>(table: [(&'static str, T); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(table.map(|(word, _)| word)).try_map(move |text| {
        table.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or("unknown word")
    })
}

fn word<T: PartialEq, const N: usize>(table: [(&'static str, T); N], value: T) -> &'static str {
    table.into_iter().find(|(_, v)| *v == value).map_or("", |(word, _)| word)
}

/// Reads a heap size.
pub(crate) fn heap(text: &str) -> Result<HeapSize, String> {
    text.parse()
}

/// Reads a time limit such as `30s`, `500ms` or `2m`; not 0.
pub(crate) fn time_limit(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(limit) if limit >= Duration::from_millis(1) => Ok(limit),
        Ok(_) => Err("a time limit is at least 1ms".to_owned()),
        Err(e) => Err(format!("{e}; write a time such as 30s, 500ms or 2m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_size_and_mode_has_the_word_of_the_schema() {
        for (word, size) in SIZES {
            assert_eq!(serde_json::to_value(size).unwrap(), word);
            assert_eq!(size_word(size), word);
        }
        for (word, mode) in MODES {
            assert_eq!(serde_json::to_value(mode).unwrap(), word);
            assert_eq!(mode_word(mode), word);
        }
    }

    #[test]
    fn a_time_limit_needs_a_unit_and_is_not_nothing() {
        assert_eq!(time_limit("1500ms").unwrap(), Duration::from_millis(1500));
        assert!(time_limit("30").unwrap_err().contains("30s"));
        assert!(time_limit("0s").unwrap_err().contains("at least 1ms"));
    }
}
