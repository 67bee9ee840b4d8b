//! `gcw run`: measures a matrix of collectors and workloads, and concludes.
//!
//! 1. Resolve names and settings, and verify the collectors ([`crate::gate`]).
//! 2. Measure ([`crate::experiment`]).
//! 3. Print the conclusions, write the report; the last line is the path of the page.

use crate::child::quoted;
use crate::commands::{report, safety};
use crate::experiment::{self, Experiment};
use crate::failure::{Exit, Failure};
use crate::interrupt::on_ctrl_c;
use crate::parse::{heap, size, size_word, time_limit};
use crate::profile::{Profile, Settings};
use crate::registry::Registry;
use crate::{build, conclusion, gate, json, select, sets};
use analysis::{format, summarise};
use record::{HeapSize, Manifest, Record, Run, SCHEMA_VERSION, Size, read_run};
use runner::{Interrupt, environment};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Suite: a name of `gcw list suites` or a suite file [default: the first of the list].
    suite: Option<String>,
    /// Workloads, with their variants; a trailing * stands for any ending [default: six of the suite].
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    workload: Vec<String>,
    /// Collectors, such as rc* or 'mark-sweep|growth-1.5|sizer-*', or sets: @headline, @rust, @tracing,
    /// @counting, @all [default: @headline].
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    collector: Vec<String>,
    /// All collectors and all workloads of the suite, where none are named.
    #[arg(long)]
    all: bool,
    /// Footprint limits: multiples of the live size (2.5x), amounts (64MiB) or `unlimited`.
    #[arg(long, value_delimiter = ',', value_parser = heap, value_name = "SIZES")]
    heap: Vec<HeapSize>,
    /// The collector to which all others are related [default: mark-sweep, or the first that reclaims].
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Exactly this number of blocks instead of a budget; intervals and verdicts need 6.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "budget")]
    repeat: Option<u32>,
    /// Time of the timed blocks, such as 5m: at least ten, and as many more as fit where the intervals are
    /// widest [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    budget: Option<Duration>,
    /// Thoroughness: sets size, heap, repeats and timeout unless they are given.
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
        "suite", "workload", "collector", "all", "heap", "reference", "repeat", "budget", "profile", "size",
        "seed", "timeout", "out", "again", "dry_run",
    ])]
    resume: Option<PathBuf>,
    /// Repeat the plan of this run in a new one, and compare the two.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "suite", "workload", "collector", "all", "heap", "reference", "repeat", "budget", "profile", "size",
        "timeout",
    ])]
    again: Option<PathBuf>,
    /// Print the size of the run, and do not begin it.
    #[arg(long)]
    dry_run: bool,
    /// Also run faulty programs under the collectors, for the safety matrix of the report.
    #[arg(long)]
    safety: bool,
    /// Also run collectors that fail the conformance kit, and mark every chart.
    #[arg(long, conflicts_with = "resume")]
    unverified: bool,
    /// Print JSON: the conclusions, the summary, and the paths of the run and its report.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    let clock = Instant::now();
    let interrupt = on_ctrl_c()?;
    let mut experiment = match &args.resume {
        Some(directory) => Experiment::resume(directory, registry, &interrupt)?,
        None => {
            let (mut manifest, directory) = plan(&args, registry)?;
            let forecast = experiment::forecast(registry, &manifest);
            if args.dry_run {
                writeln!(out, "{forecast}")?;
                return Ok(Exit::Fine);
            }
            manifest.unverified = verify(&manifest, registry, args.unverified, &interrupt)?;
            let experiment = Experiment::begin(manifest, &directory)?;
            if !args.json {
                writeln!(out, "{forecast}\n")?;
                out.flush()?;
            }
            experiment
        }
    };
    let earlier = experiment.records.len();
    experiment.measure(registry, interrupt)?;
    let directory = experiment.store.directory();
    if args.safety {
        safety::beside_run(directory, &experiment.manifest.collectors, registry);
    }
    let run = read_run(directory)?;
    let report_clock = Instant::now();
    let page = report::write(std::slice::from_ref(&run), &report::directory_in(&run.directory))?;
    let first = args.again.as_deref().map(read_run).transpose()?;
    if args.json {
        print_json(&run, &page, out)?;
    } else {
        conclusion::print(&run, out)?;
        if let Some(first) = &first {
            conclusion::print_spread(first, &run, out)?;
        }
        let (all, report) = (clock.elapsed(), report_clock.elapsed());
        writeln!(out, "{}", closing(&run.records[earlier..], all, report))?;
        writeln!(out, "{}", page.display())?;
    }
    let defect = run.records.iter().any(|r| r.outcome.is_defect());
    Ok(if defect { Exit::Defect } else { Exit::Fine })
}

/// Resolves and checks a new run: its manifest and its directory.
fn plan(args: &Args, registry: &Registry) -> Result<(Manifest, PathBuf), Failure> {
    let started = SystemTime::now();
    let begin = |kind: &str, manifest: Manifest| {
        let directory = args.out.clone().unwrap_or_else(|| experiment::unused(kind, started));
        let run_id = experiment::name_of(&directory);
        let started = humantime::format_rfc3339_seconds(started).to_string();
        let (schema, environment) = (SCHEMA_VERSION, environment(&build::build()));
        (Manifest { schema, run_id, started, environment, ..manifest }, directory)
    };
    if let Some(first) = &args.again {
        let first = read_run(first)?.manifest;
        let kind = format!("{}-again", first.profile);
        return Ok(begin(&kind, Manifest { seed: args.seed, ..first }));
    }
    let settings = settings(args);
    let suite = select::suite(registry, args.suite.as_deref())?;
    let workloads = registry.workloads(&suite, settings.size).map_err(Failure::usage)?;
    let or_default = |named: &[String], default: Vec<String>| match (named, args.all) {
        ([], true) => Vec::new(),
        ([], false) => default,
        (named, _) => named.to_vec(),
    };
    let wanted = or_default(&args.collector, sets::default_collectors(registry));
    let collectors = select::collectors(registry, &wanted)?;
    let wanted = or_default(&args.workload, sets::default_workloads(&workloads));
    let workloads = select::workloads(&workloads, &wanted)?;
    let reference =
        experiment::reference(&collectors, args.reference.as_deref(), settings.repeats)?;
    let manifest = Manifest {
        command: command_line(args, &suite, &settings),
        seed: args.seed,
        profile: args.profile.name().to_owned(),
        repeats: settings.repeats,
        budget_ms: settings.budget.map(experiment::milliseconds),
        reference,
        heaps: settings.heaps,
        modes: settings.modes,
        timeout_ms: experiment::milliseconds(settings.timeout),
        collectors,
        workloads,
        suite,
        ..Manifest::default()
    };
    Ok(begin(args.profile.name(), manifest))
}

/// The settings of the profile, where no option overrides them.
fn settings(args: &Args) -> Settings {
    let preset = args.profile.settings();
    let budget = match (args.budget, args.repeat) {
        (Some(budget), _) => Some(budget),
        (None, Some(_)) => None,
        (None, None) => preset.budget,
    };
    let fewest =
        if budget.is_some() { preset.repeats.max(runner::LOOKS[0]) } else { preset.repeats };
    Settings {
        size: args.size.unwrap_or(preset.size),
        repeats: args.repeat.unwrap_or(fewest),
        budget,
        heaps: if args.heap.is_empty() { preset.heaps } else { args.heap.clone() },
        timeout: args.timeout.unwrap_or(preset.timeout),
        modes: preset.modes,
    }
}

/// The collectors that fail the kit although they may run.
fn verify(
    manifest: &Manifest,
    registry: &Registry,
    unverified: bool,
    interrupt: &Interrupt,
) -> Result<Vec<String>, Failure> {
    let names = experiment::collectors_of(manifest);
    let tolerated = if unverified { &names[..] } else { &[] };
    gate::pass(registry, &names, tolerated, interrupt)
}

fn print_json(run: &Run, page: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let value = serde_json::json!({
        "run": run.directory,
        "report": page,
        "conclusions": analysis::conclude(run),
        "summary": summarise(run),
        "unverified": run.manifest.unverified,
        "problems": conclusion::problems(&run.problems),
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
    if let Some(reference) = &args.reference {
        option("--reference", reference.clone());
    }
    option("--profile", args.profile.name().to_owned());
    option("--size", size_word(settings.size).to_owned());
    option("--heap", experiment::heaps(&settings.heaps));
    let time = |time| humantime::format_duration(time).to_string().replace(' ', "");
    match settings.budget {
        Some(budget) => option("--budget", time(budget)),
        None => option("--repeat", settings.repeats.to_string()),
    }
    option("--timeout", time(settings.timeout));
    option("--seed", args.seed.to_string());
    if args.all {
        words.push("--all".to_owned());
    }
    words.join(" ")
}
