//! `gcw report`: charts and page from recorded runs. Nothing is measured again.

use crate::failure::{Exit, Failure, warn};
use anyhow::Context;
use record::{Run, read_run};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run directories. Several appear in one report.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Directory of the report [default: `report` in the run directory, or here for several runs].
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn report(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let runs = args.runs.iter().map(|run| read_run(run)).collect::<Result<Vec<Run>, _>>()?;
    for problem in runs.iter().flat_map(|run| &run.problems) {
        warn(problem);
    }
    let directory = match (&args.out, args.runs.as_slice()) {
        (Some(directory), _) => directory.clone(),
        (None, [run]) => directory_in(run),
        (None, _) => PathBuf::from("report"),
    };
    let page = write(&runs, &directory)?;
    writeln!(out, "{}", page.display())?;
    Ok(Exit::Fine)
}

/// The directory of the report of one run.
pub(crate) fn directory_in(run: &Path) -> PathBuf {
    run.join("report")
}

/// Writes the report and returns the path of its page.
pub(crate) fn write(runs: &[Run], directory: &Path) -> anyhow::Result<PathBuf> {
    let report = charts::write_report(runs, directory).with_context(|| {
        format!(
            "cannot write the report to {}; the records are kept, try again with \
             `gcw report RUN --out DIR`",
            directory.display()
        )
    })?;
    Ok(report.page)
}
