//! Charts and the report: everything a run shows, drawn from its records alone.
//!
//! [`write_report`] is the whole interface: runs in, a directory out. The way through the code:
//!
//! * `scene` puts together what is shown together: one workload at one heap size, all collectors;
//! * `chart` holds one file per chart, each one plain function over a scene;
//! * `layout` holds what charts share: scales, axes, frames, labels that keep clear of each other;
//! * `canvas` is the pen, the inks and the two surfaces (SVG and PNG) beneath them, both of them
//!   plotters backends;
//! * `chart` draws every chart on both surfaces, in parallel;
//! * `report` writes the page, the summary and the tables.
//!
//! **Invariants:** a chart never opens a heap nor a registry: name, family, colour and line style of
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
