//! `gcw verify` and the gate of `gcw run`, over the collectors of `examples/broken-collectors.rs`: each
//! fails with its name, its seed and a short program, within its limits, and the tool continues.

use record::read_run;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A program in a directory of its own, which also holds its cache.
struct Place {
    directory: TempDir,
    program: PathBuf,
}

impl Place {
    /// Over the broken collectors, which cargo builds with the tests.
    fn broken() -> Self {
        let directory = Path::new(env!("CARGO_BIN_EXE_gcw")).parent().unwrap().join("examples");
        let program = directory.join("broken-collectors");
        assert!(program.is_file(), "run `cargo build -p gcw --examples` first");
        Self { directory: tempfile::tempdir().unwrap(), program }
    }

    /// Over the collectors of the workbench.
    fn built_in() -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_gcw"));
        Self { directory: tempfile::tempdir().unwrap(), program }
    }

    fn gcw(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        let command = command.args(arguments).current_dir(self.directory.path());
        let command = command.env("XDG_CACHE_HOME", self.directory.path().join("cache"));
        command.env_remove("CLICOLOR_FORCE").output().unwrap()
    }

    /// Runs, checks the exit code, returns both outputs.
    fn check(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.gcw(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn every_fault_of_a_collector_is_a_failure_with_a_short_program() {
    let place = Place::broken();
    let verify = |names: &[&str], timeout: &str| -> Vec<Value> {
        let limits = ["--timeout", timeout, "--memory-mib", "150"];
        let arguments = ["verify", "--seeds", "6", "--ops", "60", "--json"];
        let (text, _) = place.check(1, &[&arguments[..], &limits[..], names].concat());
        let value: Value = serde_json::from_str(&text).unwrap();
        value["programs"].as_array().unwrap().clone()
    };
    // Only what never ends waits for its limit; the rest ends in time on a busy machine, too.
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
    let place = Place::broken();
    let (text, _) = place.check(1, &["verify", "panics", "chatty", "--seeds", "6", "--ops", "60"]);
    for words in [
        "chatty",
        "ok",
        "FAILED by run",
        "#[test]\nfn panics_run()",
        "ops: vec![",
        "replay::<broken_collectors::Broken<2>>(&program)",
    ] {
        assert!(text.contains(words), "'{words}' is missing in: {text}");
    }
    place.check(0, &["verify", "cha*", "--seeds", "2", "--ops", "20"]);
    let (_, error) = place.check(2, &["verify", "chaty"]);
    assert!(error.contains("did you mean 'chatty'?"), "{error}");
}

#[test]
fn a_collector_that_fails_is_not_measured_unless_it_is_stamped() {
    let place = Place::broken();
    let run = ["run", "-c", "panics,chatty", "--profile", "smoke", "-w", "message-window"];
    let run = [&run[..], &["--timeout", "10m"]].concat();
    let (_, error) = place.check(1, &[&run[..], &["--out", "r"]].concat());
    for words in ["refused: panics failed", "--unverified", "gcw verify panics`", "panics_run()"] {
        assert!(error.contains(words), "'{words}' is missing in: {error}");
    }
    assert!(!place.path("r").exists(), "nothing was measured");
    let cache = fs::read_to_string(place.path("cache/gcw/verified.json")).unwrap();
    assert!(cache.contains("chatty") && !cache.contains("panics"), "{cache}");

    let (text, error) = place.check(0, &[&run[..], &["--out", "r", "--unverified"]].concat());
    assert!(error.contains("panics fails the conformance kit"), "{error}");
    let stamp = "UNVERIFIED: panics failed the conformance kit";
    assert!(text.contains(stamp), "{text}");
    assert_eq!(read_run(&place.path("r")).unwrap().manifest.unverified, ["panics"]);
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
    let (text, _) = place.check(0, &["run", "--resume", "r"]);
    assert!(text.contains(stamp), "{text}");
}

#[test]
fn a_duel_has_the_same_gate() {
    let place = Place::broken();
    let duel = ["duel", "panics/message-window", "chatty/message-window", "--blocks", "1"];
    let duel = [&duel[..], &["--size", "small", "--no-control"]].concat();
    let (_, error) = place.check(1, &duel);
    assert!(error.contains("refused: panics failed"), "{error}");
    let (text, _) = place.check(0, &[&duel[..], &["--unverified"]].concat());
    assert!(text.contains("UNVERIFIED: panics"), "{text}");
}

#[test]
fn workloads_run_under_stress() {
    let place = Place::broken();
    let arguments = [
        "verify",
        "chatty",
        "overlaps",
        "--seeds",
        "0",
        "--workloads=mess*,lru*",
        "--timeout=10m",
        "--json",
    ];
    let (text, _) = place.check(1, &arguments);
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
    let output = Place::built_in().gcw(&[&arguments, collectors].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Bugs that should be found and are not, or are found and are listed as equivalent.
fn wrong(value: &Value) -> impl Iterator<Item = &Value> {
    let mutants = value["mutants"].as_array().into_iter().flatten();
    mutants.filter(|mutant| mutant["killed_by"].is_null() == mutant["equivalent"].is_null())
}
