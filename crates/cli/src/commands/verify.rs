//! `gcw verify`: tests collectors, in child processes that may hang or crash.
//!
//! 1. Random programs under each collector against an exact model; a failing one is shrunk.
//! 2. With `--workloads`, every program of the suite under stress and in checking mode.
//! 3. Or, with `--mutants`, the kit itself: which known bugs does it find?

mod mutants;
mod workloads;

use crate::failure::{Exit, Failure};
use crate::interrupt::on_ctrl_c;
use crate::kit::{Kit, Verified, in_full, processors};
use crate::parse::time_limit;
use crate::registry::Registry;
use crate::supervise::Limits;
use crate::table::Align::{Left, Right};
use crate::table::{Text, render};
use crate::{json, palette, select};
use analysis::format;
use clap::ValueEnum;
use conformance::program::Schedule;
use conformance::{Job, OPS};
use serde_json::json;
use std::io::Write;
use std::time::Duration;
use workloads::Stressed;

/// Programs for each collector, or for each known bug of one.
const SEEDS: u64 = 200;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A failure is printed with its seed and as a test to be pasted. To replay the program \
    before shrinking: gcw verify NAME --from SEED --seeds 1, with the same --ops and --stress"
)]
pub(crate) struct Args {
    /// Collectors, such as rc* or 'mark-sweep|growth-1.5|sizer-*'; a trailing * stands for any ending
    /// [default: all].
    #[arg(value_name = "COLLECTOR", value_delimiter = ',')]
    collectors: Vec<String>,
    /// Random programs for each collector.
    #[arg(long, value_name = "N", default_value_t = SEEDS)]
    seeds: u64,
    /// Seed of the first one.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Operations of each.
    #[arg(long, value_name = "N", default_value_t = OPS)]
    ops: usize,
    /// When to collect [default: the schedule of each program].
    #[arg(long, value_name = "WHEN")]
    stress: Option<Stress>,
    /// Also run the workloads of the suite (or those named), small, in checking mode, with forced
    /// collections.
    #[arg(long, value_name = "NAMES", num_args = 0..=1, require_equals = true, value_delimiter = ',',
        default_missing_value = "*")]
    workloads: Vec<String>,
    /// Instead, inject known bugs into heap and collectors, and report which detectors find them.
    #[arg(long, conflicts_with_all = ["workloads", "stress"])]
    mutants: bool,
    /// Report only whether each known bug is found, not by which detectors.
    #[arg(long, requires = "mutants")]
    kills_only: bool,
    /// Time limit of one program, such as 10s.
    #[arg(long, value_parser = time_limit, value_name = "TIME", default_value = "10s")]
    timeout: Duration,
    /// Limit on the resident memory of a collector's process, in MiB.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    memory_mib: u64,
    /// Collectors in parallel [default: the number of processors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// When to collect.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stress {
    /// Before every allocation.
    #[value(name = "every-1")]
    Every1,
    /// Before every fourth.
    #[value(name = "every-4")]
    Every4,
    /// Before every 32nd.
    #[value(name = "every-32")]
    Every32,
    /// Before one in four, at random.
    Random,
    /// A step of an incremental collection after every operation.
    Steps,
}

impl Stress {
    fn schedule(self) -> Schedule {
        match self {
            Self::Every1 => Schedule::Every(1),
            Self::Every4 => Schedule::Every(4),
            Self::Every32 => Schedule::Every(32),
            Self::Random => Schedule::Random(4, 0),
            Self::Steps => Schedule::Steps,
        }
    }
}

pub(crate) fn verify(
    args: Args,
    registry: &Registry,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if !registry.has_kit() {
        let message = "the conformance kit cannot test the collectors of this registry";
        return Err(Failure::Usage(message.to_owned()));
    }
    let collectors = select::collectors(registry, &args.collectors)?;
    let interrupt = on_ctrl_c()?;
    let defaults = Limits::default();
    let kit = Kit {
        limits: Limits {
            program: args.timeout,
            attempt: args.timeout.min(defaults.attempt).max(args.timeout / 5),
            shrinking: defaults.shrinking.max(args.timeout * 2),
            resident_bytes: args.memory_mib.saturating_mul(1 << 20),
            ..defaults
        },
        at_once: args.jobs.map_or_else(processors, |jobs| jobs as usize),
        interrupt: &interrupt,
    };
    let seeds = args.from..args.from.saturating_add(args.seeds);
    if args.mutants {
        let job = |name: &str| Job { ops: args.ops, ..Job::of(name, seeds.clone()) };
        let jobs = collectors.iter().map(|c| job(&c.name)).collect();
        return mutants::verify(&kit, jobs, !args.kills_only, args.json, out);
    }
    let job = |name: &str| Job {
        ops: args.ops,
        schedule: args.stress.map(Stress::schedule),
        ..Job::of(name, seeds.clone())
    };
    let verified = kit.verify(collectors.iter().map(|c| job(&c.name)).collect())?;
    let stressed = match args.workloads.as_slice() {
        [] => Vec::new(),
        names => workloads::stress(&kit, registry, &collectors, names)?,
    };
    if args.json {
        print_json(&verified, &stressed, out)?;
    } else {
        print(&verified, &stressed, registry, out)?;
    }
    let failed = verified.iter().any(|v| v.report.failure.is_some())
        || stressed.iter().any(Stressed::is_failure);
    Ok(if failed { Exit::Defect } else { Exit::Fine })
}

fn print(
    verified: &[Verified],
    stressed: &[Stressed],
    registry: &Registry,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let headings = [("collector", Left), ("programs", Right), ("time", Right), ("result", Left)];
    let line = |v: &Verified| {
        let result = match &v.report.failure {
            None => Text::from("ok"),
            Some(failure) => {
                Text::styled(format!("FAILED by {}", failure.detector), palette::strong())
            }
        };
        let time = format::duration_ns(v.wall.as_nanos() as f64);
        vec![
            v.job.collector.as_str().into(),
            format::count(v.report.programs).into(),
            time.into(),
            result,
        ]
    };
    write!(out, "{}", render(&headings, &verified.iter().map(line).collect::<Vec<_>>()))?;
    if !stressed.is_empty() {
        writeln!(out)?;
        workloads::print(stressed, out)?;
    }
    for failure in verified.iter().filter_map(|v| v.report.failure.as_ref()) {
        writeln!(out, "\n{}", in_full(failure, registry))?;
    }
    Ok(())
}

fn print_json(
    verified: &[Verified],
    stressed: &[Stressed],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let programs = verified.iter().map(|v| {
        json!({
            "collector": v.job.collector,
            "programs": v.report.programs,
            "wall_ns": u64::try_from(v.wall.as_nanos()).unwrap_or(u64::MAX),
            "failure": v.report.failure,
        })
    });
    let value = json!({ "programs": programs.collect::<Vec<_>>(), "workloads": stressed });
    json::print(&value, out)
}
