//! `gcw verify` and the gate of `gcw run`, over the collectors of `examples/broken-collectors.rs`: each
//! fails with its name, its seed and a short program, within its limits, and the tool continues.

use super::{Place, check_words};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn broken() -> Place {
    Place::of_example("broken-collectors")
}

#[test]
fn every_fault_of_a_collector_is_a_failure_with_a_short_program() {
    let place = broken();
    let verify = |names: &[&str], timeout: &str| -> Vec<Value> {
        let limits = ["--timeout", timeout, "--memory-mib", "150"];
        let arguments = ["verify", "--seeds", "6", "--ops", "60", "--json"];
        let text = place.check(1, &[&arguments[..], &limits[..], names].concat());
        let value: Value = serde_json::from_str(&text).unwrap();
        value["programs"].as_array().unwrap().clone()
    };
    // Only `hangs` waits for its limit; the others end before theirs, even on a busy machine.
    let others = ["chatty", "panics", "overflows", "overlaps", "hoards", "gulps"];
    let all = [verify(&others, "10m"), verify(&["hangs"], "20s")].concat();
    let found = |name: &str| all.iter().find(|entry| entry["collector"] == name).unwrap().clone();
    let chatty = found("chatty");
    assert_eq!((&chatty["failure"], &chatty["programs"]), (&Value::Null, &Value::from(6)));
    for (name, words, detector) in [
        ("hangs", "hangs: no end within 4s", "run"),
        ("panics", "the collector is broken (crates/cli/examples/broken-collectors.rs:", "run"),
        ("overflows", "stack overflow", "run"),
        ("overlaps", "a new object", "verifier"),
        ("hoards", "takes too much memory", "run"),
        ("gulps", "takes too much memory", "run"),
    ] {
        let failure = &found(name)["failure"];
        assert_eq!(failure["collector"], name);
        assert!(failure["message"].as_str().unwrap().contains(words), "{failure}");
        assert_eq!(failure["detector"], detector, "{failure}");
        assert!(failure["seed"].as_u64().unwrap() < 6, "{failure}");
        let ops = failure["program"]["ops"].as_array().unwrap().len();
        assert!((1..=5).contains(&ops), "{name}: {ops} operations are left: {failure}");
        assert!(failure["drawn_ops"].as_u64().unwrap() >= 60, "{failure}");
    }
}

#[test]
fn a_failure_is_printed_as_a_test_to_be_pasted() {
    let place = broken();
    let text = place.check(1, &["verify", "panics", "chatty", "--seeds", "6", "--ops", "60"]);
    check_words(
        &text,
        &[
            "chatty",
            "ok",
            "FAILED by run",
            "#[test]\nfn panics_run()",
            "ops: vec![",
            "replay::<broken_collectors::Broken<2>>(&program)",
        ],
    );
    place.check(0, &["verify", "cha*", "--seeds", "2", "--ops", "20"]);
    place.refuse(&["verify", "chaty"], &["did you mean 'chatty'?"]);
}

#[test]
fn a_collector_that_fails_is_not_measured_unless_it_is_stamped() {
    let place = broken();
    let run = ["run", "-c", "panics,chatty", "--profile", "smoke", "-w", "message-window"];
    let run = [&run[..], &["--timeout", "10m"]].concat();
    let (_, error) = place.check_both(1, &[&run[..], &["--out", "r"]].concat());
    check_words(
        &error,
        &["refused: panics failed", "--unverified", "gcw verify panics`", "panics_run()"],
    );
    assert!(!place.path("r").exists(), "nothing was measured");
    let cache = fs::read_to_string(place.path("cache/gcw/verified.json")).unwrap();
    assert!(cache.contains("chatty") && !cache.contains("panics"), "{cache}");

    let (text, error) = place.check_both(0, &[&run[..], &["--out", "r", "--unverified"]].concat());
    assert!(error.contains("panics fails the conformance kit"), "{error}");
    let stamp = "UNVERIFIED: panics failed the conformance kit";
    assert!(text.contains(stamp), "{text}");
    assert_eq!(place.read("r").manifest.unverified, ["panics"]);
    for file in ["index.html", "summary.md"] {
        let text = fs::read_to_string(place.path("r/report").join(file)).unwrap();
        assert!(text.contains(stamp), "{file} has no stamp");
    }
    let charts = fs::read_dir(place.path("r/report/charts")).unwrap();
    let charts: Vec<PathBuf> = charts.map(|entry| entry.unwrap().path()).collect();
    let is_picture = |path: &&PathBuf| path.extension().is_some_and(|e| e == "svg");
    let pictures: Vec<&PathBuf> = charts.iter().filter(is_picture).collect();
    assert!(pictures.len() >= 9, "{charts:?}");
    for picture in pictures {
        assert!(fs::read_to_string(picture).unwrap().contains("UNVERIFIED"), "{picture:?}");
    }
    // A stamped run may be resumed, and stays stamped.
    let text = place.check(0, &["run", "--resume", "r"]);
    assert!(text.contains(stamp), "{text}");
}

#[test]
fn a_duel_has_the_same_gate() {
    let place = broken();
    let duel = ["duel", "panics/message-window", "chatty/message-window", "--blocks", "1"];
    let duel = [&duel[..], &["--size", "small", "--no-control"]].concat();
    let (_, error) = place.check_both(1, &duel);
    assert!(error.contains("refused: panics failed"), "{error}");
    let text = place.check(0, &[&duel[..], &["--unverified"]].concat());
    assert!(text.contains("UNVERIFIED: panics"), "{text}");
}

#[test]
fn workloads_run_under_stress() {
    let place = broken();
    let arguments = ["verify", "chatty", "overlaps", "--seeds", "0", "--timeout=10m", "--json"];
    let text = place.check(1, &[&arguments[..], &["--workloads=mess*,lru*"]].concat());
    let value: Value = serde_json::from_str(&text).unwrap();
    let stressed = value["workloads"].as_array().unwrap();
    assert_eq!(stressed.len(), 4, "{text}");
    for entry in stressed {
        let is_ok = entry["outcome"]["status"] == "ok";
        assert_eq!(is_ok, entry["collector"] == "chatty", "{entry}");
        assert!(entry["collect_every"].as_u64().unwrap() > 1, "{entry}");
    }
}

#[test]
fn every_known_bug_is_found() {
    let value = kills("40", &[]);
    assert!(value["mutants"].as_array().unwrap().len() >= 25, "{value}");
    assert_eq!(value["unreached"], Value::Array(Vec::new()));
    // Some need a store at one moment of a concurrent cycle: they get more programs.
    let rare: BTreeSet<String> =
        wrong(&value).map(|m| m["collector"].as_str().unwrap().to_owned()).collect();
    for collector in rare {
        let value = kills("160", &[&collector]);
        assert_eq!(wrong(&value).collect::<Vec<_>>(), Vec::<&Value>::new());
    }
}

/// The known bugs of these collectors, each run with `seeds` programs.
fn kills(seeds: &str, collectors: &[&str]) -> Value {
    let arguments = ["verify", "--mutants", "--kills-only", "--json", "--seeds", seeds];
    let output = Place::new().gcw(&[&arguments, collectors].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Bugs that should be found and are not, or are found and are listed as equivalent.
fn wrong(value: &Value) -> impl Iterator<Item = &Value> {
    let mutants = value["mutants"].as_array().into_iter().flatten();
    mutants.filter(|mutant| mutant["killed_by"].is_null() == mutant["equivalent"].is_null())
}
