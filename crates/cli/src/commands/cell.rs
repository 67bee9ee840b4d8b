//! `gcw cell`: one cell in this process, once. Every measurement of the tool is such a process.
//!
//! Prints the sample as one JSON line on standard output, the reason of a failure on standard error.

use crate::failure::{Exit, Failure};
use crate::parse::{heap, mode, size};
use crate::registry::{CellError, CellJob, Registry};
use record::{Cell, HeapSize, Mode, Sample, Size};
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Collector with its parameters.
    #[arg(long)]
    collector: String,
    /// Workload with its variant.
    #[arg(long)]
    workload: String,
    /// Input size.
    #[arg(long, value_parser = size())]
    size: Size,
    /// Heap size.
    #[arg(long, value_parser = heap)]
    heap: HeapSize,
    /// Kind of measurement.
    #[arg(long, value_parser = mode())]
    mode: Mode,
    /// Suite of the workload: a name or a file.
    #[arg(long)]
    suite: String,
    /// Run it in checking mode, with a collection before every N-th allocation.
    #[arg(long, value_name = "N")]
    collect_every: Option<u64>,
}

pub(crate) fn cell(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    let Args { collector, workload, size, heap, mode, suite, collect_every } = args;
    let cell = Cell { collector, workload, size, heap, mode };
    let heap_limit_bytes = registry.heap_limit(&cell, &suite)?;
    let job = CellJob { cell, heap_limit_bytes, suite, collect_every };
    match registry.run_cell(&job) {
        Ok(sample) => {
            print(&sample, out)?;
            Ok(Exit::Fine)
        }
        Err(CellError::OutOfMemory { reason, partial }) => {
            eprintln!("{reason}");
            if let Some(sample) = partial {
                print(&sample, out)?;
            }
            Ok(Exit::OutOfMemory)
        }
        Err(CellError::Failed(error)) => Err(error.into()),
    }
}

fn print(sample: &Sample, out: &mut dyn Write) -> Result<(), Failure> {
    let line = serde_json::to_string(sample).map_err(anyhow::Error::from)?;
    // The empty line ends a line that a collector may have begun.
    Ok(writeln!(out, "\n{line}")?)
}
