//! Native programs on mimalloc; see [`benches::native`].

#![forbid(unsafe_code)]

use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    benches::native::main("mimalloc")
}
