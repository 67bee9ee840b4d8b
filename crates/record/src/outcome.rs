//! The outcome of a cell. Failed cells are result rows, not errors of the tool.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The outcome of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Outcome {
    /// Finished with the published answer.
    Ok,
    /// Finished with another answer.
    WrongAnswer {
        /// The literal from the literature.
        expected: String,
        /// The computed answer.
        got: String,
    },
    /// The heap limit was reached with nothing left to reclaim.
    OutOfMemory {
        /// The requested bytes and the bytes held.
        reason: String,
    },
    /// Stopped by the runner.
    Timeout {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The thread's stack overflowed.
    StackOverflow {
        /// The process's last output on standard error.
        reason: String,
    },
    /// Ended by a signal, a panic or an unreadable line.
    Crash {
        /// The process's last output on standard error.
        reason: String,
    },
    /// The pair cannot work; decided before running.
    NotApplicable {
        /// The reason.
        reason: String,
    },
}

impl Outcome {
    /// The word in charts and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::WrongAnswer { .. } => "wrong",
            Self::OutOfMemory { .. } => "OOM",
            Self::Timeout { .. } => "timeout",
            Self::StackOverflow { .. } => "stack overflow",
            Self::Crash { .. } => "crash",
            Self::NotApplicable { .. } => "n/a",
        }
    }

    /// The reason printed after the word; empty for [`Outcome::Ok`].
    pub fn reason(&self) -> String {
        match self {
            Self::Ok => String::new(),
            Self::WrongAnswer { expected, got } => format!("expected {expected}, got {got}"),
            Self::Timeout { limit_ms } => {
                format!("stopped after {:.1} s", *limit_ms as f64 / 1e3)
            }
            Self::OutOfMemory { reason }
            | Self::StackOverflow { reason }
            | Self::Crash { reason }
            | Self::NotApplicable { reason } => reason.clone(),
        }
    }

    /// Whether the tool must report failure by its exit code. Out of memory, a timeout and a pair that
    /// is not applicable are results; a wrong answer, a stack overflow or a crash is a defect.
    pub fn is_defect(&self) -> bool {
        matches!(self, Self::WrongAnswer { .. } | Self::StackOverflow { .. } | Self::Crash { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason();
        if reason.is_empty() {
            f.write_str(self.word())
        } else {
            write!(f, "{}: {reason}", self.word())
        }
    }
}
