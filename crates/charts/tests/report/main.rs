//! The report as written to disk, over a run with every possible outcome.

mod safety;
mod synthetic;

use charts::{ReportPaths, write_report};
use record::{HeapSize, LineProblem, Mode, Pause, PauseKind, Run, WorkloadInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

const ONE_HEAP: [HeapSize; 1] = [HeapSize::LiveMultiple(2.5)];

/// A report over ten repeats, written once for all tests that only read it.
fn written() -> &'static (TempDir, ReportPaths) {
    static WRITTEN: OnceLock<(TempDir, ReportPaths)> = OnceLock::new();
    WRITTEN.get_or_init(|| report(&[synthetic::run(10, &ONE_HEAP)]))
}

fn report(runs: &[Run]) -> (TempDir, ReportPaths) {
    let directory = TempDir::new().unwrap();
    let paths = write_report(runs, directory.path()).unwrap();
    (directory, paths)
}

fn page_of(run: Run) -> String {
    read(&report(&[run]).1.page)
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn svg(stem: &str) -> String {
    read(&written().0.path().join("charts").join(format!("{stem}.svg")))
}

/// A run of one workload, to keep tests that write their own report quick.
fn small(repeats: u32) -> Run {
    let mut run = synthetic::run(repeats, &ONE_HEAP);
    run.manifest.workloads.truncate(1);
    let only = run.manifest.workloads[0].name.clone();
    run.records.retain(|r| r.cell.workload == only);
    run
}

#[test]
fn every_chart_is_there_twice_and_none_is_empty() {
    let (_, paths) = written();
    // Two overviews; per workload six charts of the scene and the scatter plot.
    assert_eq!(paths.charts.len(), 2 + 4 * 7);
    let names: BTreeSet<&PathBuf> = paths.charts.iter().map(|c| &c.svg).collect();
    assert_eq!(names.len(), paths.charts.len());
    for chart in &paths.charts {
        let png = fs::read(&chart.png).unwrap();
        assert_eq!(&png[1..4], b"PNG");
        let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert_eq!(width, 2 * 760, "two pixels per pixel of the layout");
        assert!(png.len() > 10_000, "{} is almost empty", chart.png.display());
        let svg = read(&chart.svg);
        assert!(svg.contains("<desc"), "{} lacks its description", chart.svg.display());
    }
}

#[test]
fn the_structure_of_an_overview() {
    let outline: Vec<String> = svg("overview-memory")
        .lines()
        .filter_map(|line| {
            let text = line.split_once("<text").map(|(_, rest)| rest.split(['>', '<']).nth(1));
            let title = || line.split_once("<title>").map(|(_, rest)| rest.split('<').next());
            text.or_else(title)?.map(str::to_owned)
        })
        .collect();
    insta::assert_snapshot!(outline.join("\n"));
}

#[test]
fn failures_are_hatched_and_named_and_never_a_gap() {
    for overview in ["overview-time", "overview-memory"] {
        let svg = svg(overview);
        for word in ["OOM", "timeout", "wrong", "crash", "n/a", "stack", "overflow"] {
            assert!(svg.contains(&format!(">{word}</text>")), "{overview} lacks {word}");
        }
        // Eight heads and 4 x 8 cells; the chart's own title carries an id.
        assert_eq!(svg.matches("<title>").count(), 8 + 32);
        assert!(svg.contains("n/a: the program has no regions"));
    }
    assert!(svg("gcbench-time").contains(">stack overflow</text>"));
    assert!(svg("gcbench-memory").contains("rc-weak: stack overflow"));
}

#[test]
fn a_collector_keeps_its_colour_in_every_chart() {
    let manifest = synthetic::run(1, &ONE_HEAP).manifest;
    // Colours of leaders, CPU bars and the hatching of failures: of no collector.
    let neutral = ["#b4bcc5", "#cbd1d8", "#1f2328", "#f4f5f7", "#a3abb4", "#ffffff"];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for chart in &written().1.charts {
        // The overview's cells have the colour of their ratio.
        if chart.svg.file_name().unwrap().to_str().unwrap().starts_with("overview") {
            continue;
        }
        let svg = read(&chart.svg);
        for group in svg.split("<g class=\"series\"").skip(1) {
            let body = group.split("</g>").next().unwrap();
            let name = body.split("data-collector=\"").nth(1).unwrap().split('"').next().unwrap();
            let info = manifest.collectors.iter().find(|c| c.name == name).unwrap();
            let shapes = body.lines().filter(|line| !line.starts_with("<text"));
            let colours = shapes
                .flat_map(|line| line.split("=\"#").skip(1))
                .filter(|rest| !rest.starts_with('p'))
                .map(|rest| format!("#{}", &rest[..6]));
            for colour in colours.filter(|c| !neutral.contains(&c.as_str())) {
                let expected = info.colour.light.to_lowercase();
                assert_eq!(colour, expected, "{name} in {}", chart.svg.display());
                *seen.entry(info.name.as_str()).or_default() += 1;
            }
        }
    }
    assert!(manifest.collectors.iter().all(|c| seen[c.name.as_str()] > 10), "{seen:?}");
}

#[test]
fn percentiles_end_where_fewer_than_ten_pauses_lie_beyond() {
    let svg = svg("gcbench-percentiles");
    let said = |name: &str| {
        let marker = format!("<title>{name}: ");
        svg.split(&marker).nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    // 10 x 40 pauses support the 90th percentile but not the 99th.
    let region = said("region");
    assert!(region.starts_with("400 pauses") && region.contains("90 % below"), "{region}");
    assert!(!region.contains("99 %"), "{region}");
    // 10 x 3000 support 99.9 but not 99.99.
    let rc = said("rc");
    assert!(rc.contains("99.9 % below") && !rc.contains("99.99 %"), "{rc}");
    assert!(svg.contains("n = 400"), "the maximum is printed with its n");
    assert!(svg.contains("No pause recorded: no-gc."));

    let mut few = small(1);
    for sample in few.records.iter_mut().filter_map(|r| r.sample.as_mut()) {
        sample.pauses.truncate(3);
        sample.pause_histogram.clear();
    }
    let page = page_of(few);
    assert!(page.contains("3 pauses, too few for percentiles, longest"));
}

#[test]
fn intervals_are_drawn_from_six_repeats_on_only() {
    const BAR: &str = "stroke-width=\"2.5\"";
    let ten = svg("gcbench-time");
    assert!(ten.contains(", interval ") && ten.contains(BAR));

    let (directory, paths) = report(&[small(3)]);
    let three = read(&directory.path().join("charts/gcbench-time.svg"));
    assert!(!three.contains(", interval ") && !three.contains(BAR));
    assert!(three.contains("median ") && three.contains("n = 3"));
    assert!(read(&paths.page).contains("Only 3 repeats of some time cells"));
}

#[test]
fn the_page_is_one_offline_file() {
    let page = read(&written().1.page);
    for foreign in ["http://", "https://", "src=", "@import", "url(", "<link", "<iframe", "fetch("]
    {
        assert!(!page.contains(foreign), "the page refers to something outside: {foreign}");
    }
    assert_eq!(page.matches("<script>").count(), 1, "records must not bring their own script");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for file in &written().1.charts {
        let svg = read(&file.svg).replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!svg.contains("http"), "{}", file.svg.display());
    }
}

#[test]
fn the_page_has_its_parts_in_order_and_its_links_have_targets() {
    let page = read(&written().1.page);
    let chapters = ["Summary", "gcbench", "lru-cache", "Definitions"].map(|h| format!("<h2>{h}"));
    let parts = ["Setup and validity"].into_iter().chain(chapters.iter().map(String::as_str));
    let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("no {part}"));
    let places: Vec<usize> = parts.chain(["Reproduce"]).map(place).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.contains("gcw run first-light --repeat 10 --heap 2.5x --seed 1"));
    let mut ids = BTreeSet::new();
    let values = |attribute: &str| -> Vec<&str> {
        page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    };
    for id in values(" id=\"") {
        assert!(ids.insert(id), "two elements are called {id}");
    }
    for target in values("href=\"#") {
        assert!(ids.contains(target), "nothing is called {target}");
    }
    for label in values("aria-labelledby=\"") {
        assert!(label.split(' ').all(|id| ids.contains(id)), "{label}");
    }
}

#[test]
fn series_can_be_hidden_and_tables_sorted() {
    let page = read(&written().1.page);
    for name in ["no-gc", "rc|count-loads", "mark-sweep"] {
        let chip = format!("class=\"chip\" aria-pressed=\"true\" data-collector=\"{name}\"");
        assert!(page.contains(&chip));
        let series = format!("<g class=\"series\" data-collector=\"{name}\">");
        assert!(page.matches(&series).count() > 20, "{name}");
        assert!(page.contains(&format!("<tr data-collector=\"{name}\">")));
    }
    assert!(page.contains("aria-sort=\"none\"") && page.contains("data-value=\""));
    assert!(page.contains("class=\"best\""));
}

#[test]
fn dark_pages_recolour_every_series() {
    let page = read(&written().1.page);
    assert!(page.contains("svg.chart [stroke=\"#0072b2\"]{stroke:#4da3e0}"));
    assert!(page.contains("svg.chart [fill=\"#ffffff\"]"));
    assert!(svg("gcbench-time").contains("prefers-color-scheme:dark"));
}

#[test]
fn several_heap_sizes_get_scenes_of_their_own() {
    let mut run = synthetic::run(3, &[HeapSize::LiveMultiple(1.5), HeapSize::LiveMultiple(3.0)]);
    run.manifest.workloads.truncate(1);
    let (directory, paths) = report(&[run]);
    assert_eq!(paths.charts.len(), 2 + 1 + 2 * 6);
    let page = read(&paths.page);
    assert_eq!(page.matches("<details").count(), 2);
    assert_eq!(page.matches("<details open>").count(), 1);
    let scatter = read(&directory.path().join("charts/gcbench-memory-against-time.svg"));
    for label in ["mark-sweep 1.5x", "mark-sweep 3x"] {
        assert!(scatter.contains(&format!(">{label}</text>")));
    }
    assert_eq!(scatter.matches(">rc</text>").count(), 1, "an unlimited collector has one dot");
}

#[test]
fn several_runs_stand_one_after_the_other() {
    let mut second = small(3);
    second.manifest.run_id = "another".to_owned();
    let (directory, paths) = report(&[small(3), second]);
    let page = read(&paths.page);
    assert!(page.contains("Run synthetic-3") && page.contains("Run another"));
    assert!(directory.path().join("charts/another-gcbench-time.png").exists());
    let rows = read(&paths.cells).lines().count();
    assert_eq!(rows, 1 + 2 * small(3).records.len());
}

#[test]
fn problems_of_a_run_come_first() {
    let mut run = small(10);
    run.problems.push(LineProblem {
        file: "samples.jsonl".into(),
        line: 7,
        what: "expected a record".to_owned(),
    });
    run.manifest.environment.build = "debug".to_owned();
    run.manifest.environment.load_before = 3.5;
    if let Some(sample) = &mut run.records[1].sample {
        sample.accounting_errors = 2;
    }
    let page = page_of(run);
    for text in [
        "samples.jsonl:7: expected a record",
        "This is a debug build",
        "The machine was busy",
        "The footprint was not the sum of its parts: no-gc on gcbench: 2 samples",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let first_good = page.find("class=\"good\"").unwrap();
    assert!(page.rfind("class=\"problem\"").unwrap() < first_good);
}

#[test]
fn the_tables_say_why_a_number_is_missing() {
    let summary = read(&written().1.summary);
    assert!(summary.contains("| rc\\|count-loads |"));
    assert!(summary.contains("region: n/a: the program has no regions"));
    assert!(summary.contains("manual: wrong: expected hits 812344"));
    let cells = read(&written().1.cells);
    let columns = cells.lines().next().unwrap().split(',').count();
    let failed = cells.lines().find(|l| l.contains(",region,") && l.contains("n/a")).unwrap();
    assert_eq!(failed.split(',').count(), columns);
    assert!(failed.ends_with(",,,"), "unknown is empty, not 0: {failed}");
    let pauses = read(&written().1.pauses);
    let counted = |row: &str| row.rsplit(',').next().unwrap().parse::<u64>().unwrap();
    let of_rc = |row: &&str| row.contains(",gcbench,rc,unlimited,time,0,");
    assert_eq!(pauses.lines().filter(of_rc).map(counted).sum::<u64>(), 3000);
}

#[test]
fn a_run_without_records_still_makes_a_page() {
    let mut run = small(3);
    run.records.clear();
    let page = page_of(run);
    assert!(page.contains("No cell of this workload was run."));
    assert!(page.contains("Not run: no-gc on gcbench"));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("taken");
    fs::write(&file, "a file, not a directory").unwrap();
    let error = format!("{:#}", write_report(&[small(1)], &file).unwrap_err());
    assert!(error.contains("cannot create the report directory"), "{error}");
    assert!(error.contains("taken"), "{error}");
    let error = write_report(&[], directory.path()).unwrap_err().to_string();
    assert!(error.contains("no run to report on"), "{error}");
}

/// One workload at two numbers of live objects, in time mode; each collection takes 20 ns per object, or
/// 40 for the larger number.
fn growing() -> Run {
    let mut run = small(3);
    let (workload, records) = (run.manifest.workloads[0].clone(), std::mem::take(&mut run.records));
    run.manifest.modes = vec![Mode::Time];
    run.manifest.workloads.clear();
    for (end, live_objects, cost) in [("1M", 1_000_000, 20), ("10M", 10_000_000, 40)] {
        let name = format!("tree-{end}");
        let parameters = [("live_objects".to_owned(), live_objects)].into();
        run.manifest.workloads.push(WorkloadInfo {
            name: name.clone(),
            parameters,
            ..workload.clone()
        });
        for mut record in records.iter().filter(|r| r.cell.mode == Mode::Time).cloned() {
            record.cell.workload = name.clone();
            if let Some(sample) = &mut record.sample {
                sample.phases = vec![("collect".to_owned(), 5)];
                let cpu_ns = Some(live_objects * cost);
                sample.pauses =
                    vec![Pause { start_ns: 5, wall_ns: 1, cpu_ns, kind: PauseKind::Stw }];
                sample.queue_peak_bytes = (sample.collector == "mark-sweep").then_some(4096);
            }
            run.records.push(record);
        }
    }
    run
}

#[test]
fn a_program_at_several_sizes_shows_how_its_costs_grow() {
    let (directory, paths) = report(&[growing()]);
    let chart = |kind: &str| read(&directory.path().join(format!("charts/tree-{kind}.svg")));
    let times = chart("time-per-object");
    let described = "mark-sweep: 20.0 ns at 1\u{202F}000\u{202F}000, 40.0 ns at 10\u{202F}000\u{202F}000, largest over smallest 2.00";
    assert!(times.replace('\u{a0}', "\u{202F}").contains(described), "{times}");
    let queues = chart("queues");
    assert!(queues.contains("mark-sweep: 4.10 kB at"), "{queues}");
    assert!(queues.contains("no-gc: n/a (no queue"), "{queues}");
    let page = read(&paths.page);
    assert!(page.contains("Scaling with live objects"));
    let has = |kind: &str| paths.charts.iter().any(|c| c.svg.to_string_lossy().ends_with(kind));
    assert!(has("tree-1M-time.svg") && !has("tree-1M-footprint.svg"), "memory was not measured");
    assert!(!read(&written().1.page).contains("Scaling with live objects"));
}
