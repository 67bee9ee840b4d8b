//! The suite's programs under stress: small, in checking mode, with forced collections, and their
//! answers compared with the literals of the suite.

use crate::failure::Failure;
use crate::kit::Kit;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::table::{Align, Text, render};
use crate::{child, palette, select};
use analysis::format;
use anyhow::Context;
use record::{Cell, CollectorInfo, HeapSize, Mode, Outcome, Size};
use runner::{ChildEnd, Dialogue, Heard, Stop, classify};
use serde::Serialize;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

/// Least time limit of one workload. Under stress most take less than a second, and none more than a few.
const LIMIT: Duration = Duration::from_secs(60);

/// A workload that was run under stress.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stressed {
    /// The collector.
    pub(crate) collector: String,
    /// The workload.
    pub(crate) workload: String,
    /// Allocations from one collection to the next.
    pub(crate) collect_every: u64,
    /// Its outcome.
    pub(crate) outcome: Outcome,
    /// Wall time of its process.
    pub(crate) wall_ns: u64,
    /// The command line that repeats it.
    pub(crate) again: String,
}

impl Stressed {
    /// Whether the collector failed: without a heap limit and with ample time, every outcome but `Ok` is
    /// its failure.
    pub(crate) fn is_failure(&self) -> bool {
        self.outcome != Outcome::Ok
    }
}

/// Runs the workloads of these names, of the first suite, under every collector that can run them.
pub(super) fn stress(
    kit: &Kit<'_>,
    registry: &Registry,
    collectors: &[CollectorInfo],
    names: &[String],
) -> Result<Vec<Stressed>, Failure> {
    let program = child::program()?;
    let suite = select::suite(registry, None)?;
    let mut cells = Vec::new();
    for workload in select::workloads(&registry.workloads(&suite, Size::Small)?, names)? {
        let every = registry.collect_every(&suite, &workload.name, Size::Small);
        let applies =
            |c: &&CollectorInfo| registry.applies(&c.name, &suite, &workload.name).is_ok();
        cells.extend(collectors.iter().filter(applies).map(|collector| {
            let cell = Cell {
                collector: collector.name.clone(),
                workload: workload.name.clone(),
                size: Size::Small,
                heap: HeapSize::Unlimited,
                mode: Mode::Memory,
            };
            (cell, every)
        }));
    }
    let progress = Progress::new(cells.len(), 0);
    let stressed = kit.each(
        cells,
        || (),
        |(), (cell, every)| {
            progress.starts(format!("{} on {}", cell.collector, cell.workload));
            let mut command = child::cell(&program, &cell, &suite);
            command.args(["--collect-every", &every.to_string()]);
            let again = child::as_typed(&command);
            let Some(end) = run(kit, &mut command)
                .with_context(|| format!("cannot run {cell} in a process"))?
            else {
                return Ok(None);
            };
            progress.ended();
            let (outcome, _) = classify(&end);
            let Cell { collector, workload, .. } = cell;
            let (collect_every, wall_ns) = (every, end.wall_ns);
            Ok(Some(Stressed { collector, workload, collect_every, outcome, wall_ns, again }))
        },
    );
    progress.end();
    stressed
}

/// Runs a command within the limits of time and memory; `None` if interrupted.
fn run(kit: &Kit<'_>, command: &mut Command) -> io::Result<Option<ChildEnd>> {
    let (clock, limit) = (Instant::now(), kit.limits.program.max(LIMIT));
    let mut child = Dialogue::open(command, kit.interrupt)?;
    let mut stdout = String::new();
    let (stop, stderr_tail) = loop {
        match child.hear(clock + limit, kit.limits.resident_bytes)? {
            Heard::Line(line) => {
                stdout.push_str(&line);
                stdout.push('\n');
            }
            Heard::Ended(end) => break (end.stop, end.stderr_tail),
            Heard::Silence => break (Stop::TimedOut(limit), String::new()),
            Heard::TooLarge(bytes) => {
                let words = format!("its process held {}", format::bytes(bytes as f64));
                break (Stop::Exited(runner::EXIT_OUT_OF_MEMORY), words);
            }
            Heard::Interrupted => return Ok(None),
        }
    };
    let wall_ns = u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(Some(ChildEnd { stop, stdout, stderr_tail, started_unix_ms: 0, wall_ns }))
}

/// Prints a line per workload, then the failures.
pub(super) fn print(stressed: &[Stressed], out: &mut dyn Write) -> Result<(), Failure> {
    let headings = [
        ("workload, under stress", Align::Left),
        ("collected every", Align::Right),
        ("collectors", Align::Right),
        ("time", Align::Right),
        ("result", Align::Left),
    ];
    let mut lines = Vec::new();
    for group in stressed.chunk_by(|a, b| a.workload == b.workload) {
        let time = group.iter().map(|s| s.wall_ns).sum::<u64>();
        let failed = group.iter().filter(|s| s.is_failure()).count();
        let result = match failed {
            0 => Text::from("ok"),
            failed => Text::styled(format!("{failed} FAILED"), palette::strong()),
        };
        lines.push(vec![
            group[0].workload.as_str().into(),
            format!("{} allocations", format::count(group[0].collect_every)).into(),
            group.len().to_string().into(),
            format::duration_ns(time as f64).into(),
            result,
        ]);
    }
    write!(out, "{}", render(&headings, &lines))?;
    for s in stressed.iter().filter(|s| s.is_failure()) {
        writeln!(out, "\n{} fails on {}: {}", s.collector, s.workload, s.outcome)?;
        writeln!(out, "  to reproduce: {}", s.again)?;
    }
    Ok(())
}
