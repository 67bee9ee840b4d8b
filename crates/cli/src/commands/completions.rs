//! `gcw completions`: what a shell needs to complete the command line.

use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};
use clap::CommandFactory;
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

pub(crate) fn completions(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let whole = Arguments::command();
    // The generators know no hidden subcommands: what is not shown is left out here.
    let shown = whole.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    let mut shown = clap::Command::new("gcw").version(env!("CARGO_PKG_VERSION")).subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown, "gcw", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Fine)
}
