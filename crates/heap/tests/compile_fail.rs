//! Programs that do not compile: what the types of the heap's contract refuse.
//!
//! The expected errors are those of one compiler. Under any other the programs must be refused all
//! the same, in whatever words.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The compiler whose errors stand beside the programs.
const EXPECTED_COMPILER: &str = "rustc 1.95.";

#[test]
fn the_contract_refuses_wrong_programs() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let programs = if compiler().starts_with(EXPECTED_COMPILER) {
        programs
    } else {
        // SAFETY-free way to accept any wording: a copy without expectations, which trybuild fills
        // in. Programs that compile still fail the test.
        copy_of_programs(&programs)
    };
    trybuild::TestCases::new().compile_fail(programs.join("*.rs"));
}
