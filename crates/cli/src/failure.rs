//! The ends of a subcommand, and their exit codes.

use anstyle::{AnsiColor, Style};
use runner::{RunError, StoreError};
use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// A subcommand that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing is wrong.
    Fine,
    /// A cell crashed or gave a wrong answer, or a collector failed the conformance kit.
    Defect,
    /// A cell reached its heap limit (`gcw cell` only).
    OutOfMemory,
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Fine => ExitCode::SUCCESS,
            Self::Defect => ExitCode::from(1),
            Self::OutOfMemory => ExitCode::from(runner::EXIT_OUT_OF_MEMORY as u8),
        }
    }
}

/// A subcommand that could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is invalid: exit code 2.
    Usage(String),
    /// It began and could not finish: exit code 1.
    Broken(anyhow::Error),
    /// It was interrupted: exit code 130, as shells expect of one ended by Ctrl-C.
    Interrupted(String),
}

impl Failure {
    /// A request that is invalid because of this error.
    pub(crate) fn usage(error: anyhow::Error) -> Self {
        Self::Usage(format!("{error:#}"))
    }

    /// Prints the failure on standard error, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                print("error", AnsiColor::Red, message);
                ExitCode::from(2)
            }
            // The reader has read enough (`gcw list workloads | head -3`).
            Self::Broken(error) if is_broken_pipe(error) => ExitCode::SUCCESS,
            Self::Broken(error) => {
                print("error", AnsiColor::Red, &with_causes(error));
                ExitCode::from(1)
            }
            Self::Interrupted(message) => {
                print("interrupted", AnsiColor::Yellow, message);
                ExitCode::from(130)
            }
        }
    }
}

/// Prints a warning on standard error.
pub(crate) fn warn(message: &dyn Display) {
    print("warning", AnsiColor::Yellow, message);
}

fn print(word: &str, colour: AnsiColor, message: &dyn Display) {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    anstream::eprintln!("{style}{word}:{style:#} {message}");
}

/// The error and those of its causes that it does not name itself.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().skip(1).map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::Broken(error.into())
    }
}

/// A run directory is named by the user, so a fault of it before the first cell is a usage error.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<record::ReadError> for Failure {
    fn from(error: record::ReadError) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn every_cause_is_named_once() {
        let io = || io::Error::other("no space");
        let twice = Err::<(), _>(io()).context("cannot append: no space").unwrap_err();
        assert_eq!(with_causes(&twice), "cannot append: no space");
        let once = Err::<(), _>(io()).context("cannot append").unwrap_err();
        assert_eq!(with_causes(&once), "cannot append: no space");
    }
}
