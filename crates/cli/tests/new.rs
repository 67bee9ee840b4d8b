//! `gcw new` end to end: its files in a copy of this workspace are formatted, compile, and run; a
//! refusal leaves no trace. The copy also holds the crate of `cli/examples/out-of-tree`, whose program
//! is the one that is built here: it has the collectors of the copy, and one of its own.

use record::{Outcome, read_run};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// This workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Copies a file or a directory, without `target`. Keeps the modification times, so that unchanged crates
/// are not rebuilt.
fn copy(from: &Path, to: &Path) {
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(&from).unwrap() {
                let name = entry.unwrap().file_name();
                if name != "target" {
                    pending.push((from.join(&name), to.join(&name)));
                }
            }
        } else {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&from, &to).unwrap();
            let changed = fs::metadata(&from).unwrap().modified().unwrap();
            File::options().append(true).open(&to).unwrap().set_modified(changed).unwrap();
        }
    }
}

/// Runs a command to its end, which must be a success, and returns standard output.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn gcw(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gcw"));
    command.args(arguments).current_dir(directory);
    command
}

fn cargo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(directory).env("CARGO_PROFILE_DEV_DEBUG", "0");
    command
}

/// Checks that rustfmt changes nothing. `cargo fmt` would not: it finds no modules that a macro declares.
fn check_format(checkout: &Path) {
    let directories =
        ["crates/collectors/src", "workloads/src", "crates/cli/examples/out-of-tree/src"];
    let files = directories.iter().flat_map(|directory| {
        let entries = fs::read_dir(checkout.join(directory)).unwrap();
        // Those of a folder are found from the file of its name.
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    });
    succeed(Command::new("rustfmt").args(["--edition", "2024", "--check"]).args(files));
}

#[test]
fn new_collectors_and_workloads_are_formatted_compile_and_run() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new");
    let (checkout, target) = (place.join("checkout"), place.join("target"));
    let _ = fs::remove_dir_all(&checkout);
    let parts = ["Cargo.toml", "Cargo.lock", ".rustfmt.toml", "crates", "workloads", "benches"];
    for part in parts {
        copy(&workspace().join(part), &checkout.join(part));
    }
    let example = checkout.join("crates/cli/examples/out-of-tree");
    // With the versions of the workspace, because no others may be available offline.
    copy(&checkout.join("Cargo.lock"), &example.join("Cargo.lock"));

    let inside = checkout.join("crates/heap/src");
    let said = succeed(&mut gcw(&inside, &["new", "collector", "my-gc"]));
    assert!(said.contains("wrote crates/collectors/src/my_gc.rs"), "{said}");
    assert!(said.contains("run -c my-gc,mark-sweep"), "{said}");
    let said = succeed(&mut gcw(&place, &["new", "workload", "my-program", "--dir", "checkout"]));
    assert!(said.contains("test -p gcw-workloads --lib my_program\n"), "{said}");
    check_format(&checkout);

    let target = target.to_str().unwrap();
    succeed(&mut cargo(&example, &["build", "--offline", "--quiet", "--target-dir", target]));
    let program = Path::new(target).join("debug/my-collector");
    let listed = |what: &str| -> Vec<String> {
        let json = succeed(Command::new(&program).args(["list", what, "--json"]));
        let list: serde_json::Value = serde_json::from_str(&json).unwrap();
        let name = |item: &serde_json::Value| item["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    };
    assert!(listed("collectors").ends_with(&["my-gc".to_owned(), "every-mib".to_owned()]));
    assert_eq!(listed("workloads").last().unwrap(), "my-program");

    succeed(Command::new(&program).args(["verify", "my-gc", "every-mib", "--seeds", "5"]));
    let runs = tempfile::tempdir().unwrap();
    let run = runs.path().join("run");
    let options = ["--profile", "smoke", "-w", "my-program", "-c", "my-gc,every-mib"];
    let mut command = Command::new(&program);
    succeed(command.arg("run").args(options).args(["--timeout", "10m", "--out"]).arg(&run));
    let records = read_run(&run).unwrap().records;
    for name in ["my-gc", "every-mib"] {
        let of_name = records.iter().filter(|record| record.cell.collector == name);
        let outcomes: Vec<&Outcome> = of_name.map(|record| &record.outcome).collect();
        let is_fine = |outcome: &&Outcome| **outcome == Outcome::Ok;
        assert!(!outcomes.is_empty() && outcomes.iter().all(is_fine), "{name}: {outcomes:?}");
    }
    assert!(run.join("report/index.html").is_file());

    let test = ["test", "-p", "gcw-workloads", "--lib", "my_program"];
    let options = ["--offline", "--quiet", "--target-dir", target];
    succeed(cargo(&checkout, &test).args(options));
}

/// The files of a checkout that `gcw new` reads.
fn miniature() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let workloads = ["workloads/src/lib.rs", "workloads/src/zipf.rs", "workloads/suites/core.toml"];
    for path in ["Cargo.toml", "crates/collectors/src/lib.rs"].into_iter().chain(workloads) {
        copy(&workspace().join(path), &directory.path().join(path));
    }
    directory
}

/// The files of a directory with their texts.
fn files(directory: &Path) -> Vec<(PathBuf, String)> {
    let (mut files, mut pending) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// Runs a command that must be refused with exit code 2 and these words, and change no file.
fn refuse(checkout: &Path, arguments: &[&str], words: &str) {
    let before = files(checkout);
    let Output { status, stdout, stderr } = gcw(checkout, arguments).output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{arguments:?}: {message}");
    assert!(stdout.is_empty() && message.contains(words), "{arguments:?}: {message}");
    assert_eq!(files(checkout), before, "{arguments:?}");
}

#[test]
fn a_collector_is_one_file_and_one_line_with_a_colour_of_its_own() {
    let checkout = miniature();
    let table = checkout.path().join("crates/collectors/src/lib.rs");
    let mut rows = Vec::new();
    for name in ["my-gc", "your-gc"] {
        let (files_before, lines) =
            (files(checkout.path()).len(), fs::read_to_string(&table).unwrap());
        succeed(&mut gcw(checkout.path(), &["new", "collector", name]));
        assert_eq!(files(checkout.path()).len(), files_before + 1);
        let now = fs::read_to_string(&table).unwrap();
        let new: Vec<&str> = now.lines().filter(|line| !lines.contains(line)).collect();
        assert_eq!((new.len(), now.lines().count()), (1, lines.lines().count() + 1), "{new:?}");
        rows.push(new[0].to_owned());
    }
    let colour = |row: &str| row.split_once("(\"#").unwrap().1[..6].to_owned();
    assert_ne!(colour(&rows[0]), colour(&rows[1]), "{rows:?}");
}

#[test]
fn names_that_are_taken_or_none_are_refused() {
    let checkout = miniature();
    for (what, name, words) in [
        ("collector", "mark-sweep", "there is a collector 'mark-sweep' already"),
        ("collector", "lib", "lib.rs: there is one already"),
        ("collector", "context", "the type Context, which means something else already"),
        ("collector", "rc-Weak", "write 'rc-weak'"),
        ("workload", "splay", "there is a workload 'splay' already"),
        ("workload", "zipf", "zipf.rs: there is one already"),
        ("workload", "node", "the type Node, which means something else"),
        ("workload", "match", "'match' is a Rust keyword"),
        ("workload", "", "words of small letters and digits"),
        ("workload", "../../evil", "write 'evil'"),
        ("thing", "my-gc", "collector, workload"),
    ] {
        refuse(checkout.path(), &["new", what, name], words);
    }
}

#[test]
fn places_that_cannot_be_written_to_are_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    refuse(elsewhere.path(), &["new", "collector", "my-gc"], "not in a checkout");
    refuse(elsewhere.path(), &["new", "collector", "my-gc", "--dir", "no/where"], "no/where");

    let checkout = miniature();
    refuse(checkout.path(), &["new", "collector", "my-gc", "--dir", "no/where"], "no/where");
    let suite = checkout.path().join("workloads/suites/core.toml");
    let mut permissions = fs::metadata(&suite).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&suite, permissions).unwrap();
    refuse(checkout.path(), &["new", "workload", "my-program"], "core.toml: it is read-only");

    let table = checkout.path().join("crates/collectors/src/lib.rs");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replace("collectors! {", "collectors!(")).unwrap();
    refuse(checkout.path(), &["new", "collector", "my-gc"], "no table of collectors any more");
}
