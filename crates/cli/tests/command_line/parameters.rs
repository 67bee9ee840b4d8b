//! Collectors with parameters from end to end: named, listed, refused, measured, verified.

use super::{Place, check_width, check_words};
use record::{Mode, Run, Sample, read_run};
use std::collections::BTreeSet;
use std::path::Path;

fn sample<'a>(run: &'a Run, collector: &str) -> &'a Sample {
    let mut records = run.records.iter().filter(|r| r.cell.mode == Mode::Time);
    let record = records.find(|r| r.cell.collector == collector);
    record.and_then(|r| r.sample.as_ref()).unwrap_or_else(|| panic!("{collector} has a sample"))
}

#[test]
fn sizing_policies_run_side_by_side_and_record_their_triggers() {
    let place = Place::new();
    let selection = "rc,mark-sweep|sizer-*,mark-sweep|prefetch-0|growth-1.2";
    let run = ["run", "--profile", "smoke", "--timeout", "10m", "-w", "gcbench"];
    let options = ["-c", selection, "--heap", "3x", "--out", "run"];
    let shown = place.check(0, &[&run[..], &options].concat());
    assert!(shown.contains("mark-sweep|sizer-membalancer "), "{shown}");
    assert!(shown.contains("mark-sweep|sizer-fixed "), "{shown}");
    check_width(&shown);
    let run = place.read("run");
    let names: Vec<&str> = run.manifest.collectors.iter().map(|c| c.name.as_str()).collect();
    let expected = [
        "rc",
        "mark-sweep|sizer-fixed",
        "mark-sweep|sizer-proportional",
        "mark-sweep|sizer-membalancer",
        "mark-sweep|prefetch-0|growth-1.2",
    ];
    assert_eq!(names, expected);
    let looks = run.manifest.collectors.iter().map(|c| (&c.colour.light, format!("{:?}", c.line)));
    assert_eq!(looks.collect::<BTreeSet<_>>().len(), expected.len(), "each has a look of its own");

    let count = |collector, trigger: &str| {
        let counts = sample(&run, collector).collections.as_ref().expect("it is recorded");
        counts.get(trigger).copied().unwrap_or(0)
    };
    assert!(count(expected[1], "exhausted") > 0 && count(expected[1], "growth") == 0);
    assert!(count(expected[4], "growth") > count(expected[2], "growth"), "a smaller factor");
    assert_eq!(sample(&run, expected[1]).threads, Some(1));
    assert_eq!(sample(&run, "rc").collections, None, "counting does not collect");
    let peak = |collector| sample(&run, collector).peak_footprint_bytes;
    assert!(peak(expected[4]) < peak(expected[1]), "it saves memory");
}

#[test]
fn huge_pages_are_counted_or_not_applicable() {
    let place = Place::new();
    let run = ["run", "--profile", "smoke", "--timeout", "10m", "-w", "gcbench"];
    let options = ["-c", "mark-sweep|pages-*", "--heap", "64MiB", "--out", "run"];
    place.check(0, &[&run[..], &options].concat());
    let run = place.read("run");
    assert_eq!(sample(&run, "mark-sweep|pages-small").huge_page_bytes, None);
    let mut huge = run.records.iter().filter(|r| r.cell.collector == "mark-sweep|pages-huge");
    match heap::os::huge_pages() {
        Ok(()) => {
            let bytes = sample(&run, "mark-sweep|pages-huge").huge_page_bytes;
            assert!(bytes.is_some_and(|bytes| bytes >= 2 << 20), "{bytes:?}");
        }
        Err(_) => assert!(huge.all(|r| r.outcome.word() == "n/a")),
    }
}

#[test]
fn a_collector_with_parameters_is_verified_under_its_own_name() {
    let place = Place::new();
    let verified = place.check(0, &["verify", "mark-sweep|growth-1.50|prefetch-0", "--seeds", "3"]);
    assert!(verified.contains("mark-sweep|prefetch-0|growth-1.5"), "{verified}");
}

#[test]
fn parameters_are_listed_and_wrong_ones_are_refused() {
    let place = Place::new();
    let list = place.check(0, &["list", "collectors", "--params"]);
    check_words(&list, &["mark-sweep", "prefetch", "a number from 1.1 to 16", "membalancer"]);
    check_words(&list, &["every collector", "pages"]);
    assert!(!list.contains("no-gc"), "it has none");
    let json = place.check(0, &["list", "collectors", "--params", "--json"]);
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(json.iter().any(|p| p["key"] == "growth" && p["default"] == "2"));
    for (arguments, word) in [
        (vec!["run", "-c", "mark-sweep|growth-0.5"], "did you mean 'mark-sweep|growth-1.1'?"),
        (vec!["verify", "mark-sweep|sizr-fixed"], "did you mean 'sizer'?"),
        (vec!["safety", "-c", "rc|growth-2"], "rc has no parameters"),
        (vec!["duel", "mark-sweep|sizer-*/gcbench", "rc/gcbench"], "one collector"),
        (vec!["list", "workloads", "--params"], "only collectors have parameters"),
    ] {
        place.refuse(&arguments, &[word]);
    }
}

#[test]
fn the_recorded_example_loads_and_does_not_know_its_collections() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/example");
    let run = read_run(&example).unwrap();
    assert!(run.problems.is_empty() && !run.records.is_empty());
    let samples = run.records.iter().filter_map(|r| r.sample.as_ref());
    let known = samples.filter(|s| s.collections.as_ref().is_some_and(|counts| counts.is_empty()));
    assert_eq!(known.count(), 0, "an unrecorded value is not 0");
}
