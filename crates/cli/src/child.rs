//! Command lines: of the cells that run as child processes of this program, and as a shell reads them.

use crate::parse::{mode_word, size_word};
use anyhow::Context;
use record::Cell;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of this program, which runs every cell, job and trial in a child process.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    env::current_exe().context("cannot find the path of this program, which child processes run")
}

/// The command that runs this cell in a fresh process of `program`.
pub(crate) fn cell(program: &Path, cell: &Cell, suite: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg("cell")
        .args(["--collector", &cell.collector, "--workload", &cell.workload])
        .args(["--size", size_word(cell.size), "--heap", &cell.heap.to_string()])
        .args(["--mode", mode_word(cell.mode), "--suite", suite]);
    command
}

/// A command of this program as a user types it.
pub(crate) fn as_typed(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    ["gcw".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

/// A word quoted for a shell, if it needs quotes.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // Quoting fails only on a NUL byte, which no argument holds.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Into::into)
}
