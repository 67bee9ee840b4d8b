//! The command line of the garbage-collector workbench, over any registry of collectors and
//! workloads.
//!
//! A crate with a collector of its own writes one `main`, `gcw::main(registry)`, and has the whole
//! tool; `examples/toy-registry.rs` does so. One subcommand is one file in `commands/`.
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | done; out-of-memory, timeout and n/a rows are results |
//! | 1 | a cell crashed or gave a wrong answer, a collector failed the conformance kit, or the tool could not finish its work |
//! | 2 | usage: an unknown name, a bad option, a directory that cannot be used |
//! | 3 | `gcw cell` only: the heap limit was reached |
//! | 130 | interrupted; all measurements are kept |

#![forbid(unsafe_code)]

mod arguments;
mod build;
mod built_in;
mod child;
mod commands;
mod comparison;
mod conclusion;
mod duel_table;
mod execute;
mod experiment;
mod failure;
mod gate;
mod interrupt;
mod json;
mod kit;
mod nearest;
mod palette;
mod parse;
mod profile;
mod progress;
mod registry;
mod safety_table;
mod select;
mod sets;
mod sparkline;
mod supervise;
mod table;
mod variant;

pub use built_in::Collectors;
pub use execute::Timed;
pub use registry::{CellError, CellJob, Provider, Registry, Suite};

use arguments::{Arguments, Subcommand};
use clap::{CommandFactory, Parser};
use failure::{Exit, Failure};
use std::io::Write;
use std::process::ExitCode;

/// Runs the command line on the arguments of this process.
pub fn main(registry: Registry) -> ExitCode {
    let arguments = Arguments::parse();
    // The stream removes colours for `NO_COLOR` and where the terminal has none. It is not locked: a
    // collector may print, too, and runs on another thread.
    let mut out = anstream::stdout();
    let result = run(arguments, &registry, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    match arguments.subcommand {
        Subcommand::Run(args) => commands::run::run(args, registry, out),
        Subcommand::List(args) => commands::list::list(args, registry, out),
        Subcommand::Show(args) => commands::show::show(&args, out),
        Subcommand::Report(args) => commands::report::report(&args, out),
        Subcommand::Duel(args) => commands::duel::duel(args, registry, out),
        Subcommand::Verify(args) => commands::verify::verify(args, registry, out),
        Subcommand::VerifyChild => commands::verify_child::verify_child(registry),
        Subcommand::New(args) => commands::new::new(&args, out),
        Subcommand::Completions(args) => {
            commands::completions::completions(&args, &Arguments::command(), out)
        }
        Subcommand::Safety(args) => commands::safety::safety(args, registry, out),
        Subcommand::Cell(args) => commands::cell::cell(args, registry, out),
    }
}
