//! `gcw safety` end to end: its child processes, its output and its file.

use record::{Effect, Failure, Safety, Verdict, read_safety};
use std::path::Path;
use std::process::{Command, Output};

/// Two disciplines with explicit frees: by the author, and by the compiler.
const FEW: [&str; 5] = ["safety", "--seeds", "1", "--collector", "manual,ownership"];

fn gcw(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gcw"));
    command.args(arguments).current_dir(directory).env_remove("CLICOLOR_FORCE").output().unwrap()
}

/// Runs, checks that it succeeds, returns standard output.
fn succeed(directory: &Path, arguments: &[&str]) -> String {
    let output = gcw(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_matrix_is_printed_as_json_and_written() {
    let place = tempfile::tempdir().unwrap();
    let text = succeed(place.path(), &[&FEW[..], &["--json", "--out", "r"]].concat());
    let safety: Safety = serde_json::from_str(&text).unwrap();
    assert_eq!(read_safety(&place.path().join("r")).unwrap().as_ref(), Some(&safety));
    let names: Vec<&str> = safety.collectors.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((names.as_slice(), safety.seeds), (["manual", "ownership"].as_slice(), 1));
    assert_eq!(safety.cells.len(), Failure::ALL.len() * names.len());
    let verdict =
        |failure, collector| &safety.cell(failure, collector).expect("a full matrix").verdict;
    assert_eq!(*verdict(Failure::UseAfterFree, "manual"), Verdict::Happens);
    assert_eq!(verdict(Failure::UseAfterFree, "ownership").word(), "rejected");
    assert_eq!(verdict(Failure::UseBeforeInit, "ownership").word(), "rejected");
    // Its last trial ends its child, which only another process can report.
    assert_eq!(*verdict(Failure::DeepDrop, "ownership"), Verdict::Happens);
    assert!(safety.series.iter().any(|series| series.runs_with(Effect::Corrupted) > 0));
}

#[test]
fn the_table_fits_its_width_and_shows_every_failure() {
    let place = tempfile::tempdir().unwrap();
    let text = succeed(place.path(), &["safety", "--seeds", "1", "--collector", "ownership"]);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for words in ["use after", "use before", "deep", "rejected*", "cannot", "happens", "1 test"] {
        assert!(text.contains(words), "'{words}' is missing in: {text}");
    }
}

#[test]
fn a_field_is_explained_by_its_programs_and_its_cases() {
    let place = tempfile::tempdir().unwrap();
    let explain = |what| succeed(place.path(), &["safety", "--seeds", "1", "--explain", what]);
    let text = explain("use after free/manual");
    for words in ["manual: happens", "lru-cache", "binary-trees@regions", "quarantine"] {
        assert!(text.contains(words), "'{words}' is missing in: {text}");
    }
    assert!(!text.contains("ownership"), "{text}");
    let text = explain("use-before-init/ownership");
    for words in ["rejected by the compiler", "let a: Root;", "error[E0381]", "With unsafe"] {
        assert!(text.contains(words), "'{words}' is missing in: {text}");
    }
}

#[test]
fn unknown_names_are_refused_with_those_that_are_known() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (["--explain", "use after lunch"], "use-after-free"),
        (["--explain", "leak/boehm"], "mark-sweep"),
        (["--collector", "boehm"], "there is no collector 'boehm'"),
        (["--seeds", "0"], "1..=1000"),
    ] {
        let output = gcw(place.path(), &[&["safety"][..], &arguments].concat());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(words) && output.stdout.is_empty(), "{arguments:?}: {message}");
    }
}
