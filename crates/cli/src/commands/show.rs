//! `gcw show`: the tables of a recorded run, in the terminal.

use crate::failure::{Exit, Failure};
use crate::{comparison, json, palette};
use analysis::{format, summarise};
use record::{Run, read_run};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run directory.
    run: PathBuf,
    /// Print JSON: the plan, the summary and the unusable lines.
    #[arg(long)]
    json: bool,
}

pub(crate) fn show(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let run = read_run(&args.run)?;
    let summary = summarise(&run);
    if args.json {
        let value = serde_json::json!({
            "manifest": run.manifest,
            "summary": summary,
            "problems": comparison::problems(&run.problems),
        });
        json::print(&value, out)?;
    } else {
        heading(&run, out)?;
        comparison::print(&run, &summary, out)?;
    }
    Ok(Exit::Fine)
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
