//! The command line end to end: real child processes, real run directories, real exit codes.

mod parameters;
mod runs;
mod safety;
mod verify;

use record::{Run, read_run};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A program in a directory, which also holds its cache.
struct Place {
    program: PathBuf,
    directory: PathBuf,
    /// Removes the directory at the end of its test.
    _guard: Option<TempDir>,
}

impl Place {
    /// A new directory for a program over the collectors of the workbench.
    fn new() -> Self {
        Self::of(PathBuf::from(env!("CARGO_BIN_EXE_gcw")))
    }

    /// A new directory for an example, which cargo builds with the tests.
    fn of_example(name: &str) -> Self {
        Self::of(example(name))
    }

    fn of(program: PathBuf) -> Self {
        let guard = tempfile::tempdir().unwrap();
        Self { program, directory: guard.path().to_path_buf(), _guard: Some(guard) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.directory).env_remove("CLICOLOR_FORCE");
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    fn gcw(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs, checks the exit code, returns both outputs.
    fn check_both(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.gcw(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }

    /// Runs, checks the exit code, returns standard output.
    fn check(&self, code: i32, arguments: &[&str]) -> String {
        self.check_both(code, arguments).0
    }

    /// Runs a command that must be refused with exit code 2, and checks for these words in the message.
    fn refuse(&self, arguments: &[&str], words: &[&str]) {
        let (text, message) = self.check_both(2, arguments);
        assert!(text.is_empty(), "{arguments:?}: {text}");
        check_words(&message, words);
    }

    fn read(&self, name: &str) -> Run {
        read_run(&self.path(name)).unwrap()
    }
}

/// The program of an example.
fn example(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_BIN_EXE_gcw")).parent().unwrap().join("examples");
    let program = directory.join(name);
    assert!(program.is_file(), "run `cargo build -p gcw --examples` first");
    program
}

fn check_words(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "'{word}' is missing in: {text}");
    }
}

/// Checks that no line is wider than a table may be.
fn check_width(text: &str) {
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
