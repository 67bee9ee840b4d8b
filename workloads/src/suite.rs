//! Suites: workloads with parameters, answers and prose, from a TOML file.
//!
//! A workload is a program with parameters at up to three sizes. Its answer is a literal: from the
//! literature if published there, otherwise from a formula or an independent model, never from a run
//! of the heap. Errors name the file and the line.

use crate::catalogue::{self, Entry};
use crate::parameters::Parameters;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

const CORE: &str = include_str!("../suites/core.toml");
const SCALE: &str = include_str!("../suites/scale.toml");

/// A suite of workloads for `gcw run`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suite {
    /// Name.
    pub name: String,
    /// Its purpose, in one line.
    pub summary: String,
    /// Seed of all random numbers; the answers hold for this seed.
    pub seed: u64,
    /// Its workloads, in the order of the file.
    pub workloads: Vec<Workload>,
}

/// A program with its parameters, answers and prose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workload {
    /// Name, unique in the suite.
    pub name: String,
    /// Name of the program in the catalogue, with the variant after an `@`.
    pub program: String,
    /// The program in one line.
    pub summary: String,
    /// Sources of the program and its answers.
    pub source: String,
    /// The costs that it separates, the reasons, and how they show in the charts.
    pub analysis: String,
    /// At most 50 ms of work.
    pub small: Option<Instance>,
    /// The published parameters, about half a second.
    pub default: Option<Instance>,
    /// A gigabyte or more allocated.
    pub large: Option<Instance>,
}

/// Sizes of a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// [`Workload::small`].
    Small,
    /// [`Workload::default`].
    Default,
    /// [`Workload::large`].
    Large,
}

/// A workload at one size.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Parameters of the program.
    pub parameters: Parameters,
    /// The correct answer.
    pub answer: String,
    /// Its allocation, if recorded.
    pub census: Option<Census>,
}

/// Allocation of a workload: the same under every collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Census {
    /// Objects allocated.
    pub objects: u64,
    /// Bytes allocated, headers included, before rounding to cells.
    pub allocated_bytes: u64,
    /// Peak of reachable bytes: the unit of heap multiples.
    pub peak_live_bytes: u64,
}

/// An unusable suite file.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("cannot read the suite file {}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is not a suite.
    #[error("{}:{line}: {what}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The error: found and expected.
        what: String,
    },
}

impl Suite {
    /// The built-in core suite.
    pub fn builtin() -> Self {
        Self::parse(Path::new("core.toml"), CORE).expect("the built-in suite is well-formed")
    }

    /// The suite of costs against live objects; its sizes set the range.
    pub fn scale() -> Self {
        Self::parse(Path::new("scale.toml"), SCALE).expect("the scale suite is well-formed")
    }

    /// The suite in a TOML file.
    ///
    /// # Errors
    /// [`SuiteError`], with the line where the file is not a suite.
    pub fn load(path: &Path) -> Result<Self, SuiteError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SuiteError::Io { file: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// The suite in a text; `file` is for messages.
    ///
    /// # Errors
    /// As [`Suite::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Self, SuiteError> {
        let malformed = |(at, what): (usize, String)| {
            let line = 1 + text[..at].matches('\n').count();
            SuiteError::Malformed { file: file.to_owned(), line, what }
        };
        let suite: SuiteFile = toml::from_str(text)
            .map_err(|e| (e.span().map_or(0, |span| span.start), e.message().to_owned()))
            .map_err(malformed)?;
        suite.checked().map_err(malformed)
    }

    /// The workload of this name.
    pub fn find(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.name == name)
    }
}

impl Workload {
    /// The instance of this size, if there is one.
    pub fn at(&self, size: Size) -> Option<&Instance> {
        match size {
            Size::Small => self.small.as_ref(),
            Size::Default => self.default.as_ref(),
            Size::Large => self.large.as_ref(),
        }
    }

    /// Its instances, in ascending order of size.
    pub fn sizes(&self) -> impl Iterator<Item = &Instance> {
        [&self.small, &self.default, &self.large].into_iter().flatten()
    }

    /// Its program.
    pub fn entry(&self) -> &'static Entry {
        catalogue::find(&self.program).expect("the programs of a suite are checked when it is read")
    }
}

/// The format of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteFile {
    name: String,
    summary: String,
    seed: u64,
    workload: Vec<Spanned<WorkloadTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadTable {
    name: Spanned<String>,
    program: Option<Spanned<String>>,
    summary: String,
    source: String,
    analysis: String,
    small: Option<Spanned<Instance>>,
    default: Option<Spanned<Instance>>,
    large: Option<Spanned<Instance>>,
}

/// Byte offset in the text, and the error there.
type Complaint = (usize, String);

impl SuiteFile {
    fn checked(self) -> Result<Suite, Complaint> {
        let mut workloads: Vec<Workload> = Vec::new();
        for table in self.workload {
            let at = table.get_ref().name.span();
            let workload = table.into_inner().checked()?;
            if workloads.iter().any(|earlier| earlier.name == workload.name) {
                return Err(complaint(at, format!("a second workload '{}'", workload.name)));
            }
            workloads.push(workload);
        }
        Ok(Suite { name: self.name, summary: self.summary, seed: self.seed, workloads })
    }
}

impl WorkloadTable {
    fn checked(self) -> Result<Workload, Complaint> {
        let program = self.program.unwrap_or_else(|| self.name.clone());
        let entry = catalogue::find(program.get_ref())
            .map_err(|e| complaint(program.span(), e.to_string()))?;
        if [&self.small, &self.default, &self.large].iter().all(|size| size.is_none()) {
            let what = "expected a size: a table small, default or large";
            return Err(complaint(self.name.span(), what.to_owned()));
        }
        let checked = |size: Option<Spanned<Instance>>| match size {
            None => Ok(None),
            Some(instance) => match entry.check(&instance.get_ref().parameters) {
                Ok(()) => Ok(Some(instance.into_inner())),
                Err(e) => Err(complaint(instance.span(), format!("{}: {e}", entry.name))),
            },
        };
        Ok(Workload {
            program: entry.name.to_owned(),
            name: self.name.into_inner(),
            summary: self.summary,
            source: self.source,
            analysis: self.analysis,
            small: checked(self.small)?,
            default: checked(self.default)?,
            large: checked(self.large)?,
        })
    }
}

fn complaint(at: Range<usize>, what: String) -> Complaint {
    (at.start, what)
}
