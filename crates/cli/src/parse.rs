//! Value parsers of the command line, and the schema's words for sizes and modes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use record::{HeapSize, Mode, Size};
use std::time::Duration;

/// Input sizes, as the suite files name them.
const SIZES: [(&str, Size); 3] =
    [("small", Size::Small), ("default", Size::Default), ("large", Size::Large)];
/// What a cell records.
const MODES: [(&str, Mode); 4] = [
    ("time", Mode::Time),
    ("pauses", Mode::Pauses),
    ("memory", Mode::Memory),
    ("census", Mode::Census),
];

/// Parses an input size.
pub(crate) fn size() -> impl TypedValueParser<Value = Size> {
    words(SIZES)
}

/// Parses a mode.
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

/// Parses a heap size.
pub(crate) fn heap(text: &str) -> Result<HeapSize, String> {
    text.parse()
}

/// Parses a time limit such as `30s`, `500ms` or `2m`; at least 1 ms.
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
