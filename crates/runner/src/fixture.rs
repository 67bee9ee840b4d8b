//! A small manifest for the tests of this crate.

use record::{
    CollectorInfo, Colour, Family, LineStyle, Manifest, SCHEMA_VERSION, Size, WorkloadInfo,
};
use std::collections::BTreeMap;

/// Two workloads, one collector that a heap multiple binds and one that it does not.
pub(crate) fn manifest(seed: u64) -> Manifest {
    let collector = |name: &str, bounded| CollectorInfo {
        name: name.to_owned(),
        family: Family::Tracing,
        summary: String::new(),
        capabilities: Vec::new(),
        colour: Colour { light: "#0072b2".to_owned(), dark: "#4da3e0".to_owned() },
        line: LineStyle::Solid,
        bounded,
    };
    let workload = |name: &str| WorkloadInfo {
        name: name.to_owned(),
        summary: String::new(),
        analysis: String::new(),
        source: String::new(),
        seed: 1,
        size: Size::Small,
        parameters: BTreeMap::new(),
        peak_live_bytes: 1000,
    };
    Manifest {
        schema: SCHEMA_VERSION,
        seed,
        repeats: 5,
        reference: Some("bound".to_owned()),
        heaps: ["1.5x", "3x", "64MiB"].map(|heap| heap.parse().expect("a heap size")).to_vec(),
        modes: record::Mode::ALL.to_vec(),
        collectors: vec![collector("loose", false), collector("bound", true)],
        workloads: vec![workload("a"), workload("b")],
        ..Manifest::default()
    }
}

/// All pairs can work.
pub(crate) fn any(_: &str, _: &str) -> Result<(), String> {
    Ok(())
}

/// One pair cannot work.
pub(crate) fn some_refused(collector: &str, workload: &str) -> Result<(), String> {
    match (collector, workload) {
        ("loose", "b") => Err("no cycles".to_owned()),
        _ => Ok(()),
    }
}
