//! Resolves the names on the command line; for an unknown one the error suggests the nearest.

use crate::failure::Failure;
use crate::nearest::unknown;
use crate::profile::Profile;
use crate::registry::Registry;
use crate::{sets, variant};
use clap::ValueEnum;
use record::{CollectorInfo, WorkloadInfo};
use std::path::Path;

/// The collectors named, in registry order, each before its variants; all of them, without variants, if
/// none is named.
pub(crate) fn collectors(
    registry: &Registry,
    wanted: &[String],
) -> Result<Vec<CollectorInfo>, Failure> {
    let known = registry.collectors();
    let (mut plain, mut variants) = (Vec::new(), Vec::new());
    let mut patterns = Vec::new();
    for pattern in wanted {
        match pattern.starts_with('@') {
            false => patterns.push(pattern.clone()),
            true => patterns.extend(sets::members(registry, pattern).ok_or_else(|| {
                Failure::Usage(format!(
                    "there is no set '{pattern}'; the sets are {}",
                    sets::names().join(", ")
                ))
            })?),
        }
    }
    for pattern in &patterns {
        let is_known = known.iter().any(|c| fits(pattern, &c.name));
        let expanded = if is_known { Ok(None) } else { variant::expand(registry, pattern) };
        match expanded.map_err(Failure::Usage)? {
            None => plain.push(pattern.clone()),
            Some(more) => variants.extend(more),
        }
    }
    let bases = match plain.is_empty() && !variants.is_empty() {
        true => Vec::new(),
        false => pick("collector", known, |c| &c.name, &plain)?,
    };
    let mut chosen = Vec::new();
    for base in known {
        chosen.extend(bases.iter().filter(|c| c.name == base.name).cloned());
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in variants.iter().filter(|(_, of)| *of == base.name) {
            if !names.contains(&name) {
                chosen.push(variant::info(base, name.clone(), names.len()));
                names.push(name);
            }
        }
    }
    Ok(chosen)
}

/// The workloads named, in suite order; all of them if none is named.
pub(crate) fn workloads(
    known: &[WorkloadInfo],
    wanted: &[String],
) -> Result<Vec<WorkloadInfo>, Failure> {
    pick("workload", known, |w| &w.name, wanted)
}

/// The suite to run: a built-in name, or the absolute path of a suite file. Without an argument
/// the first built-in one.
pub(crate) fn suite(registry: &Registry, wanted: Option<&str>) -> Result<String, Failure> {
    let names: Vec<&str> = registry.suites().iter().map(|s| s.name.as_str()).collect();
    let Some(wanted) = wanted else {
        let first = names.first().ok_or_else(|| Failure::Usage("there is no suite to run".into()));
        return first.map(|name| (*name).to_owned());
    };
    if names.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    let path = Path::new(wanted);
    if path.is_file() {
        // A resumed run may start in another directory.
        return Ok(path.canonicalize()?.display().to_string());
    }
    if Profile::from_str(wanted, false).is_ok() {
        let message = format!("'{wanted}' is a profile, not a suite: write --profile {wanted}");
        return Err(Failure::Usage(message));
    }
    Err(Failure::Usage(format!("{}, or name a suite file", unknown("suite", wanted, &names))))
}

/// The known items with the `wanted` names; all without any. A trailing `*` stands for any ending, so
/// that `binary-trees*` selects all variants.
fn pick<T: Clone>(
    what: &str,
    known: &[T],
    name: impl Fn(&T) -> &str,
    wanted: &[String],
) -> Result<Vec<T>, Failure> {
    let matches = |pattern: &str, item: &T| fits(pattern, name(item));
    for pattern in wanted {
        if !known.iter().any(|item| matches(pattern, item)) {
            let names: Vec<&str> = known.iter().map(&name).collect();
            return Err(Failure::Usage(unknown(what, pattern, &names)));
        }
    }
    let chosen = |item: &&T| wanted.is_empty() || wanted.iter().any(|p| matches(p, item));
    Ok(known.iter().filter(chosen).cloned().collect())
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] =
        ["rc", "rc|count-loads", "mark-sweep", "binary-trees", "binary-trees@regions"];

    fn check(wanted: &[&str], expected: Result<&[&str], &[&str]>) {
        let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
        match (pick("workload", &KNOWN, |name| name, &wanted), expected) {
            (Ok(found), Ok(names)) => assert_eq!(found, names),
            (Err(Failure::Usage(text)), Err(parts)) => {
                assert!(parts.iter().all(|part| text.contains(part)), "{text}");
            }
            (found, _) => panic!("{wanted:?} gave {found:?}"),
        }
    }

    #[test]
    fn names_select_exactly_and_in_registry_order() {
        check(&[], Ok(&KNOWN));
        check(&["mark-sweep", "rc"], Ok(&["rc", "mark-sweep"]));
        check(&["rc", "rc"], Ok(&["rc"]));
        check(&["binary-trees@regions"], Ok(&["binary-trees@regions"]));
    }

    #[test]
    fn a_star_selects_all_variants() {
        check(&["binary-trees*"], Ok(&["binary-trees", "binary-trees@regions"]));
        check(&["*"], Ok(&KNOWN));
    }

    #[test]
    fn an_unknown_name_offers_the_nearest_and_the_list() {
        check(
            &["mark-swep"],
            Err(&["'mark-swep'", "did you mean 'mark-sweep'?", "gcw list workloads"]),
        );
        check(&["rc", "binary-tree"], Err(&["did you mean 'binary-trees'?"]));
        check(&["zzz*"], Err(&["'zzz*'", "`gcw list workloads` lists all"]));
    }
}
