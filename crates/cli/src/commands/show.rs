//! `gcw show`: the tables of a recorded run, in the terminal.

use crate::failure::{Exit, Failure};
use crate::{comparison, conclusion, json, palette, select};
use analysis::{conclude, format, summarise};
use record::{MANIFEST_FILE, Run, read_run};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run directory [default: the latest in `runs`].
    run: Option<PathBuf>,
    /// Also print the tables of these workloads; a trailing * stands for any ending.
    #[arg(short, long, value_delimiter = ',', value_name = "NAMES")]
    workload: Vec<String>,
    /// Print JSON: the plan, the summary and the unusable lines.
    #[arg(long)]
    json: bool,
}

pub(crate) fn show(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let directory = args.run.clone().map_or_else(latest, Ok)?;
    let run = read_run(&directory)?;
    let mut summary = summarise(&run);
    if args.json {
        let value = serde_json::json!({
            "manifest": run.manifest,
            "conclusions": conclude(&run),
            "summary": summary,
            "problems": conclusion::problems(&run.problems),
        });
        json::print(&value, out)?;
    } else {
        heading(&run, out)?;
        conclusion::print(&run, out)?;
        if !args.workload.is_empty() {
            let shown = select::workloads(&run.manifest.workloads, &args.workload)?;
            summary.workloads.retain(|name| shown.iter().any(|workload| workload.name == *name));
            comparison::print(&run, &summary, out)?;
        }
    }
    Ok(Exit::Fine)
}

/// The run directory in `runs` that was written last.
fn latest() -> Result<PathBuf, Failure> {
    let runs = fs::read_dir("runs").into_iter().flatten().flatten().map(|entry| entry.path());
    let written =
        |path: &PathBuf| fs::metadata(path.join(MANIFEST_FILE)).and_then(|m| m.modified());
    let runs = runs.filter_map(|path| Some((written(&path).ok()?, path)));
    let latest = runs.max().map(|(_, path)| path);
    latest.ok_or_else(|| {
        Failure::Usage(
            "there is no run in ./runs; name a run directory, or begin with `gcw run`".to_owned(),
        )
    })
}

fn heading(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let (manifest, strong) = (&run.manifest, palette::strong());
    let machine = &manifest.environment;
    writeln!(out, "{strong}{}{strong:#}, started {}", manifest.run_id, manifest.started)?;
    writeln!(
        out,
        "{}, {} processors, {}, {}",
        machine.cpu,
        machine.cpus,
        format::bytes(machine.memory_bytes as f64),
        machine.os
    )?;
    writeln!(out, "{} build of commit {}, {}", machine.build, machine.commit, machine.rustc)?;
    writeln!(out, "{}", tally(run))?;
    writeln!(out, "Reproduce: {}\n", manifest.command)
}

/// `120 cells recorded: 110 ok, 8 n/a, 2 OOM`.
fn tally(run: &Run) -> String {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &run.records {
        *words.entry(record.outcome.word()).or_default() += 1;
    }
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_by_key(|&(_, cells)| std::cmp::Reverse(cells));
    let parts: Vec<String> = words.iter().map(|(word, cells)| format!("{cells} {word}")).collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    format!("{} cells recorded{colon}{}", run.records.len(), parts.join(", "))
}
