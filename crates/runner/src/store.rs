//! The run directory: the plan in `run.json`, one flushed line per finished cell in
//! `samples.jsonl`.
//!
//! No finished record is lost: each line is written in one call as its cell ends, a line cut short by a
//! full disk is removed, and a line torn by a power failure is removed when the run is resumed.

use record::{MANIFEST_FILE, Manifest, ReadError, Record, Run, SAMPLES_FILE, read_run};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The reason why a run directory cannot be written. The message names the path and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be created.
    #[error("cannot write {}: {source}; choose another directory with --out DIR", path.display())]
    Create {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The directory already holds a run.
    #[error("{0} already holds a run; continue it with `gcw run --resume {0}`, or choose another directory with --out DIR", directory.display())]
    Occupied {
        /// The directory.
        directory: PathBuf,
    },
    /// Another process writes the same run.
    #[error("another gcw is writing to {}; wait for it to end", path.display())]
    Busy {
        /// The record file.
        path: PathBuf,
    },
    /// The record file of an existing run cannot be opened or repaired.
    #[error("cannot write {}: {source}; make the file writable, then try again", path.display())]
    Reopen {
        /// The record file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A record could not be appended; all earlier ones are kept.
    #[error(
        "cannot append to {}: {source}; the {kept} records before it are kept. Make room (or make the file writable), then continue with `gcw run --resume {}`",
        path.display(), path.parent().unwrap_or(path).display()
    )]
    Append {
        /// The record file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
        /// Number of records in the file.
        kept: usize,
    },
    /// The run to be resumed cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An open run directory, locked against a second writer.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
    records: usize,
}

impl Store {
    /// Creates the directory and writes the manifest.
    ///
    /// # Errors
    /// If the directory cannot be written or holds a run already.
    pub fn create(directory: &Path, manifest: &Manifest) -> Result<Self, StoreError> {
        let cannot = |path: &Path| {
            let path = path.to_path_buf();
            move |source| StoreError::Create { path, source }
        };
        if directory.join(MANIFEST_FILE).exists() {
            return Err(StoreError::Occupied { directory: directory.to_path_buf() });
        }
        fs::create_dir_all(directory).map_err(cannot(directory))?;
        let path = directory.join(SAMPLES_FILE);
        let file = File::options().create(true).append(true).open(&path).map_err(cannot(&path))?;
        lock(&file, &path)?;
        file.set_len(0).map_err(cannot(&path))?;
        let manifest_path = directory.join(MANIFEST_FILE);
        write_whole(&manifest_path, manifest).map_err(cannot(&manifest_path))?;
        Ok(Self { path, file, records: 0 })
    }

    /// Opens an existing run for more records, and reads its records. Removes a torn last line; other
    /// unusable lines stay and are listed in [`Run::problems`].
    ///
    /// # Errors
    /// If the directory holds no readable run or cannot be written.
    pub fn resume(directory: &Path) -> Result<(Self, Run), StoreError> {
        // First, so that a directory without a run stays unchanged.
        let manifest_path = directory.join(MANIFEST_FILE);
        if let Err(source) = fs::metadata(&manifest_path) {
            return Err(ReadError::Io { file: manifest_path, source }.into());
        }
        let path = directory.join(SAMPLES_FILE);
        let cannot = |source| StoreError::Reopen { path: path.clone(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(cannot)?;
        lock(&file, &path)?;
        repair_last_line(&file, &path).map_err(cannot)?;
        let run = read_run(directory)?;
        let records = run.records.len();
        Ok((Self { path, file, records }, run))
    }

    /// The run directory.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Number of records in the file.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Appends one record as one line, handed to the operating system before this returns.
    ///
    /// # Errors
    /// If it cannot be written; then the file ends with the previous record.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        append_or_truncate(&mut self.file, record).map_err(|source| StoreError::Append {
            path: self.path.clone(),
            source,
            kept: self.records,
        })?;
        self.records += 1;
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Closing is not enough: a process being started may briefly hold the inherited file open, and
        // with it the lock. A failed unlock leaves only this delay.
        let _ = self.file.unlock();
    }
}

fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    match file.try_lock() {
        // Some network file systems have no locks: the run proceeds without protection.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.to_path_buf() }),
    }
}

/// Writes the manifest atomically.
fn write_whole(path: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    let temporary = path.with_extension("json.tmp");
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path)
}

fn append_or_truncate(file: &mut File, record: &Record) -> io::Result<()> {
    let line = serde_json::to_string(record)? + "\n";
    let length = file.metadata()?.len();
    file.write_all(line.as_bytes()).inspect_err(|_| {
        // A full disk still lets a file shrink. If it does not, resuming repairs the line.
        let _ = file.set_len(length);
    })
}

/// Completes or removes an unterminated last line.
fn repair_last_line(mut file: &File, path: &Path) -> io::Result<()> {
    let text = fs::read(path)?;
    let start = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let last = &text[start..];
    if last.is_empty() {
        Ok(())
    } else if serde_json::from_slice::<Record>(last).is_ok() {
        file.write_all(b"\n")
    } else {
        file.set_len(start as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::manifest;
    use record::{Cell, HeapSize, Mode, Outcome, SCHEMA_VERSION, Size};

    fn record(block: u32) -> Record {
        Record {
            schema: SCHEMA_VERSION,
            cell: Cell {
                collector: "bound".to_owned(),
                workload: "a".to_owned(),
                size: Size::Small,
                heap: HeapSize::LiveMultiple(1.5),
                mode: Mode::Time,
            },
            block,
            twin: false,
            calibration_ns: None,
            order: block,
            seed: 1,
            started_unix_ms: 0,
            process_wall_ns: 0,
            outcome: Outcome::Timeout { limit_ms: 5 },
            sample: None,
        }
    }

    /// A run of two records on disk.
    fn two_records(directory: &Path) -> PathBuf {
        let mut store = Store::create(directory, &manifest(1)).unwrap();
        store.append(&record(0)).unwrap();
        store.append(&record(1)).unwrap();
        directory.join(SAMPLES_FILE)
    }

    #[test]
    fn records_are_read_back_as_written() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("runs/one");
        two_records(&deep);
        let run = read_run(&deep).unwrap();
        assert_eq!(run.manifest, manifest(1));
        assert_eq!(run.records, [record(0), record(1)]);
        let names: Vec<_> = fs::read_dir(&deep).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
    }

    #[test]
    fn a_torn_last_line_is_removed_and_the_run_continues() {
        let directory = tempfile::tempdir().unwrap();
        let samples = two_records(directory.path());
        let text = fs::read_to_string(&samples).unwrap();
        fs::write(&samples, &text[..text.len() - 20]).unwrap();
        let (mut store, run) = Store::resume(directory.path()).unwrap();
        assert_eq!((run.records.as_slice(), run.problems.len()), ([record(0)].as_slice(), 0));
        store.append(&record(1)).unwrap();
        assert_eq!(fs::read_to_string(&samples).unwrap(), text);
    }

    #[test]
    fn a_whole_last_line_without_its_end_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let samples = two_records(directory.path());
        let text = fs::read_to_string(&samples).unwrap();
        fs::write(&samples, text.trim_end()).unwrap();
        let (_, run) = Store::resume(directory.path()).unwrap();
        assert_eq!(run.records.len(), 2);
        assert_eq!(fs::read_to_string(&samples).unwrap(), text);
    }

    #[test]
    fn a_malformed_line_in_the_middle_loses_that_line_only() {
        let directory = tempfile::tempdir().unwrap();
        let samples = two_records(directory.path());
        let text = fs::read_to_string(&samples).unwrap();
        fs::write(&samples, text.replacen('{', "{,", 1)).unwrap();
        let (store, run) = Store::resume(directory.path()).unwrap();
        assert_eq!((store.records(), run.problems.len()), (1, 1));
        assert!(run.problems[0].to_string().contains("samples.jsonl:1: expected one JSON object"));
    }

    #[test]
    fn a_run_is_never_overwritten_nor_written_twice_at_once() {
        let directory = tempfile::tempdir().unwrap();
        two_records(directory.path());
        let error = Store::create(directory.path(), &manifest(1)).unwrap_err().to_string();
        assert!(error.contains("already holds a run") && error.contains("--resume"), "{error}");
        let _first = Store::resume(directory.path()).unwrap();
        let error = Store::resume(directory.path()).unwrap_err().to_string();
        assert!(error.contains("another gcw is writing"), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Store::create(&file.join("run"), &manifest(1)).unwrap_err().to_string();
        assert!(error.contains("file/run") && error.contains("--out DIR"), "{error}");
    }

    #[test]
    fn resuming_a_directory_without_a_run_is_an_error_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let error = Store::resume(directory.path()).unwrap_err().to_string();
        assert!(error.contains("run.json") && error.contains("gcw run"), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_names_the_file_the_remedy_and_the_records_kept() {
        let full = File::options().append(true).open("/dev/full").unwrap();
        let mut store =
            Store { path: PathBuf::from("runs/one/samples.jsonl"), file: full, records: 17 };
        let error = store.append(&record(0)).unwrap_err().to_string();
        for part in ["runs/one/samples.jsonl", "No space left", "17 records", "--resume runs/one"] {
            assert!(error.contains(part), "'{part}' is missing in: {error}");
        }
        assert_eq!(store.records(), 17);
    }
}
