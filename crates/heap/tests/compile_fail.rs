//! Programs that the types of the mutator's contract reject at compile time.
//!
//! The file next to each program is the expected error of one compiler version. Under any other, and for
//! errors that quote the standard library (whose source need not be installed), the wording may differ,
//! but not the codes.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use trybuild::TestCases;

/// The compiler whose errors are expected.
const EXPECTED_COMPILER: &str = "rustc 1.95.";

/// Environment variable: the directory with copies of the programs, next to which errors may be written.
const COPY: &str = "COMPILE_FAIL_COPY";

#[test]
fn wrong_programs_are_refused() {
    let cases = |programs: &Path| TestCases::new().compile_fail(programs.join("*.rs"));
    if compiler().starts_with(EXPECTED_COMPILER) {
        cases(&originals("ui"));
    } else {
        compare_codes("wrong_programs_are_refused", "ui", cases);
    }
}

/// The check for too many parts runs only when a program is compiled to the end, which needs one case
/// that passes.
#[test]
fn wrong_programs_are_refused_in_other_words() {
    compare_codes("wrong_programs_are_refused_in_other_words", "ui/codes", |programs| {
        let cases = TestCases::new();
        cases.pass(programs.join("as_many_parts_as_slots.rs"));
        cases.compile_fail(programs.join("capabilities_that_contradict.rs"));
        cases.compile_fail(programs.join("local_put_into_a_slot.rs"));
        cases.compile_fail(programs.join("more_parts_than_slots.rs"));
        cases.compile_fail(programs.join("object_of_a_region_owned_outside.rs"));
    });
}

fn originals(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory)
}

/// Runs the test again on a copy of its programs, where trybuild writes errors to files instead of
/// comparing them, and compares their codes. A program that compiles fails the test either way.
fn compare_codes(test: &str, directory: &str, cases: impl Fn(&Path)) {
    if let Some(copy) = env::var_os(COPY) {
        cases(Path::new(&copy));
        return;
    }
    let originals = originals(directory);
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    copy_programs(&originals, &copy);
    let itself = env::current_exe().expect("the path of this test is known");
    let mut again = Command::new(itself);
    again.args([test, "--exact"]).env(COPY, &copy).env("TRYBUILD", "overwrite");
    let output = again.output().expect("this test can start itself");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "under {}:\n{stderr}", compiler());
    for expected in files(&originals, "stderr") {
        let found = copy.join(expected.file_name().expect("a file has a name"));
        let codes = [&expected, &found].map(|path| codes(&read(path)));
        assert_eq!(codes[0], codes[1], "errors of {}, expected and found", found.display());
    }
}

/// The first line of each error, up to its code.
fn codes(errors: &str) -> Vec<String> {
    let starts = errors.lines().filter(|line| line.starts_with("error"));
    starts.filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a directory with this extension.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the programs are there");
    let paths = entries.map(|entry| entry.expect("the programs can be listed").path());
    paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// Copies the programs of a directory, but not the errors expected of them.
fn copy_programs(from: &Path, to: &Path) {
    // Removes the copies of an earlier run; their absence is no error.
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("the directory for temporary files can be written");
    for program in files(from, "rs") {
        let name = program.file_name().expect("a file has a name");
        fs::copy(&program, to.join(name)).expect("a program can be copied");
    }
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc can be started");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
