//! An experiment: a plan, its measurement, and its conclusions. `gcw run` and `gcw duel` are both one.
//!
//! 1. The plan (`run.json`) is written before any measurement.
//! 2. The schedule runs, one child process per cell, each recorded as it ends.
//! 3. The records are read back, so that table and report show the data on disk.
//!
//! A resumed experiment begins at 2 with its recorded plan.

use crate::child::{self, quoted};
use crate::failure::{Failure, warn};
use crate::progress::Progress;
use crate::registry::Registry;
use crate::{build, gate};
use analysis::contest::{usual_reference, widest_half_width};
use record::{Cell, HeapSize, Manifest, Record};
use runner::{
    Completion, Event, Forecast, Interrupt, Planned, Schedule, Store, environment, execute,
    in_processes,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// An experiment with its records so far.
pub(crate) struct Experiment {
    pub(crate) manifest: Manifest,
    pub(crate) store: Store,
    pub(crate) records: Vec<Record>,
}

impl Experiment {
    /// A new one: writes its plan.
    pub(crate) fn begin(manifest: Manifest, directory: &Path) -> Result<Self, Failure> {
        let store = Store::create(directory, &manifest)?;
        Ok(Self { manifest, store, records: Vec::new() })
    }

    /// An earlier one, with its records.
    pub(crate) fn resume(
        directory: &Path,
        registry: &Registry,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let (store, run) = Store::resume(directory)?;
        for problem in &run.problems {
            warn(problem);
        }
        let names = collectors_of(&run.manifest);
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
        Ok(Self { manifest: run.manifest, store, records: run.records })
    }

    /// Runs the schedule to its end.
    pub(crate) fn measure(
        &mut self,
        registry: &Registry,
        interrupt: Interrupt,
    ) -> Result<(), Failure> {
        if build::build().profile == "debug" {
            warn(
                &"this is a debug build, whose times mean nothing; use `cargo run --release -- run`",
            );
        }
        let manifest = &self.manifest;
        let half_width =
            |records: &[Record], group: &str| widest_half_width(manifest, records, group);
        let refusal =
            |collector: &str, workload: &str| applies(registry, manifest, collector, workload);
        let schedule = Schedule::new(manifest, census(registry, manifest), &refusal, &half_width);
        let program = child::program()?;
        let command = |planned: &Planned| {
            command(&program, &manifest.commands, &manifest.suite, &planned.cell)
        };
        let limit = Duration::from_millis(manifest.timeout_ms);
        let mut executor = in_processes(command, limit, interrupt);
        let progress = Progress::new(processes(schedule.forecast()), self.records.len());
        let mut named = false;
        let observer = &mut |event: Event<'_>| {
            if let Event::Round(records) = event {
                let dropped = schedule.dropped_groups(records);
                if !dropped.is_empty() && !named {
                    named = true;
                    progress.note(&format!(
                        "no room in the budget for {} blocks of {}: left out; a longer --budget, or \
                         fewer collectors, would measure them",
                        manifest.repeats,
                        dropped.join(", ")
                    ));
                }
            }
            progress.follow(event);
        };
        let result =
            execute(&schedule, &mut self.records, &mut executor, &mut self.store, observer);
        progress.end();
        match result? {
            Completion::Complete => Ok(()),
            Completion::Interrupted => Err(Failure::Interrupted(format!(
                "{} cells are measured and kept; continue with `gcw run --resume {}`",
                self.store.records(),
                quoted(&self.store.directory().display().to_string())
            ))),
        }
    }
}

/// The size of a run: `8 collectors x 6 programs x 10 blocks, the reference twice in each: 530 timed
/// processes`. Pairs that cannot work have none.
pub(crate) fn forecast(registry: &Registry, manifest: &Manifest) -> String {
    let refusal =
        |collector: &str, workload: &str| applies(registry, manifest, collector, workload);
    let schedule = Schedule::new(manifest, census(registry, manifest), &refusal, &|_, _| None);
    let Forecast { groups, passes, block, blocks } = schedule.forecast();
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let matrix = match &manifest.sides[..] {
        [] => {
            let collectors = count(manifest.collectors.len(), "collector");
            format!("{collectors} x {}", count(groups, "program"))
        }
        sides => count(sides.len(), "side"),
    };
    let twin = manifest.reference.as_ref().map_or("", |_| ", the reference twice in each");
    let budget = manifest.budget_ms.map_or(String::new(), |ms| {
        let budget = humantime::format_duration(Duration::from_millis(ms));
        format!(", and more blocks as far as {budget} allow")
    });
    format!(
        "{matrix} x {}{twin}: {} timed processes{budget}; {passes} for memory and pauses",
        count(blocks as usize, "block"),
        block * blocks as usize
    )
}

fn processes(forecast: Forecast) -> usize {
    forecast.passes + forecast.block * forecast.blocks as usize
}

/// The collectors of a manifest that the kit can test.
pub(crate) fn collectors_of(manifest: &Manifest) -> Vec<&str> {
    let names = manifest.collectors.iter().map(|c| c.name.as_str());
    names.filter(|name| !manifest.commands.contains_key(*name)).collect()
}

/// The collector of the census; a duel has none.
fn census<'r>(registry: &'r Registry, manifest: &Manifest) -> Option<&'r str> {
    registry.census().filter(|_| manifest.sides.is_empty())
}

/// The reason why a pair is not run, if there is one.
fn applies(
    registry: &Registry,
    manifest: &Manifest,
    collector: &str,
    workload: &str,
) -> Result<(), String> {
    registry.applies(collector, &manifest.suite, workload)?;
    let idle = registry.reclaims_nothing(collector, &manifest.suite, workload);
    match idle.filter(|_| manifest.sides.is_empty() && manifest.collectors.len() > 1) {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// The command that runs a cell once: this program, or an external one through the shell.
pub(crate) fn command(
    program: &Path,
    commands: &BTreeMap<String, String>,
    suite: &str,
    cell: &Cell,
) -> Command {
    match commands.get(&cell.collector) {
        None => child::cell(program, cell, suite),
        Some(line) => {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        }
    }
}

/// `runs/20260131-120000-quick`, with a number if it exists.
pub(crate) fn unused(kind: &str, started: SystemTime) -> PathBuf {
    let started = humantime::format_rfc3339_seconds(started).to_string();
    let date: String = started.replace('T', "-").replace(['Z', ':'], "");
    let day: String = date.splitn(4, '-').take(3).collect();
    let time = date.rsplit('-').next().unwrap_or_default();
    let name = |suffix: String| Path::new("runs").join(format!("{day}-{time}-{kind}{suffix}"));
    (1..)
        .map(|n| name(if n == 1 { String::new() } else { format!("-{n}") }))
        .find(|path| !path.exists())
        .unwrap_or_else(|| name(String::new()))
}

/// The name of a run: that of its directory.
pub(crate) fn name_of(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "run".to_owned())
}

/// The reference of a run of several repeats: the wanted one, the usual one, or the first that reclaims.
/// `None` for a run that is too short for a control.
pub(crate) fn reference(
    collectors: &[record::CollectorInfo],
    wanted: Option<&str>,
    repeats: u32,
) -> Result<Option<String>, Failure> {
    let has = |name: &str| collectors.iter().any(|c| c.name == name);
    if let Some(name) = wanted {
        let names = collectors.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        return match has(name) {
            true => Ok(Some(name.to_owned())),
            false => Err(Failure::Usage(format!(
                "the reference {name} is not among the collectors of this run: {names}"
            ))),
        };
    }
    let usual = usual_reference(collectors.iter().map(|c| (c.name.as_str(), Some(c.family))));
    let usual = usual.map(|place| collectors[place].name.clone());
    Ok(usual.filter(|_| repeats as usize >= analysis::estimate::MIN_OBSERVATIONS))
}

/// A time as a manifest holds it.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Heap sizes as the command line writes them.
pub(crate) fn heaps(heaps: &[HeapSize]) -> String {
    heaps.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
