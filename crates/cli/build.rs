//! Records compiler, commit and optimisation of this build, which every record of a run carries.

use std::env;
use std::path::Path;
use std::process::Command;

/// The tool's sources, from this crate. A change in any of them changes the build.
const SOURCES: [&str; 3] = ["../../crates", "../../workloads", "../../Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES.iter().filter(|source| Path::new(source).exists()) {
        println!("cargo::rerun-if-changed={source}");
    }
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = output(&rustc, &["--version"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GCW_RUSTC={version}");
    println!("cargo::rustc-env=GCW_COMMIT={}", commit().unwrap_or_else(|| "unknown".to_owned()));
    let optimised = env::var("OPT_LEVEL").is_ok_and(|level| level != "0");
    println!("cargo::rustc-env=GCW_BUILD={}", if optimised { "release" } else { "debug" });
}

/// The commit, with `+` where the tree differs from it; `None` outside a checkout.
fn commit() -> Option<String> {
    // The log of the head changes with every commit, the head itself only with the branch.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    let head = output("git", &["rev-parse", "--short=10", "HEAD"])?;
    // Without locks git does not rewrite its index, which would look like a change.
    let changes = ["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"];
    let dirty = !output("git", &changes)?.is_empty();
    Some(if dirty { format!("{head}+") } else { head })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
