//! `gcw safety` end to end: its child processes, its output and its file.

use super::{Place, check_width, check_words};
use record::{Effect, Failure, Safety, Verdict, read_safety};

/// Two disciplines with explicit frees: by the author, and by the compiler.
const FEW: [&str; 5] = ["safety", "--seeds", "1", "--collector", "manual,ownership"];

#[test]
fn the_matrix_is_printed_as_json_and_written() {
    let place = Place::new();
    let text = place.check(0, &[&FEW[..], &["--json", "--out", "r"]].concat());
    let safety: Safety = serde_json::from_str(&text).unwrap();
    assert_eq!(read_safety(&place.path("r")).unwrap().as_ref(), Some(&safety));
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
    let place = Place::new();
    let text = place.check(0, &["safety", "--seeds", "1", "--collector", "ownership"]);
    check_width(&text);
    check_words(
        &text,
        &["use after", "use before", "deep", "rejected*", "cannot", "happens", "1 test"],
    );
}

#[test]
fn a_field_is_explained_by_its_programs_and_its_cases() {
    let place = Place::new();
    let explain = |what| place.check(0, &["safety", "--seeds", "1", "--explain", what]);
    let text = explain("use after free/manual");
    check_words(&text, &["manual: happens", "lru-cache", "binary-trees@regions", "quarantine"]);
    assert!(!text.contains("ownership"), "{text}");
    let text = explain("use-before-init/ownership");
    check_words(
        &text,
        &["rejected by the compiler", "let a: Root;", "error[E0381]", "With unsafe"],
    );
}

#[test]
fn unknown_names_are_refused_with_those_that_are_known() {
    let place = Place::new();
    for (arguments, words) in [
        (["--explain", "use after lunch"], "use-after-free"),
        (["--explain", "leak/boehm"], "mark-sweep"),
        (["--collector", "boehm"], "there is no collector 'boehm'"),
        (["--seeds", "0"], "1..=1000"),
    ] {
        place.refuse(&[&["safety"][..], &arguments].concat(), &[words]);
    }
}
