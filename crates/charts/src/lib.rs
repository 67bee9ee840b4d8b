//! Draws the charts and writes the report of a run, from its records alone.
//!
//! [`write_report`] is the whole interface: runs in, a directory out. Modules in reading order:
//!
//! * `scene` selects the records of a chart: one workload at one heap size, all collectors;
//! * `chart` holds one file per chart, each one plain function over a scene;
//! * `layout` holds scales, axes, frames and the placement of labels;
//! * `canvas` is the pen, the inks and the two surfaces (SVG and PNG), which are plotters backends;
//! * `rendered_chart` draws every chart on both surfaces, in parallel;
//! * `report` writes the page, the summary and the tables.
//!
//! **Invariants:** a chart opens neither a heap nor a registry: name, family, colour and line style of
//! a collector travel in the manifest. Statistics come from `analysis`; nothing is estimated here.

#![forbid(unsafe_code)]

mod canvas;
mod chart;
mod layout;
mod rendered_chart;
mod report;
mod scene;

pub use rendered_chart::ChartFiles;
pub use report::{ReportPaths, write_report};
