//! Runs, reports and duels, over the toy registry of `examples/toy-registry.rs`.

use super::{Place, check_width, check_words, example};
use record::{Mode, Outcome, Run, Sample};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The example whose collectors are toys.
const TOY: &str = "toy-registry";

const SMOKE: [&str; 7] = ["run", "--profile", "smoke", "--workload", "window", "--timeout", "10m"];

/// A finished run, for the tests that only read one: `r` in this place, and its output.
fn finished() -> &'static (Place, Output) {
    static FINISHED: OnceLock<(Place, Output)> = OnceLock::new();
    FINISHED.get_or_init(|| {
        // No test is the last one to use it, so it stays until the next time.
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("finished");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let place = Place { program: example(TOY), directory, _guard: None };
        let output = place.gcw(&[&SMOKE[..], &["--out", "r", "--json"]].concat());
        (place, output)
    })
}

#[test]
fn a_run_leaves_records_a_report_and_a_table() {
    let place = Place::of_example(TOY);
    let text = place.check(0, &["run", "--repeat", "2", "--heap", "1.5x,2x", "-w", "window"]);
    let page = Path::new(text.lines().last().unwrap());
    assert!(place.directory.join(page).is_file(), "the last line is the page: {text}");
    assert!(page.starts_with("runs") && page.to_string_lossy().contains("-quick"), "{page:?}");
    check_width(&text);
    assert!(!text.contains('\u{1b}'), "no colours without a terminal: {text:?}");
    check_words(&text, &["2 collectors x 1 program", "keep", "sweep", "2 blocks", "finished"]);
    let tables = place.check(0, &["show", "-w", "window"]);
    check_words(&tables, &["keep", "unlimited", "sweep", "1.5x", "2 repeats", "█", "MB"]);
    let run = place.read(page.parent().unwrap().parent().unwrap().to_str().unwrap());
    assert!(run.records.iter().all(|r| r.outcome == Outcome::Ok), "{:?}", run.records);
    let count = |mode| run.records.iter().filter(|r| r.cell.mode == mode).count();
    assert_eq!((count(Mode::Time), count(Mode::Memory), count(Mode::Census)), (6, 3, 1));
    assert_eq!(count(Mode::Pauses), 5 * 3);
    assert!(run.manifest.command.contains("--heap 1.5x,2x --repeat 2"), "{:?}", run.manifest);
}

#[test]
fn the_heap_limit_reaches_the_cell() {
    let place = Place::of_example(TOY);
    place.check(0, &[&SMOKE[..], &["--out", "r", "--heap", "1.5x,1MiB"]].concat());
    let limits: Vec<_> = place
        .read("r")
        .records
        .iter()
        .filter(|r| r.cell.mode == Mode::Memory)
        .map(|r| (r.cell.to_string(), r.outcome.word(), r.sample.as_ref()?.heap_limit_bytes).into())
        .collect::<Vec<Option<_>>>();
    assert!(limits.contains(&Some(("sweep/window@1.5x".into(), "ok", Some(98_304)))), "{limits:?}");
    assert!(limits.contains(&Some(("keep/window@unlimited".into(), "ok", None))), "{limits:?}");
    assert!(limits.contains(&None), "keep must run out of memory at 1 MiB: {limits:?}");
}

#[test]
fn the_peak_of_resident_memory_holds_the_heap_committed_beforehand() {
    let cell = ["cell", "--collector", "mark-sweep", "--workload", "gcbench", "--size", "small"];
    let how = ["--heap", "64MiB", "--mode", "time", "--suite", "core"];
    let line = Place::new().check(0, &[&cell[..], &how].concat());
    let sample: Sample = serde_json::from_str(line.trim()).unwrap();
    // The program alone needs a tenth of the heap. The kernel counts pages in batches.
    assert!(sample.peak_rss_bytes >= 60 << 20, "{} bytes", sample.peak_rss_bytes);
}

#[test]
fn failures_are_rows_and_defects_set_the_exit_code() {
    let place = Place::of_example(TOY);
    // Only the endless program reaches the timeout; the others end before it even on a busy machine.
    let base = ["run", "failures", "--profile", "smoke", "--out"];
    let endless = ["endless", "-w", "endless", "--timeout", "1s"];
    let text = place.check(0, &[&base[..], &endless].concat());
    assert!(text.contains("timeout: stopped after 1.0 s"), "{text}");
    let base = ["run", "failures", "--profile", "smoke", "--timeout", "10m", "--out"];
    let text = place.check(0, &[&base[..], &["findings", "-w", "hungry,picky"]].concat());
    check_words(&text, &["OOM: 1024 bytes requested", "n/a: it never frees"]);
    let run = place.read("findings");
    assert!(run.records.iter().any(|r| r.outcome.word() == "OOM" && r.sample.is_some()));
    let defects = [&base[..], &["defects", "-w", "wrong,panic,overflow,silent"]].concat();
    let text = place.check(1, &defects);
    check_words(
        &text,
        &[
            "wrong: expected 0, got 41",
            "crash: panicked: thread 'main'",
            "stack overflow: thread 'main'",
            "crash: expected one JSON line",
        ],
    );
}

#[test]
fn unknown_names_offer_the_nearest() {
    let place = Place::of_example(TOY);
    place.refuse(&["run", "-c", "swep"], &["did you mean 'sweep'?", "gcw list collectors"]);
    place.refuse(&["run", "-w", "windw"], &["did you mean 'window'?", "gcw list workloads"]);
    place.refuse(&["run", "failure"], &["did you mean 'failures'?", "gcw list suites"]);
    place.refuse(&["run", "quick"], &["write --profile quick"]);
    place.refuse(&["run", "-c", "@nix"], &["no set '@nix'", "@headline", "@rust"]);
    place.refuse(&["run", "--reference", "swep"], &["the reference swep is not among", "sweep"]);
    place.refuse(&["duel", "swep/window", "keep/window"], &["did you mean 'sweep'?"]);
    place.refuse(&["duel", "sweep/windw@2x", "keep/window"], &["did you mean 'window'?"]);
    assert!(!place.path("runs").exists(), "a refused run leaves nothing behind");
}

#[test]
fn bad_options_are_usage_errors() {
    let place = Place::of_example(TOY);
    place.refuse(&["run", "--heap", "3"], &["2.5x", "64MiB"]);
    place.refuse(&["run", "--repeat", "0"], &["--repeat"]);
    place.refuse(&["run", "--timeout", "fast"], &["30s"]);
    place.refuse(&["run", "--resume", "r", "--seed", "1"], &["--resume", "--seed"]);
    place.refuse(&["show", "nowhere"], &["nowhere/run.json", "gcw run"]);
    place.refuse(&["report", "nowhere"], &["nowhere/run.json"]);
    place.refuse(&["run", "--resume", "nowhere"], &["nowhere/run.json"]);
}

#[test]
fn a_directory_that_cannot_be_used_is_named_before_anything_is_measured() {
    let place = Place::of_example(TOY);
    fs::write(place.path("file"), "").unwrap();
    place.refuse(&["run", "--out", "file/run"], &["file/run", "--out DIR"]);
    finished().0.refuse(&["run", "--out", "r"], &["already holds a run", "--resume r"]);
}

#[test]
fn a_torn_run_is_resumed_to_its_end() {
    let (place, source) = (Place::of_example(TOY), &finished().0);
    let whole = source.read("r");
    let samples = place.path("r/samples.jsonl");
    fs::create_dir(place.path("r")).unwrap();
    fs::copy(source.path("r/run.json"), place.path("r/run.json")).unwrap();
    let text = fs::read_to_string(source.path("r/samples.jsonl")).unwrap();
    let kept: Vec<&str> = text.lines().take(2).collect();
    fs::write(&samples, format!("{}\n{{\"schema\":1,\"ce", kept.join("\n"))).unwrap();
    place.check(0, &["run", "--resume", "r"]);
    let resumed = place.read("r");
    assert!(resumed.problems.is_empty(), "{:?}", resumed.problems);
    assert_eq!(resumed.records[..2], whole.records[..2]);
    let cells =
        |run: &Run| run.records.iter().map(|r| (r.order, r.cell.clone())).collect::<Vec<_>>();
    assert_eq!(cells(&resumed), cells(&whole));
}

#[test]
fn a_full_disk_ends_the_run_with_whole_lines_and_a_way_on() {
    let place = Place::of_example(TOY);
    // A limit on the size of files stands for the disk: the write that crosses it is cut short.
    let script = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} run -w window --profile smoke --timeout 10m --out r",
        example(TOY).display()
    );
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &script]).current_dir(&place.directory).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    check_words(&message, &["r/samples.jsonl", "File too large", "are kept", "gcw run --resume r"]);
    let text = fs::read_to_string(place.path("r/samples.jsonl")).unwrap();
    assert!(!text.is_empty() && text.ends_with('\n'), "no torn line is left");
    assert!(message.contains(&format!("the {} records before it", text.lines().count())));
    place.check(0, &["run", "--resume", "r"]);
    assert_eq!(place.read("r").records.len(), 2 + 2 + 1 + 5 * 2);
}

#[test]
fn an_interrupt_keeps_the_records_and_prints_the_command_to_continue() {
    let place = Place::of_example(TOY);
    let run = ["run", "failures", "-w", "picky,endless", "--timeout", "1h", "--out", "r"];
    let mut command = place.command(&run);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let samples = place.path("r/samples.jsonl");
    // The first record is there as soon as the plan has begun.
    while !fs::read_to_string(&samples).is_ok_and(|text| text.contains('\n')) {
        assert_eq!(child.try_wait().unwrap(), None, "it has ended without a record");
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("gcw run --resume r"), "{message}");
    let words: Vec<_> = place.read("r").records.iter().map(|r| r.outcome.word()).collect();
    assert!(!words.is_empty() && !words.contains(&"timeout"), "{words:?}");
}

#[test]
fn output_is_plain_and_quiet_without_a_terminal() {
    let (place, output) = finished();
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.lines().all(|line| line.starts_with("warning: this is a debug build")),
        "{stderr}"
    );
    let forced = place.command(&["show", "r"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8_lossy(&forced.stdout).contains("\u{1b}[38;5;"));
    let bare = place.command(&["show", "r"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!String::from_utf8_lossy(&bare.stdout).contains('\u{1b}'));
}

#[test]
fn machine_output_is_json() {
    let (place, output) = finished();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&place.check(0, arguments)).unwrap()
    };
    assert_eq!(run["report"], "r/report/index.html");
    assert_eq!(run["summary"]["rows"].as_array().unwrap().len(), 2);
    let shown = json(&["show", "r", "--json"]);
    assert_eq!(shown["summary"], run["summary"]);
    assert_eq!(shown["manifest"]["profile"], "smoke");
    assert_eq!(json(&["list", "collectors", "--json"])[1]["name"], "sweep");
    assert_eq!(json(&["list", "workloads", "--json"])[0]["peak_live_bytes"], 65_536);
    assert_eq!(json(&["list", "suites", "--json"])[1]["workloads"][0], "wrong");
}

#[test]
fn a_report_is_written_again_from_records() {
    let place = &finished().0;
    assert_eq!(place.check(0, &["report", "r", "--out", "there"]), "there/index.html\n");
    assert!(place.path("there/index.html").is_file());
    let text = place.check(0, &["show", "r"]);
    assert!(text.contains("Reproduce: gcw run toys --workload window --profile smoke"), "{text}");
}

/// Writes a program of a duel; returns its name.
fn script<'n>(place: &Place, name: &'n str, command: &str) -> &'n str {
    let script = place.path(name);
    fs::write(&script, format!("#!/bin/sh\n{command}\n")).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    name
}

#[test]
fn a_duel_finds_the_slower_side_and_controls_itself() {
    let place = Place::of_example(TOY);
    // The programs print fixed times, so the scheduler has no influence.
    let taking = |name, cpu_ns: u64, wall_ns: u64| {
        let times = format!(r#""cpu_ns":{cpu_ns},"wall_ns":{wall_ns},"teardown_cpu_ns":0"#);
        let rest = r#""teardown_wall_ns":0,"page_faults":0,"peak_rss_bytes":0"#;
        let answer = r#""answer":{"got":"1","expected":"1"}"#;
        let sample =
            format!(r#"{{"schema":1,"collector":"c","workload":"w",{answer},{times},{rest}}}"#);
        script(&place, name, &format!("echo '{sample}'"))
    };
    let programs = [taking("slow", 6_000_000, 20_000_000), taking("fast", 2_000_000, 2_500_000)];
    let duel = |blocks| ["duel", programs[0], programs[1], "--blocks", blocks];
    let text = place.check(0, &[&duel("6")[..], &["--json"]].concat());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sides = &value["conclusions"]["contests"][0]["competitors"];
    assert_eq!([&sides[0]["name"], &sides[1]["name"]], ["./slow", "./fast"]);
    for (clock, expected) in [("cpu", 3.0), ("wall", 8.0)] {
        let is = |value: &serde_json::Value, expected: f64| {
            value.as_f64().is_some_and(|value| (value / expected - 1.0).abs() < 1e-9)
        };
        let comparison = &sides[0][clock]["known"];
        let ratio = &comparison["ratio"];
        assert!(["low", "estimate", "high"].iter().all(|of| is(&ratio[of], expected)), "{value}");
        assert_eq!(comparison["verdict"], "slower");
    }
    assert_eq!(value["conclusions"]["sentinel"]["resolution"], 0.0, "a program equals itself");
    let run = place.read(value["run"].as_str().unwrap());
    assert_eq!(run.records.len(), 6 * 3, "every sample is recorded, the control's too");
    let text = place.check(0, &duel("2"));
    assert!(text.contains("No intervals below 6 blocks"), "{text}");
    check_width(&text);
}

#[test]
fn a_duel_takes_collectors_and_any_program_that_prints_a_sample() {
    let place = Place::of_example(TOY);
    let own = "cell --collector keep --workload window --size small --heap 2x --mode time";
    let external = format!("{} {own} --suite toys", example(TOY).display());
    let few = ["--size", "small", "--blocks", "1", "--json"];
    let check = |a, b| {
        let text = place.check(0, &[&["duel", a, b], &few[..]].concat());
        let duel: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sides = &duel["conclusions"]["contests"][0]["competitors"];
        let name = |side: usize| sides[side]["name"].as_str().unwrap().to_owned();
        (name(0), name(1))
    };
    let (a, b) = check("sweep/window@slow@2x", "keep/window@slow");
    assert_eq!((a.as_str(), b.as_str()), ("sweep/window@slow@2x", "keep/window@slow@unlimited"));
    place.refuse(
        &["duel", "sweep/window@slow", "keep/window", "--size", "small"],
        &["did different work", "40960000", "2048000"],
    );
    place.refuse(&["duel", "keep/window", "keep/window"], &["stands on two sides"]);
    check(&external, "sweep/window");
    check(script(&place, "program", &format!("exec {external}")), "sweep/window");
}

#[test]
fn a_duel_ends_where_an_answer_is_wrong() {
    let place = Place::of_example(TOY);
    let output = place.gcw(&["duel", "sweep/wrong", "keep/wrong", "--suite", "failures"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{message}");
    assert!(message.contains("sweep/wrong@2.5x") && message.contains("got 41"), "{message}");
    place.refuse(&["duel", "keep/picky", "sweep/picky", "--suite", "failures"], &["n/a: it never"]);
}

#[test]
fn a_dry_run_prints_the_size_of_the_run_and_leaves_nothing_behind() {
    let place = Place::of_example(TOY);
    let text = place.check(0, &["run", "--dry-run", "-w", "window", "--budget", "5m"]);
    check_words(&text, &["2 collectors x 1 program x 10 blocks", ": 30 timed processes", "5m"]);
    assert!(!place.path("runs").exists());
}

#[test]
fn a_run_again_has_the_same_plan_and_prints_the_spread() {
    let (place, source) = (Place::of_example(TOY), &finished().0);
    let first = source.path("r").display().to_string();
    let text = place.check(0, &["run", "--again", &first, "--out", "again"]);
    check_words(&text, &["Between the sessions: of 1 comparisons 0 are decided in both"]);
    let (first, again) = (source.read("r"), place.read("again"));
    let cells = |run: &Run| {
        let mut cells: Vec<_> = run.records.iter().map(|r| r.cell.to_string()).collect();
        cells.sort();
        cells
    };
    assert_eq!(cells(&first), cells(&again));
}

#[test]
fn every_shell_gets_completions() {
    let place = Place::of_example(TOY);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.check(0, &["completions", shell]);
        assert!(script.contains("resume") && !script.contains("census"), "{shell}: {script}");
    }
}
