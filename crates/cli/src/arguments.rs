//! The command line as a whole: one variant per subcommand.

use crate::commands::{cell, completions, duel, list, new, report, run, safety, show, verify};

/// Compares memory-management disciplines on the same programs: memory, pauses and time.
#[derive(Debug, clap::Parser)]
#[command(name = "gcw", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done; 1 a cell crashed or gave a wrong answer, or a collector \
    failed the kit; 2 usage; 130 interrupted.\nStart with `gcw run`, then open the report whose path it prints last."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Measures a suite and writes a report.
    Run(run::Args),
    /// Lists collectors, workloads or suites.
    List(list::Args),
    /// Prints the tables of a run.
    Show(show::Args),
    /// Writes the report of one or several runs.
    Report(report::Args),
    /// Compares two cells or programs, block by block.
    Duel(duel::Args),
    /// Tests collectors: random programs against an exact model, under stress.
    Verify(verify::Args),
    /// Runs the verification jobs on standard input: `verify` and `run` start it for every collector.
    #[command(hide = true)]
    VerifyChild,
    /// Adds a new collector or workload to a checkout.
    New(new::Args),
    /// Runs faulty programs under every discipline, and prints the safety matrix.
    Safety(safety::Args),
    /// Prints the completions for a shell.
    Completions(completions::Args),
    /// Runs one cell in this process and prints its sample: `run` starts it for every cell.
    #[command(hide = true)]
    Cell(cell::Args),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
