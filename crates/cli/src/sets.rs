//! Sets of collectors with a name, such as `@headline`, and the workloads of a run that names none.

use crate::registry::Registry;
use record::{CollectorInfo, Family, WorkloadInfo};

/// A name and its members.
type Set = (&'static str, Members);

enum Members {
    Names(&'static [&'static str]),
    Families(&'static [Family]),
    All,
}

/// The set of a run that names no collectors: one collector for each way of managing memory.
pub(crate) const HEADLINE: &str = "@headline";

const SETS: [Set; 5] = [
    (
        HEADLINE,
        Members::Names(&[
            "ownership",
            "rc",
            "rc-cycles",
            "mark-sweep",
            "mark-compact",
            "generational",
            "immix",
            "mark-sweep-concurrent",
        ]),
    ),
    ("@rust", Members::Names(&["region", "ownership", "rc", "rc-weak", "mark-sweep"])),
    (
        "@tracing",
        Members::Families(&[
            Family::Tracing,
            Family::Concurrent,
            Family::Moving,
            Family::Generational,
        ]),
    ),
    ("@counting", Members::Families(&[Family::ReferenceCounting])),
    ("@all", Members::All),
];

/// The workloads of a run that names none: lifetimes, shapes and pathologies, each once.
const WORKLOADS: [&str; 6] =
    ["gcbench", "splay", "lru-cache", "message-window", "cycle-torture", "mutation-storm"];

/// Names of all sets.
pub(crate) fn names() -> Vec<&'static str> {
    SETS.iter().map(|(name, _)| *name).collect()
}

/// The names of a set's members among the collectors of the registry; `None` for an unknown set.
pub(crate) fn members(registry: &Registry, set: &str) -> Option<Vec<String>> {
    let (_, members) = SETS.iter().find(|(name, _)| *name == set)?;
    let is_member = |collector: &&CollectorInfo| match members {
        Members::Names(names) => names.contains(&collector.name.as_str()),
        Members::Families(families) => families.contains(&collector.family),
        Members::All => true,
    };
    Some(registry.collectors().iter().filter(is_member).map(|c| c.name.clone()).collect())
}

/// The collectors of a run that names none: the headline, or all of a registry that has none of it.
pub(crate) fn default_collectors(registry: &Registry) -> Vec<String> {
    let headline = members(registry, HEADLINE).unwrap_or_default();
    if headline.is_empty() { vec!["*".to_owned()] } else { headline }
}

/// The workloads of a run that names none: those of the list, or all of a suite that has none of them.
pub(crate) fn default_workloads(known: &[WorkloadInfo]) -> Vec<String> {
    let has = |name: &str| known.iter().any(|workload| workload.name == name);
    WORKLOADS.iter().filter(|name| has(name)).map(|&name| name.to_owned()).collect()
}
