//! Native programs on the system's allocator (glibc malloc on most Linux systems); see
//! [`benches::native`].

#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: System = System;

fn main() -> ExitCode {
    benches::native::main("glibc")
}
