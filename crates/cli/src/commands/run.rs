//! `gcw run`: measures a matrix of cells and writes its report.
//!
//! 1. Resolve names and settings, verify the collectors ([`crate::gate`]), and write the plan
//!    (`run.json`) before any measurement.
//! 2. Run the plan, one child process per cell, each recorded as it ends.
//! 3. Read the records back, so that table and report show the data on disk.
//! 4. Print the comparison, write the report; the last line is the path of the page.
//!
//! A resumed run begins at 2 with its recorded plan.

use crate::child::{self, quoted};
use crate::commands::{report, safety};
use crate::failure::{Exit, Failure, warn};
use crate::interrupt::on_ctrl_c;
use crate::parse::{heap, size, size_word, time_limit};
use crate::profile::{Profile, Settings};
use crate::progress::Progress;
use crate::registry::Registry;
use crate::{build, comparison, gate, json, select};
use analysis::{format, summarise};
use record::{HeapSize, Manifest, Record, Run, SCHEMA_VERSION, Size, read_run};
use runner::{Completion, Interrupt, Planned, Store, environment, execute, in_processes, plan};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Suite: a name of `gcw list suites` or a suite file [default: the first of the list].
    suite: Option<String>,
    /// Workloads, with their variants; a trailing * stands for any ending [default: all].
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    workload: Vec<String>,
    /// Collectors, such as rc* or 'mark-sweep|growth-1.5|sizer-*'; a trailing * stands for any ending
    /// [default: all].
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    collector: Vec<String>,
    /// Footprint limits: multiples of the live size (2.5x), amounts (64MiB) or `unlimited`.
    #[arg(long, value_delimiter = ',', value_parser = heap, value_name = "SIZES")]
    heap: Vec<HeapSize>,
    /// Repeats of every time cell, each in its own block; intervals and verdicts need 6.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
    /// Thoroughness: sets size, heap, repeat and timeout unless they are given.
    #[arg(long, default_value = "quick")]
    profile: Profile,
    /// Input size.
    #[arg(long, value_parser = size())]
    size: Option<Size>,
    /// Seed of the order of the cells. A workload's numbers come from the seed of its suite.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Time limit of one cell, such as 30s.
    #[arg(long, value_parser = time_limit, value_name = "TIME")]
    timeout: Option<Duration>,
    /// Directory of the run [default: runs/<date>-<profile>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the run in this directory, with its recorded plan.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "suite", "workload", "collector", "heap", "repeat", "profile", "size", "seed", "timeout",
        "out",
    ])]
    resume: Option<PathBuf>,
    /// Also run collectors that fail the conformance kit, and mark every chart.
    #[arg(long, conflicts_with = "resume")]
    unverified: bool,
    /// Print JSON: the summary, and the paths of the run and its report.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    let clock = Instant::now();
    let json = args.json;
    let interrupt = on_ctrl_c()?;
    let (mut store, manifest, earlier) = match &args.resume {
        Some(directory) => resume(directory, registry, &interrupt)?,
        None => start(&args, registry, &interrupt)?,
    };
    if build::build().profile == "debug" {
        warn(&"this is a debug build, whose times mean nothing; use `cargo run --release -- run`");
    }
    measure(&manifest, &earlier, registry, &mut store, interrupt)?;
    safety::beside_run(store.directory(), &manifest.collectors, registry);
    let run = read_run(store.directory())?;
    if !json {
        comparison::print(&run, &summarise(&run), out)?;
    }
    let report_clock = Instant::now();
    let page = report::write(std::slice::from_ref(&run), &report::directory_in(&run.directory))?;
    if json {
        print_json(&run, &page, out)?;
    } else {
        writeln!(
            out,
            "{}",
            closing(&run.records[earlier.len()..], clock.elapsed(), report_clock.elapsed())
        )?;
        writeln!(out, "{}", page.display())?;
    }
    let defect = run.records.iter().any(|r| r.outcome.is_defect());
    Ok(if defect { Exit::Defect } else { Exit::Fine })
}

/// Resolves and checks a new run, and writes its plan.
fn start(
    args: &Args,
    registry: &Registry,
    interrupt: &Interrupt,
) -> Result<(Store, Manifest, Vec<Record>), Failure> {
    let preset = args.profile.settings();
    let settings = Settings {
        size: args.size.unwrap_or(preset.size),
        repeats: args.repeat.unwrap_or(preset.repeats),
        heaps: if args.heap.is_empty() { preset.heaps } else { args.heap.clone() },
        timeout: args.timeout.unwrap_or(preset.timeout),
        modes: preset.modes,
    };
    let suite = select::suite(registry, args.suite.as_deref())?;
    let workloads = registry.workloads(&suite, settings.size).map_err(Failure::usage)?;
    let collectors = select::collectors(registry, &args.collector)?;
    let workloads = select::workloads(&workloads, &args.workload)?;
    let names: Vec<&str> = collectors.iter().map(|c| c.name.as_str()).collect();
    let tolerated = if args.unverified { &names[..] } else { &[] };
    let unverified = gate::pass(registry, &names, tolerated, interrupt)?;
    let started = SystemTime::now();
    let directory = args.out.clone().unwrap_or_else(|| unused(args.profile, started));
    let manifest = Manifest {
        schema: SCHEMA_VERSION,
        run_id: name_of(&directory),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        command: command_line(args, &suite, &settings),
        seed: args.seed,
        profile: args.profile.name().to_owned(),
        repeats: settings.repeats,
        heaps: settings.heaps,
        modes: settings.modes,
        timeout_ms: u64::try_from(settings.timeout.as_millis()).unwrap_or(u64::MAX),
        unverified,
        collectors,
        workloads,
        suite,
        environment: environment(&build::build()),
    };
    Ok((Store::create(&directory, &manifest)?, manifest, Vec::new()))
}

/// Opens an earlier run, with its records.
fn resume(
    directory: &Path,
    registry: &Registry,
    interrupt: &Interrupt,
) -> Result<(Store, Manifest, Vec<Record>), Failure> {
    let (store, run) = Store::resume(directory)?;
    for problem in &run.problems {
        warn(problem);
    }
    let names: Vec<&str> = run.manifest.collectors.iter().map(|c| c.name.as_str()).collect();
    // A collector that is stamped already may fail again.
    let stamped: Vec<&str> = run.manifest.unverified.iter().map(String::as_str).collect();
    gate::pass(registry, &names, &stamped, interrupt)?;
    let (then, now) = (&run.manifest.environment, environment(&build::build()));
    for (what, then, now) in [
        ("built from commit", &then.commit, &now.commit),
        ("a build of kind", &then.build, &now.build),
        ("measured on", &then.cpu, &now.cpu),
    ] {
        if then != now {
            warn(&format!("the run was {what} {then}, now it is {now}: its records are mixed"));
        }
    }
    Ok((store, run.manifest, run.records))
}

fn measure(
    manifest: &Manifest,
    earlier: &[Record],
    registry: &Registry,
    store: &mut Store,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    let cells = plan(manifest, registry.census(), &|c, w| registry.applies(c, &manifest.suite, w));
    let program = child::program()?;
    let command = |p: &Planned| child::cell(&program, &p.cell, &manifest.suite);
    let mut executor = in_processes(command, Duration::from_millis(manifest.timeout_ms), interrupt);
    let progress = Progress::new(cells.len(), earlier.len());
    let result =
        execute(&cells, earlier, &mut executor, store, &mut |event| progress.follow(event));
    progress.end();
    match result? {
        Completion::Complete => Ok(()),
        Completion::Interrupted => Err(Failure::Interrupted(format!(
            "{} of {} cells are measured and kept; continue with `gcw run --resume {}`",
            store.records(),
            cells.len(),
            quoted(&store.directory().display().to_string())
        ))),
    }
}

fn print_json(run: &Run, page: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let value = serde_json::json!({
        "run": run.directory,
        "report": page,
        "summary": summarise(run),
        "unverified": run.manifest.unverified,
        "problems": comparison::problems(&run.problems),
    });
    json::print(&value, out)
}

/// The number of processes, and their share of the time of this command.
fn closing(measured: &[Record], all: Duration, report: Duration) -> String {
    let ran: Vec<u64> = measured.iter().map(|r| r.process_wall_ns).filter(|&ns| ns > 0).collect();
    let children = ran.iter().sum::<u64>() as f64;
    let (all, report) = (all.as_nanos() as f64, report.as_nanos() as f64);
    format!(
        "{} processes took {}, {:.1} % of {} in all; the report took {}.",
        ran.len(),
        format::duration_ns(children),
        100.0 * children / all,
        format::duration_ns(all),
        format::duration_ns(report)
    )
}

/// `runs/20260131-120000-quick`, with a number if it exists.
fn unused(profile: Profile, started: SystemTime) -> PathBuf {
    let started = humantime::format_rfc3339_seconds(started).to_string();
    let date: String = started.replace('T', "-").replace(['Z', ':'], "");
    let day: String = date.splitn(4, '-').take(3).collect();
    let time = date.rsplit('-').next().unwrap_or_default();
    let name =
        |suffix: String| Path::new("runs").join(format!("{day}-{time}-{}{suffix}", profile.name()));
    (1..)
        .map(|n| name(if n == 1 { String::new() } else { format!("-{n}") }))
        .find(|path| !path.exists())
        .unwrap_or_else(|| name(String::new()))
}

fn name_of(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "run".to_owned())
}

/// The command that reproduces the run, with the values that profiles and defaults supply.
fn command_line(args: &Args, suite: &str, settings: &Settings) -> String {
    let mut words = vec!["gcw".to_owned(), "run".to_owned(), quoted(suite)];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    if !args.workload.is_empty() {
        option("--workload", args.workload.join(","));
    }
    if !args.collector.is_empty() {
        option("--collector", args.collector.join(","));
    }
    let heaps: Vec<String> = settings.heaps.iter().map(ToString::to_string).collect();
    option("--profile", args.profile.name().to_owned());
    option("--size", size_word(settings.size).to_owned());
    option("--heap", heaps.join(","));
    option("--repeat", settings.repeats.to_string());
    option("--timeout", humantime::format_duration(settings.timeout).to_string().replace(' ', ""));
    option("--seed", args.seed.to_string());
    words.join(" ")
}
