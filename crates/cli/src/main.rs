//! The `gcw` binary: the command line over the built-in registry.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    gcw::main(gcw::Registry::built_in())
}
