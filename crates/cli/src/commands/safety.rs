//! `gcw safety`: faulty programs under every discipline, and their effects.
//!
//! 1. Start a child for each collector, which runs its trials one after the other and prints each.
//! 2. A trial may end its child (a stack overflow) or hang: its first line identifies it, the
//!    child's end is its result, and another child continues after it.
//! 3. Fold trials and compile-fail cases into the matrix; print it, keep it as `safety.json`.

use crate::failure::{Exit, Failure, warn};
use crate::interrupt::on_ctrl_c;
use crate::kit::{Kit, processors};
use crate::registry::Registry;
use crate::supervise::Limits;
use crate::{build, child, json, safety_table, select};
use anyhow::Context;
use record::{CollectorInfo, Outcome, SAFETY_FILE, Safety, Trial, TrialEnd};
use runner::{Interrupt, Stop, classify, run_child};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, panic};

/// Default number of seeds of a trial that depends on chance.
const SEEDS: u32 = 3;
/// Time limit of a collector's trials, which take a fraction of a second, and more on a busy machine
/// without optimisation.
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Collectors, such as rc* or 'mark-sweep|growth-1.5|sizer-*'; a trailing * stands for any ending
    /// [default: all].
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    collector: Vec<String>,
    /// Seeds of a trial that depends on chance.
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    /// Write safety.json to this directory; `gcw report` shows it if that is a run.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Explain a failure, under all collectors or one: trials, programs that do not compile, and the
    /// compiler's errors. Such as `use-after-free/ownership`.
    #[arg(long, value_name = "FAILURE[/COLLECTOR]", conflicts_with = "json")]
    explain: Option<String>,
    /// Print JSON: the matrix and all trials.
    #[arg(long)]
    json: bool,
    /// Run the trials of this collector in this process and print each.
    #[arg(long, hide = true)]
    trials_of: Option<String>,
    /// Number of the first trial.
    #[arg(long, hide = true, default_value_t = 0, requires = "trials_of")]
    first: usize,
}

pub(crate) fn safety(
    args: Args,
    registry: &Registry,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Some(collector) = &args.trials_of {
        return print_trials(registry, collector, args.seeds, args.first);
    }
    if !registry.has_trials() {
        return Err(Failure::Usage("this registry has no faulty programs".to_owned()));
    }
    let mut collectors = select::collectors(registry, &args.collector)?;
    let explained = match &args.explain {
        Some(what) => {
            let (failure, collector) = safety_table::explained(what, &collectors)?;
            collectors.retain(|known| collector.as_ref().is_none_or(|name| *name == known.name));
            Some(failure)
        }
        None => None,
    };
    let safety = try_all(collectors, args.seeds)?;
    if let Some(directory) = &args.out {
        write(&safety, directory)?;
    }
    match explained {
        _ if args.json => json::print(&safety, out)?,
        Some(failure) => out.write_all(safety_table::explain(&safety, failure).as_bytes())?,
        None => out.write_all(safety_table::render(&safety).as_bytes())?,
    }
    Ok(Exit::Fine)
}

/// Writes the matrix of these collectors to a run directory, in a child process. If that fails, the run
/// is complete without it.
pub(crate) fn beside_run(directory: &Path, collectors: &[CollectorInfo], registry: &Registry) {
    if !registry.has_trials() {
        return;
    }
    let names: Vec<&str> = collectors.iter().map(|c| c.name.as_str()).collect();
    let attempt = || -> anyhow::Result<()> {
        let mut command = Command::new(child::program()?);
        command.args(["safety", "--json"]);
        command.args(["--collector", &names.join(",")]).arg("--out").arg(directory);
        let output = command.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "it ended with {}: {errors}", output.status);
        Ok(())
    };
    if let Err(e) = attempt() {
        warn(&format!("no safety matrix: {e:#}; try `gcw safety --out {}`", directory.display()));
    }
}

fn print_trials(
    registry: &Registry,
    collector: &str,
    seeds: u32,
    first: usize,
) -> Result<Exit, Failure> {
    // A faulty program may panic, which its trial records.
    panic::set_hook(Box::new(|_| {}));
    let mut result = Ok(());
    registry.run_trials(collector, seeds, first, &mut |trial| {
        let printed = serde_json::to_string(&trial).map_err(anyhow::Error::from);
        let printed = printed.and_then(|line| {
            // The trials run on a thread of their own, which cannot use the command line's stream.
            let mut out = io::stdout();
            writeln!(out, "{line}")?;
            Ok(out.flush()?)
        });
        if let Err(e) = printed {
            result = Err(e);
        }
    })?;
    result?;
    Ok(Exit::Fine)
}

fn try_all(collectors: Vec<CollectorInfo>, seeds: u32) -> Result<Safety, Failure> {
    let program = child::program()?;
    let interrupt = on_ctrl_c()?;
    // Nothing is timed here, so trials may run in parallel.
    let kit = Kit { limits: Limits::default(), at_once: processors(), interrupt: &interrupt };
    let tried = kit.each(
        collectors,
        || (),
        |(), info| {
            let trials = trials_of(&program, &info.name, seeds, &interrupt)?;
            Ok(trials.map(|trials| (info, trials)))
        },
    )?;
    let build = build::build();
    Ok(safety::matrix(tried, seeds, format!("{} build of commit {}", build.profile, build.commit)))
}

/// Runs all trials of a collector, in as many children as necessary; `None` if interrupted.
fn trials_of(
    program: &Path,
    collector: &str,
    seeds: u32,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Vec<Trial>>> {
    let mut trials: Vec<Trial> = Vec::new();
    loop {
        let first = trials.len();
        let mut command = Command::new(program);
        command.args(["safety", "--trials-of", collector]);
        command.args(["--seeds", &seeds.to_string(), "--first", &first.to_string()]);
        let Some(end) = run_child(&mut command, LIMIT, interrupt)? else {
            return Ok(None);
        };
        for trial in end.stdout.lines().filter_map(|line| serde_json::from_str::<Trial>(line).ok())
        {
            if trials.last().is_some_and(|last| last.number == trial.number) {
                trials.pop();
            }
            trials.push(trial);
        }
        if end.stop == Stop::Exited(0) {
            return Ok(Some(trials));
        }
        let (outcome, _) = classify(&end);
        match trials.last_mut().filter(|last| last.number >= first && last.end == TrialEnd::Begun) {
            Some(last) => last.end = end_of(outcome),
            None => {
                let reason = outcome.reason();
                anyhow::bail!("the trials of {collector} did not run: {reason}");
            }
        }
    }
}

/// The end of a trial whose process ended with this outcome.
fn end_of(outcome: Outcome) -> TrialEnd {
    match outcome {
        Outcome::Timeout { .. } => TrialEnd::Hung,
        Outcome::StackOverflow { reason } => TrialEnd::StackOverflow { why: reason },
        other => TrialEnd::Stopped { why: other.reason() },
    }
}

fn write(safety: &Safety, directory: &Path) -> anyhow::Result<()> {
    let file = directory.join(SAFETY_FILE);
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&file, serde_json::to_string(safety)? + "\n"))
        .with_context(|| {
            format!("cannot write {}; name another directory with --out", file.display())
        })
}
