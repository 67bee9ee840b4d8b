//! The safety matrix: what becomes of each failure under each discipline, as trials showed it.
//!
//! `safety.json` in a run directory holds a [`Safety`]: the trials folded into series, and the verdict
//! of each failure under each collector. No verdict is written by hand.

use crate::{CollectorInfo, Counts, Effect, Failure, LeakPoint, Subject, TrialEnd};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Version of the schema of [`Safety`] and [`crate::Trial`].
pub const SAFETY_VERSION: u32 = 1;
/// Name of the safety matrix inside a run directory.
pub const SAFETY_FILE: &str = "safety.json";

/// The trials of one subject: they differ in their seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The collector.
    pub collector: String,
    /// What was tried.
    pub subject: Subject,
    /// Trials by what they amount to.
    pub effects: Vec<(Effect, u32)>,
    /// How the worst of them ended.
    pub end: TrialEnd,
    /// What they counted in all.
    pub counts: Counts,
    /// Leaked bytes over time, of the first.
    pub leaks: Vec<LeakPoint>,
}

impl Series {
    /// Trials that were run.
    pub fn runs(&self) -> u32 {
        self.effects.iter().map(|&(_, runs)| runs).sum()
    }

    /// Trials that amounted to this.
    pub fn runs_with(&self, effect: Effect) -> u32 {
        self.effects.iter().find(|(e, _)| *e == effect).map_or(0, |&(_, runs)| runs)
    }
}

/// What becomes of a failure under a discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The program is not compiled: the named cases prove it.
    Rejected {
        /// Names of [`CompileFail`] cases.
        cases: Vec<String>,
    },
    /// Impossible by construction: the faulty program ran and had no effect.
    Impossible,
    /// The use was refused at run time.
    Detected,
    /// It happened.
    Happens,
    /// Nothing could be run.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// The verdict in a word.
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
    /// What becomes of it, by programs as their authors may write them.
    pub verdict: Verdict,
    /// Trials behind the verdict.
    pub runs: u32,
    /// What these counted.
    pub counts: Counts,
    /// How the worst of them ended.
    pub end: TrialEnd,
    /// What else happens where the rules are bent: with which means, and to what end.
    pub bent: Option<Bent>,
}

impl SafetyCell {
    /// The word drawn in tables and charts: that of the verdict, with an asterisk where bending the
    /// rules makes it happen.
    pub fn word(&self) -> String {
        let is_bent = self.bent.as_ref().is_some_and(|bent| bent.verdict == Verdict::Happens);
        format!("{}{}", self.verdict.word(), if is_bent { "*" } else { "" })
    }
}

/// What happens where the rules of a language are bent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bent {
    /// With `unsafe`, with `mem::forget`, with an allocator that does not zero.
    pub by: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Trials behind that.
    pub runs: u32,
    /// What these counted.
    pub counts: Counts,
}

/// A program that the compiler rejects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileFail {
    /// Name of the case.
    pub name: String,
    /// The program.
    pub program: String,
    /// What the compiler says.
    pub error: String,
}

/// `safety.json`: the matrix and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    /// [`SAFETY_VERSION`] of the writer.
    pub schema: u32,
    /// Seeds tried for whatever depends on chance.
    pub seeds: u32,
    /// Commit and kind of the build.
    pub build: String,
    /// The collectors, in registry order.
    pub collectors: Vec<CollectorInfo>,
    /// Failures by collectors.
    pub cells: Vec<SafetyCell>,
    /// All trials, folded.
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
/// What is wrong with the file, and where.
pub fn read_safety(directory: &Path) -> Result<Option<Safety>, String> {
    let file = directory.join(SAFETY_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("cannot read {}: {e}", file.display())),
    };
    let malformed = |e: serde_json::Error| {
        format!(
            "{}:{}: not a safety matrix: {e}; write it anew with `gcw safety --out DIR`",
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
            "{}: expected schema {SAFETY_VERSION}, found {}; write it anew with `gcw safety --out DIR`",
            file.display(),
            version.map_or("none".to_owned(), |v| v.to_string())
        )),
    }
}
