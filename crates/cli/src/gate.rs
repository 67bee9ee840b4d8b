//! The gate before every measurement.
//!
//! **Invariant:** no collector reaches a chart unverified, unless the chart says so.
//!
//! Every collector runs a few of the conformance kit's programs before it is measured, about two seconds
//! for all. Passes are cached by the hash of this program, so that the next run of the same build begins
//! at once. A registry without a kit has no gate.

use crate::build;
use crate::child::quoted;
use crate::failure::{Failure, warn};
use crate::kit::{Kit, in_full, processors};
use crate::registry::Registry;
use crate::supervise::Limits;
use conformance::Job;
use runner::Interrupt;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// Programs for each collector.
const SEEDS: u64 = 20;
/// The same for a build without optimisation, which takes about twenty times as long.
const SEEDS_DEBUG: u64 = 2;
/// Builds in the cache.
const BUILDS: usize = 16;

/// Verifies these collectors; returns those that fail, all of which are `tolerated`.
///
/// # Errors
/// If another one fails: its failure, and what to do. If interrupted, or no child can be started.
pub(crate) fn pass(
    registry: &Registry,
    names: &[&str],
    tolerated: &[&str],
    interrupt: &Interrupt,
) -> Result<Vec<String>, Failure> {
    if !registry.has_kit() {
        return Ok(Vec::new());
    }
    let mut passed = Passes::of_this_program();
    let unknown = names.iter().filter(|name| !passed.has(name));
    let seeds = if build::build().profile == "debug" { SEEDS_DEBUG } else { SEEDS };
    let jobs: Vec<Job> = unknown.map(|name| Job::of(name, 0..seeds)).collect();
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let kit = Kit { limits: Limits::default(), at_once: processors(), interrupt };
    let (mut failed, mut refused) = (Vec::new(), Vec::new());
    for verified in kit.verify(jobs)? {
        let name = verified.job.collector;
        match verified.report.failure {
            None => passed.add(name),
            Some(failure) => {
                if tolerated.contains(&name.as_str()) {
                    warn(&format!("{name} fails the conformance kit: {}", failure.message));
                } else {
                    refused.push((name.clone(), failure));
                }
                failed.push(name);
            }
        }
    }
    passed.keep();
    match refused.split_first() {
        None => Ok(failed),
        Some(((first, _), _)) => {
            let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
            let failures: Vec<String> =
                refused.iter().map(|(_, f)| format!("\n\n{}", in_full(f, registry))).collect();
            Err(Failure::Broken(anyhow::anyhow!(
                "refused: {} failed the conformance kit, so nothing was measured; `gcw verify {}` \
                 gives details, `--unverified` measures anyway and marks every chart{}",
                names.join(", "),
                quoted(first),
                failures.concat()
            )))
        }
    }
}

/// The collectors that have passed, per build. A cache: if it cannot be read or written, collectors are
/// verified again.
struct Passes {
    file: PathBuf,
    builds: Vec<Build>,
    /// Hash of this program; `None` if it cannot be read, and then nothing is cached.
    hash: Option<String>,
}

/// The entry of one build.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Build {
    hash: String,
    passed: Vec<String>,
}

impl Passes {
    fn of_this_program() -> Self {
        let hash = env::current_exe().and_then(|program| hash_of(&program)).ok();
        Self::at(cache_file(), hash)
    }

    fn at(file: PathBuf, hash: Option<String>) -> Self {
        let builds = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { file, builds: builds.unwrap_or_default(), hash }
    }

    fn has(&self, name: &str) -> bool {
        let this = |build: &&Build| Some(&build.hash) == self.hash.as_ref();
        let build = self.builds.iter().find(this);
        build.is_some_and(|build| build.passed.iter().any(|passed| passed == name))
    }

    fn add(&mut self, name: String) {
        let Some(hash) = &self.hash else { return };
        let place = self.builds.iter().position(|build| build.hash == *hash);
        let mut build = place.map_or_else(Build::default, |place| self.builds.remove(place));
        build.hash.clone_from(hash);
        build.passed.push(name);
        self.builds.insert(0, build);
        self.builds.truncate(BUILDS);
    }

    /// Writes a temporary file and renames it, so that no reader sees half of one.
    fn keep(&self) {
        let temporary = self.file.with_extension(process::id().to_string());
        let write = || -> io::Result<()> {
            fs::create_dir_all(self.file.parent().unwrap_or(Path::new(".")))?;
            fs::write(&temporary, serde_json::to_vec(&self.builds)?)?;
            fs::rename(&temporary, &self.file)
        };
        if write().is_err() {
            // It may never have been written.
            let _ = fs::remove_file(&temporary);
        }
    }
}

fn hash_of(program: &Path) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(program)?);
    Ok(format!("{:016x}", hasher.finish()))
}

/// In the user's cache directory, or among the temporary files.
fn cache_file() -> PathBuf {
    let directory = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = directory("XDG_CACHE_HOME").or_else(|| Some(directory("HOME")?.join(".cache")));
    cache.unwrap_or_else(env::temp_dir).join("gcw/verified.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_known_to_the_same_build_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gcw/verified.json");
        let at = |hash: &str| Passes::at(file.clone(), Some(hash.to_owned()));
        let mut first = at("1");
        first.add("rc".to_owned());
        first.add("rc-weak".to_owned());
        first.keep();
        assert!(at("1").has("rc") && at("1").has("rc-weak") && !at("1").has("region"));
        assert!(!at("2").has("rc") && !Passes::at(file.clone(), None).has("rc"));
        for build in 2..30 {
            let mut next = at(&build.to_string());
            next.add("rc".to_owned());
            next.keep();
        }
        assert!(at("29").has("rc") && !at("1").has("rc"), "the oldest are forgotten");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_cache_that_is_nonsense_or_cannot_be_written_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("verified.json");
        fs::write(&file, "[{]").unwrap();
        let mut passed = Passes::at(file.clone(), Some("1".to_owned()));
        assert!(!passed.has("rc"));
        passed.add("rc".to_owned());
        passed.keep();
        assert!(Passes::at(file.clone(), Some("1".to_owned())).has("rc"));
        let unwritable = Passes::at(file.join("below/a/file.json"), Some("1".to_owned()));
        unwritable.keep();
    }
}
