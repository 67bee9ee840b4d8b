//! The report: a self-contained page, and the same numbers for other programs.
//!
//! One directory holds `index.html` (self-contained, offline), `summary.md`, `cells.csv`,
//! `pauses.csv` and `charts/` with every picture as SVG and PNG.

mod csv;
mod figures;
mod markdown;
mod page;
mod safety;
mod tables;
mod trust;

use crate::canvas::palette;
use crate::rendered_chart::ChartFiles;
use crate::scene::RunView;
use anyhow::{Context as _, Result, bail};
use record::{CollectorInfo, Run};
use std::fs;
use std::path::{Path, PathBuf};

/// The paths of a written report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPaths {
    /// The page.
    pub page: PathBuf,
    /// The tables in Markdown.
    pub summary: PathBuf,
    /// One row per record.
    pub cells: PathBuf,
    /// The distribution of the pauses of every record.
    pub pauses: PathBuf,
    /// The charts, in the order of the page.
    pub charts: Vec<ChartFiles>,
}

/// Writes the report on these runs into the directory `out`, created if it does not exist; replaces
/// files of an earlier report.
///
/// Several runs follow one another on the page: measurements of different runs are not pooled.
///
/// # Errors
/// If there is no run, or a file or directory cannot be written; the error names its path.
pub fn write_report(runs: &[Run], out: &Path) -> Result<ReportPaths> {
    if runs.is_empty() {
        bail!("no run to report on; name at least one run directory");
    }
    let charts_directory = out.join("charts");
    fs::create_dir_all(&charts_directory).with_context(|| {
        format!(
            "cannot create the report directory {}; choose a directory you may write to",
            charts_directory.display()
        )
    })?;
    let views: Vec<RunView<'_>> = runs.iter().map(RunView::new).collect();
    let collectors: Vec<&CollectorInfo> = views.iter().flat_map(RunView::collectors).collect();
    let dark_rules = palette::dark_rules(&collectors, "");
    let (figures, charts) = figures::draw_all(&views, &dark_rules, &charts_directory)?;
    let page = page::render(&views, &figures, &palette::dark_rules(&collectors, "svg.chart "));
    Ok(ReportPaths {
        page: write(out, "index.html", &page)?,
        summary: write(out, "summary.md", &markdown::render(&views))?,
        cells: write(out, "cells.csv", &csv::cells(runs))?,
        pauses: write(out, "pauses.csv", &csv::pauses(runs))?,
        charts,
    })
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = directory.join(name);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
