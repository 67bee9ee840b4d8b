//! Reads a run directory. A malformed line is skipped and reported; all others stay usable.

use crate::{
    MANIFEST_FILE, Manifest, Record, SAMPLES_FILE, SCHEMA_VERSION, is_readable, unreadable,
};
use std::fs;
use std::path::{Path, PathBuf};

/// A run as read from its directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The directory.
    pub directory: PathBuf,
    /// The plan.
    pub manifest: Manifest,
    /// Records in file order.
    pub records: Vec<Record>,
    /// Unusable lines.
    pub problems: Vec<LineProblem>,
}

/// An unusable line of `samples.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct LineProblem {
    /// The file.
    pub file: PathBuf,
    /// Line number, from 1.
    pub line: usize,
    /// The expected and the actual content.
    pub what: String,
}

/// The reason why a run directory cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file is missing or unreadable.
    #[error("cannot read {}: {source}; a run directory holds {MANIFEST_FILE} and {SAMPLES_FILE}, as `gcw run` writes them", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The manifest is malformed.
    #[error("{}:{line}: not a run manifest: {what}", file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The parser's message.
        what: String,
    },
}

/// Reads a run directory.
///
/// # Errors
/// [`ReadError`] if a file cannot be read or the manifest is malformed. Malformed record lines are
/// no error: they are listed in [`Run::problems`].
pub fn read_run(directory: &Path) -> Result<Run, ReadError> {
    let manifest_file = directory.join(MANIFEST_FILE);
    let text = fs::read_to_string(&manifest_file)
        .map_err(|source| ReadError::Io { file: manifest_file.clone(), source })?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| ReadError::Manifest {
        file: manifest_file.clone(),
        line: e.line(),
        what: e.to_string(),
    })?;
    if !is_readable(u64::from(manifest.schema)) {
        let (line, what) = (1, unreadable(u64::from(manifest.schema)));
        return Err(ReadError::Manifest { file: manifest_file, line, what });
    }
    let samples_file = directory.join(SAMPLES_FILE);
    let text = fs::read(&samples_file)
        .map_err(|source| ReadError::Io { file: samples_file.clone(), source })?;
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in text.split(|&b| b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse_record(line) {
            Ok(record) => records.push(record),
            Err(what) => {
                problems.push(LineProblem { file: samples_file.clone(), line: index + 1, what });
            }
        }
    }
    Ok(Run { directory: directory.to_path_buf(), manifest, records, problems })
}

fn parse_record(line: &[u8]) -> Result<Record, String> {
    let value: serde_json::Value = serde_json::from_slice(line)
        .map_err(|e| format!("expected one JSON object per line: {e}"))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(version) if is_readable(version) => {}
        Some(version) => return Err(unreadable(version)),
        None => return Err(format!("expected a record with \"schema\": {SCHEMA_VERSION}")),
    }
    serde_json::from_value(value).map_err(|e| format!("expected a record: {e}"))
}
