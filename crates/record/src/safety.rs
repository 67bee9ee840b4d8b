//! The safety matrix: the outcome of each failure under each discipline, by trials.
//!
//! `safety.json` in a run directory holds a [`Safety`]: the trials folded into series, and the verdict
//! on each failure under each collector. No verdict is written by hand.

use crate::{CollectorInfo, Counts, Effect, Failure, LeakPoint, Subject, TrialEnd};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Version of the schema of [`Safety`] and [`crate::Trial`].
pub const SAFETY_VERSION: u32 = 1;
/// Name of the safety matrix inside a run directory.
pub const SAFETY_FILE: &str = "safety.json";

/// The trials of one subject, which differ in their seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The collector.
    pub collector: String,
    /// The subject.
    pub subject: Subject,
    /// Number of trials by effect.
    pub effects: Vec<(Effect, u32)>,
    /// The end of the worst trial.
    pub end: TrialEnd,
    /// Counts over all trials.
    pub counts: Counts,
    /// Leaked bytes over time, of the first trial.
    pub leaks: Vec<LeakPoint>,
}

impl Series {
    /// Number of trials run.
    pub fn runs(&self) -> u32 {
        self.effects.iter().map(|&(_, runs)| runs).sum()
    }

    /// Number of trials with this effect.
    pub fn runs_with(&self, effect: Effect) -> u32 {
        self.effects.iter().find(|(e, _)| *e == effect).map_or(0, |&(_, runs)| runs)
    }
}

/// The outcome of a failure under a discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The compiler rejects the program, as the named cases prove.
    Rejected {
        /// Names of [`CompileFail`] cases.
        cases: Vec<String>,
    },
    /// Impossible by construction: the faulty program ran without effect.
    Impossible,
    /// The use was refused at run time.
    Detected,
    /// The failure happened.
    Happens,
    /// No program could run.
    NotApplicable {
        /// The reason.
        reason: String,
    },
}

impl Verdict {
    /// The verdict as a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Impossible => "cannot",
            Self::Detected => "detected",
            Self::Happens => "happens",
            Self::NotApplicable { .. } => "n/a",
        }
    }
}

/// One field of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetyCell {
    /// The failure.
    pub failure: Failure,
    /// The collector.
    pub collector: String,
    /// The verdict for programs within the rules of the discipline's language.
    pub verdict: Verdict,
    /// Trials behind the verdict.
    pub runs: u32,
    /// Counts over these trials.
    pub counts: Counts,
    /// The end of the worst trial.
    pub end: TrialEnd,
    /// The verdict where those rules are bypassed; `None` if that was not tried.
    pub bent: Option<Bent>,
}

impl SafetyCell {
    /// The word in tables and charts: that of the verdict, with an asterisk where the failure happens
    /// once the rules are bypassed.
    pub fn word(&self) -> String {
        let is_bent = self.bent.as_ref().is_some_and(|bent| bent.verdict == Verdict::Happens);
        format!("{}{}", self.verdict.word(), if is_bent { "*" } else { "" })
    }
}

/// The outcome of a failure where the rules of the language are bypassed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bent {
    /// The means: `unsafe`, `mem::forget`, or an allocator that does not zero.
    pub by: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Trials behind the verdict.
    pub runs: u32,
    /// Counts over these trials.
    pub counts: Counts,
}

/// A program that the compiler rejects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileFail {
    /// Name of the case.
    pub name: String,
    /// The program.
    pub program: String,
    /// The compiler's message.
    pub error: String,
}

/// `safety.json`: the matrix and its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    /// [`SAFETY_VERSION`] of the writer.
    pub schema: u32,
    /// Number of seeds tried where the outcome depends on chance.
    pub seeds: u32,
    /// Commit and profile of the build.
    pub build: String,
    /// The collectors, in registry order.
    pub collectors: Vec<CollectorInfo>,
    /// Failures by collectors.
    pub cells: Vec<SafetyCell>,
    /// All trials, folded into series.
    pub series: Vec<Series>,
    /// The compile-fail cases that cells name.
    pub cases: Vec<CompileFail>,
}

impl Safety {
    /// The field of a failure and a collector.
    pub fn cell(&self, failure: Failure, collector: &str) -> Option<&SafetyCell> {
        self.cells.iter().find(|c| c.failure == failure && c.collector == collector)
    }
}

/// Reads the safety matrix of a run directory; `None` if it has none.
///
/// # Errors
/// A message with the file, the line of a malformed file, and the reason.
pub fn read_safety(directory: &Path) -> Result<Option<Safety>, String> {
    let file = directory.join(SAFETY_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("cannot read {}: {e}", file.display())),
    };
    let malformed = |e: serde_json::Error| {
        format!(
            "{}:{}: not a safety matrix: {e}; recreate it with `gcw safety --out DIR`",
            file.display(),
            e.line()
        )
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(SAFETY_VERSION) => {
            serde_json::from_value(value).map(Some).map_err(malformed)
        }
        version => Err(format!(
            "{}: expected schema {SAFETY_VERSION}, found {}; recreate it with `gcw safety --out DIR`",
            file.display(),
            version.map_or("none".to_owned(), |v| v.to_string())
        )),
    }
}
