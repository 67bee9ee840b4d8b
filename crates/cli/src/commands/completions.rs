//! `gcw completions`: the completion script of a shell.

use crate::failure::{Exit, Failure};
use clap_complete::Shell;
use std::io::Write;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For example: gcw completions bash > ~/.local/share/bash-completion/completions/gcw"
)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the script for `whole`, the command line of this program.
pub(crate) fn completions(
    args: &Args,
    whole: &clap::Command,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    // The generators also complete hidden subcommands, so these are left out here.
    let shown = whole.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    let mut shown = clap::Command::new("gcw").version(env!("CARGO_PKG_VERSION")).subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown, "gcw", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Fine)
}
