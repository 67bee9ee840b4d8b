//! The plan of a run, its collectors and workloads, and its machine.

use crate::{Cell, HeapSize, Mode, Size};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An sRGB colour as `#rrggbb`, for a light and for a dark page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// On a light page.
    pub light: String,
    /// On a dark page.
    pub dark: String,
}

/// The dash pattern of a collector's line, which distinguishes members of one family without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineStyle {
    /// A full line.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

/// The family of a collector, which determines its hue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Controls: no collector at all, oracles.
    Control,
    /// Regions, explicit free, ownership.
    Ownership,
    /// Reference counting.
    ReferenceCounting,
    /// Stop-the-world tracing that does not move objects.
    Tracing,
    /// Incremental and concurrent tracing.
    Concurrent,
    /// Moving collectors.
    Moving,
    /// Generational and mark-region collectors.
    Generational,
}

/// The description of a collector for charts and tables, which consult no registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectorInfo {
    /// Registry name with parameters; equals [`crate::Cell::collector`].
    pub name: String,
    /// Family.
    pub family: Family,
    /// One-line description.
    pub summary: String,
    /// Capabilities as short words, such as `cycles`, `bounded`, `regions`, `parks`.
    pub capabilities: Vec<String>,
    /// Fixed colour in every chart.
    pub colour: Colour,
    /// Fixed line style in every chart.
    pub line: LineStyle,
    /// Whether the collector collects when the heap limit is reached, so that a heap multiple binds it.
    pub bounded: bool,
}

/// The description of a workload for charts and tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkloadInfo {
    /// Name with variant; equals [`crate::Cell::workload`].
    pub name: String,
    /// One-line description.
    pub summary: String,
    /// Prose: the disciplines that the workload separates, and why.
    pub analysis: String,
    /// The source of the program and of its answer.
    pub source: String,
    /// Seed of its random numbers; its answer belongs to this seed.
    pub seed: u64,
    /// Input size of this run.
    pub size: Size,
    /// The parameters of that size, in reading order of the suite file.
    pub parameters: BTreeMap<String, u64>,
    /// Recorded peak of live bytes: the denominator of heap multiples.
    pub peak_live_bytes: u64,
}

/// The smallest footprint limit at which a collector finishes a workload with the right answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MinimumHeap {
    /// Collector, as in [`Cell::collector`].
    pub collector: String,
    /// Workload, as in [`Cell::workload`].
    pub workload: String,
    /// The limit.
    pub bytes: u64,
}

/// Fingerprint of the machine and the build.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// Processor model.
    pub cpu: String,
    /// Number of processors that the process may use.
    pub cpus: u32,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Operating system and kernel release.
    pub os: String,
    /// Compiler that built the tool.
    pub rustc: String,
    /// `release` or `debug`.
    pub build: String,
    /// Commit the tool was built from, with `+` where the tree was dirty; `unknown` outside a checkout.
    pub commit: String,
    /// Address-space layout randomisation, huge pages, governor and others, as read, or `absent`.
    pub settings: BTreeMap<String, String>,
    /// Load average (1 min) when the run began.
    pub load_before: f64,
}

/// `run.json`: the plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// Short identifier, also the default directory name.
    pub run_id: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// The exact command that reproduces the run.
    pub command: String,
    /// Seed of the block order.
    pub seed: u64,
    /// Profile name: `smoke`, `quick`, `full` or `scale`.
    pub profile: String,
    /// Suite name.
    pub suite: String,
    /// Blocks planned (repeats of every time cell): all of them, or with a budget the fewest.
    pub repeats: u32,
    /// Time for the blocks of timed cells. More blocks than `repeats` are run as long as they fit, first
    /// where the intervals are widest. Absent for a run of exactly `repeats` blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_ms: Option<u64>,
    /// The collector to whose measurements all others are related; it is run twice in every block. Absent in
    /// runs without a twin, and in runs of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The sides of a duel, the reference last. Empty for a run of a matrix of collectors and heap sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Cell>,
    /// Command lines of external programs, by [`Cell::collector`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, String>,
    /// Recorded minimum heaps of the pairs of this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minimum_heaps: Vec<MinimumHeap>,
    /// Heap sizes planned.
    pub heaps: Vec<HeapSize>,
    /// Modes planned; all modes in runs of earlier versions.
    #[serde(default = "all_modes")]
    pub modes: Vec<Mode>,
    /// Per-cell time limit in milliseconds.
    pub timeout_ms: u64,
    /// Collectors in registry order.
    pub collectors: Vec<CollectorInfo>,
    /// Workloads in suite order.
    pub workloads: Vec<WorkloadInfo>,
    /// Collectors that had failed the conformance kit when the run began. Absent in runs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified: Vec<String>,
    /// Machine and build.
    pub environment: Environment,
}

fn all_modes() -> Vec<Mode> {
    Mode::ALL.to_vec()
}

impl Manifest {
    /// The warning for every chart and table of this run; `None` if all collectors passed the kit.
    pub fn stamp(&self) -> Option<String> {
        let names = self.unverified.join(", ");
        (!names.is_empty()).then(|| format!("UNVERIFIED: {names} failed the conformance kit"))
    }
}
