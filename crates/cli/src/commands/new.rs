//! `gcw new`: scaffolds a collector or a workload in a checkout of the workbench.
//!
//! 1. Check the name, and find the checkout that it is for.
//! 2. Plan: one new file, and one line in a table (for a workload also its entry in the suite).
//! 3. Check that all of it can be written, then write it, or nothing.
//! 4. Say what was written and what comes next.
//!
//! What is written compiles, is formatted, and works: a collector that allocates and never reclaims, a
//! program whose answer is a formula.

mod change;
mod checkout;
mod collector;
mod hue;
mod name;
mod workload;

use crate::failure::{Exit, Failure};
use change::Change;
use checkout::Checkout;
use name::Name;
use std::env;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to write.
    what: What,
    /// Its name, such as `my-gc`: words of small letters and digits, joined by hyphens.
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// The checkout, or a directory in it [default: this directory].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// A collector that allocates and does not reclaim yet.
    Collector,
    /// A program that builds and drops lists, and its entry in the suite.
    Workload,
}

/// What is to be written, and what the user is told of it.
struct Plan {
    changes: Vec<Change>,
    /// What to do next: a command, or a sentence.
    next: Vec<String>,
}

pub(crate) fn new(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let start = match &args.dir {
        Some(directory) => directory.clone(),
        None => env::current_dir()?,
    };
    let checkout = Checkout::find(&start)?;
    let plan = match args.what {
        What::Collector => collector::plan(&checkout, &args.name)?,
        What::Workload => workload::plan(&checkout, &args.name)?,
    };
    change::write(&checkout, &plan.changes)?;
    for change in &plan.changes {
        writeln!(out, "{change}")?;
    }
    writeln!(out, "\nNext, in {}:", checkout.root().display())?;
    for line in &plan.next {
        writeln!(out, "  {line}")?;
    }
    Ok(Exit::Fine)
}
