//! `gcw duel`: two to five cells or programs against each other: a run with sides.
//!
//! A block runs every side once, and the last one, the reference, twice: a program against itself is the
//! control. Plan, records, resumption and verdicts are those of every run.

mod side;

use crate::child::quoted;
use crate::experiment::{self, Experiment};
use crate::failure::{Exit, Failure};
use crate::interrupt::on_ctrl_c;
use crate::parse::{size, time_limit};
use crate::profile::BUDGET_DEFAULT;
use crate::registry::Registry;
use crate::{build, child, conclusion, duel_table, gate, json, select};
use anyhow::Context;
use record::{Manifest, Mode, Outcome, SCHEMA_VERSION, Sample, Size, read_run};
use runner::{Interrupt, classify, environment, run_child};
use side::Sides;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

#[derive(Debug, clap::Args)]
#[command(after_help = "For example: gcw duel mark-sweep/gcbench@2.5x ownership/gcbench\n\
    Or against any program that prints a sample: gcw duel rc/gcbench 'target/release/mine gcbench'")]
pub(crate) struct Args {
    /// Two to five sides: COLLECTOR/WORKLOAD[@HEAP], the path of a program, or a command line. All others
    /// are related to the last one.
    #[arg(required = true, num_args = 2..=5, value_name = "SIDE")]
    sides: Vec<String>,
    /// Exactly this number of blocks; below 6 there is no interval [default: 10, and more within a
    /// budget].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "budget")]
    blocks: Option<u32>,
    /// Time of the timed blocks, such as 5m: at least ten, and as many more as fit until the intervals are
    /// narrow [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    budget: Option<Duration>,
    /// Leave out the control: one more run of the reference in every block, against itself.
    #[arg(long)]
    no_control: bool,
    /// Suite of the workloads [default: the first one].
    #[arg(long)]
    suite: Option<String>,
    /// Input size of cells.
    #[arg(long, value_parser = size(), default_value = "default")]
    size: Size,
    /// Seed of the order.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Time limit of one process.
    #[arg(long, value_parser = time_limit, default_value = "300s", value_name = "TIME")]
    timeout: Duration,
    /// Directory of the records [default: runs/<date>-duel]. `gcw run --resume` continues it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Admit collectors that fail the conformance kit, and mark the output.
    #[arg(long)]
    unverified: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn duel(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    let suite = select::suite(registry, args.suite.as_deref())?;
    let sides = Sides::read(&args.sides, registry, &suite, args.size)?;
    let interrupt = on_ctrl_c()?;
    let names = sides.collectors();
    let tolerated = if args.unverified { &names[..] } else { &[] };
    let unverified = gate::pass(registry, &names, tolerated, &interrupt)?;
    same_work(&sides, &suite, args.timeout, &interrupt)?;
    let started = SystemTime::now();
    let directory = args.out.clone().unwrap_or_else(|| experiment::unused("duel", started));
    let manifest = Manifest {
        run_id: experiment::name_of(&directory),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        unverified,
        ..manifest(&args, registry, &sides, &suite)?
    };
    let mut experiment = Experiment::begin(manifest, &directory)?;
    if !args.json {
        writeln!(out, "{}\n", experiment::forecast(registry, &experiment.manifest))?;
        out.flush()?;
    }
    experiment.measure(registry, interrupt)?;
    let run = read_run(&directory)?;
    let defect = run.records.iter().any(|r| r.outcome.is_defect());
    if args.json {
        let value = serde_json::json!({
            "run": run.directory,
            "conclusions": analysis::conclude(&run),
            "unverified": run.manifest.unverified,
            "problems": conclusion::problems(&run.problems),
        });
        json::print(&value, out)?;
    } else {
        duel_table::print(&run, out)?;
        writeln!(out, "{}", run.directory.display())?;
    }
    Ok(if defect { Exit::Defect } else { Exit::Fine })
}

fn manifest(
    args: &Args,
    registry: &Registry,
    sides: &Sides,
    suite: &str,
) -> Result<Manifest, Failure> {
    let workloads = registry.workloads(suite, args.size).map_err(Failure::usage)?;
    let has = |name: &str| sides.cells.iter().any(|cell| cell.workload == name);
    let budget = args.budget.or_else(|| args.blocks.is_none().then_some(BUDGET_DEFAULT));
    let words = args.sides.iter().map(|side| quoted(side));
    let command = ["gcw".to_owned(), "duel".to_owned()].into_iter().chain(words);
    let last = sides.cells.last().map(|cell| cell.collector.clone());
    Ok(Manifest {
        schema: SCHEMA_VERSION,
        command: command.collect::<Vec<_>>().join(" "),
        seed: args.seed,
        profile: "duel".to_owned(),
        suite: suite.to_owned(),
        repeats: args.blocks.unwrap_or(runner::LOOKS[0]),
        budget_ms: budget.map(experiment::milliseconds),
        reference: last.filter(|_| !args.no_control),
        heaps: Vec::new(),
        modes: vec![Mode::Time, Mode::Pauses, Mode::Memory],
        timeout_ms: experiment::milliseconds(args.timeout),
        collectors: sides.infos(registry),
        workloads: workloads.into_iter().filter(|w| has(&w.name)).collect(),
        sides: sides.cells.clone(),
        commands: sides.commands.clone(),
        environment: environment(&build::build()),
        ..Manifest::default()
    })
}

/// Runs each side once, not recorded: the programs are loaded, a side that does not work is refused at once,
/// and so are sides that compute different answers, whose times would compare different work.
fn same_work(
    sides: &Sides,
    suite: &str,
    timeout: Duration,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let program = child::program()?;
    let mut first: Option<(String, Sample)> = None;
    for cell in &sides.cells {
        let name = sides.name(cell);
        let mut command = sides.command(cell, &program, suite);
        let end = run_child(&mut command, timeout, interrupt)
            .with_context(|| format!("cannot start {name}"))?;
        let Some(end) = end else {
            return Err(Failure::Interrupted("before the first block; nothing is kept".to_owned()));
        };
        let sample = match classify(&end) {
            (Outcome::Ok, Some(sample)) => sample,
            (outcome, _) => return Err(anyhow::anyhow!("{name}, trial run: {outcome}").into()),
        };
        match &first {
            None => first = Some((name, sample)),
            Some((other, theirs)) if theirs.answer.got != sample.answer.got => {
                return Err(Failure::Usage(format!(
                    "the sides did different work: {other} computed '{}', {name} computed '{}'; compare the \
                     same program with the same parameters",
                    theirs.answer.got, sample.answer.got
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
