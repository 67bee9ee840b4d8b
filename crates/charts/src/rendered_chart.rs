//! Renders charts for the page and to files.
//!
//! A [`Job`] names a chart and its data; [`Job::render`] calls its drawing function three times: wide
//! and narrow as SVG for the page, wide as PNG.

use crate::canvas::svg::{Picture, Svg};
use crate::canvas::{Pen, Surface, bitmap};
use crate::chart::memory::Clock;
use crate::chart::scaling::{self, Cost};
use crate::chart::{footprint, heat_map, memory, pauses, percentiles, safety, scatter, time};
use crate::layout::stamp;
use crate::scene::{RunView, Scene, Series};
use analysis::scaling::Series as Scaling;
use analysis::{Estimate, Measure, Measured, PauseSummary, format};
use anyhow::{Context as _, Result};
use record::{HeapSize, Mode, Run, Safety};
use std::fs;
use std::path::{Path, PathBuf};

/// Width of a chart in pixels.
const WIDE_PX: u32 = 760;
/// Width of a chart on a phone in pixels.
const NARROW_PX: u32 = 366;

/// A chart to draw, with its data.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job<'a> {
    /// Footprint over allocation or wall time of one scene.
    Memory(&'a Scene<'a>, Clock),
    /// Pause time distribution of one scene.
    Percentiles(&'a Scene<'a>),
    /// Pauses over time of one scene.
    Pauses(&'a Scene<'a>),
    /// Wall, CPU and teardown times of one scene.
    Time(&'a Scene<'a>),
    /// Peak footprints and leaked bytes of one scene.
    Footprint(&'a Scene<'a>),
    /// Peak memory against CPU time, all scenes of one workload (at least one).
    Scatter(&'a [Scene<'a>]),
    /// The overview of a whole run.
    Overview(&'a RunView<'a>, Measure, HeapSize),
    /// Costs over the number of live objects.
    Scaling(&'a Run, &'a Scaling, Cost),
    /// The safety matrix beside a run.
    SafetyMatrix(&'a Run, &'a Safety),
    /// Effects of stale pointers, from that matrix.
    SafetyShares(&'a Run, &'a Safety),
}

/// Properties of a chart that do not depend on the layout.
pub(crate) struct About<'a> {
    /// The kind of chart, which is also the end of its file name.
    pub(crate) kind: &'static str,
    title: &'static str,
    /// The mode whose records the chart shows; `None` for the safety charts.
    pub(crate) mode: Option<Mode>,
    run: &'a Run,
}

/// A drawn chart.
#[derive(Debug, Clone)]
pub(crate) struct RenderedChart {
    /// File name without its extension.
    pub(crate) stem: String,
    /// Layout for screens.
    pub(crate) wide: Picture,
    /// Layout for phones.
    pub(crate) narrow: Picture,
}

/// The files of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFiles {
    /// The vector picture; it follows the reader's light or dark preference.
    pub svg: PathBuf,
    /// The same picture in pixels, two per pixel of the layout.
    pub png: PathBuf,
}

impl Job<'_> {
    fn draw<S: Surface>(&self, pen: &mut Pen<'_, S>) -> f64 {
        let height = self.draw_data(pen);
        // The run's warning stands on every chart, because each may be shown alone.
        match self.about().run.manifest.stamp() {
            Some(text) => stamp::draw(pen, height, &text),
            None => height,
        }
    }

    fn draw_data<S: Surface>(&self, pen: &mut Pen<'_, S>) -> f64 {
        match self {
            Self::Memory(scene, clock) => memory::draw(pen, scene, *clock),
            Self::Percentiles(scene) => percentiles::draw(pen, scene),
            Self::Pauses(scene) => pauses::draw(pen, scene),
            Self::Time(scene) => time::draw(pen, scene),
            Self::Footprint(scene) => footprint::draw(pen, scene),
            Self::Scatter(scenes) => scatter::draw(pen, scenes),
            Self::Overview(view, measure, heap) => heat_map::draw(pen, view, *measure, *heap),
            Self::Scaling(run, series, cost) => scaling::draw(pen, run, series, *cost),
            Self::SafetyMatrix(_, matrix) => safety::draw_matrix(pen, matrix),
            Self::SafetyShares(_, matrix) => safety::draw_shares(pen, matrix),
        }
    }

    /// The properties of this chart.
    pub(crate) fn about(&self) -> About<'_> {
        let time = Some(Mode::Time);
        let memory = Some(Mode::Memory);
        let (kind, title, mode, run) = match self {
            Self::Memory(scene, Clock::Allocation) => {
                ("memory", Clock::Allocation.title(), memory, scene.run)
            }
            Self::Memory(scene, Clock::Wall) => {
                ("memory-wall", Clock::Wall.title(), memory, scene.run)
            }
            Self::Percentiles(scene) => ("percentiles", percentiles::TITLE, time, scene.run),
            Self::Pauses(scene) => ("pauses", pauses::TITLE, time, scene.run),
            Self::Time(scene) => ("time", time::TITLE, time, scene.run),
            Self::Footprint(scene) => ("footprint", footprint::TITLE, memory, scene.run),
            Self::Scatter(scenes) => ("memory-against-time", scatter::TITLE, memory, scenes[0].run),
            Self::Overview(view, Measure::PeakFootprint, _) => {
                ("overview-memory", heat_map::title(Measure::PeakFootprint), memory, view.run)
            }
            Self::Overview(view, measure, _) => {
                ("overview-time", heat_map::title(*measure), time, view.run)
            }
            Self::Scaling(run, _, Cost::Time) => {
                ("time-per-object", Cost::Time.title(), time, *run)
            }
            Self::Scaling(run, _, Cost::Queue) => ("queues", Cost::Queue.title(), time, *run),
            Self::SafetyMatrix(run, _) => ("safety-matrix", safety::MATRIX_TITLE, None, *run),
            Self::SafetyShares(run, _) => ("safety-shares", safety::SHARES_TITLE, None, *run),
        };
        About { kind, title, mode, run }
    }

    /// The chart in words, for readers who cannot see it.
    fn description(&self) -> String {
        let listed = |scene: &Scene<'_>, name: &str, value: &dyn Fn(&Series<'_>) -> String| {
            let values: Vec<String> =
                scene.series.iter().map(|s| format!("{} {}", s.name(), value(s))).collect();
            format!("{}. {name}: {}.", scene.facts("all collectors"), values.join("; "))
        };
        let median = |measured: &Measured<Estimate>, written: fn(f64) -> String| {
            measured.as_ref().map(|estimate| written(estimate.median)).to_string()
        };
        match self {
            Self::Memory(scene, _) | Self::Footprint(scene) => {
                listed(scene, "Peak footprint", &|s| {
                    median(&s.row.peak_footprint_bytes, format::bytes)
                })
            }
            Self::Percentiles(scene) | Self::Pauses(scene) => {
                let words = |pauses: &PauseSummary| match pauses.longest {
                    Some(longest) => {
                        format!("{} of {}", format::duration_ns(longest.wall_ns as f64), pauses.n)
                    }
                    None => "none".to_owned(),
                };
                listed(scene, "Longest pause", &|s| s.row.pauses.as_ref().map(words).to_string())
            }
            Self::Time(scene) => {
                listed(scene, "Median wall time", &|s| median(&s.row.wall_ns, format::duration_ns))
            }
            Self::Scatter(scenes) => {
                listed(&scenes[scenes.len() / 2], "CPU time and peak footprint", &|s| {
                    let time = median(&s.row.cpu_ns, format::duration_ns);
                    format!("{time} and {}", median(&s.row.peak_footprint_bytes, format::bytes))
                })
            }
            Self::Overview(_, measure, heap) => format!(
                "Workloads by collectors, median {} over the best of the row, heap {heap}. \
                 The tables of the workloads hold the numbers.",
                measure.name()
            ),
            Self::Scaling(run, series, cost) => scaling::describe(run, series, *cost),
            Self::SafetyMatrix(_, matrix) => safety::describe_matrix(matrix),
            Self::SafetyShares(_, matrix) => safety::describe_shares(matrix),
        }
    }

    /// Draws the chart as SVG, wide and narrow, and writes the wide one to `directory` as `stem.svg`
    /// and `stem.png`.
    ///
    /// # Errors
    /// If a file cannot be written; the error names its path.
    pub(crate) fn render(
        &self,
        stem: String,
        dark_rules: &str,
        directory: &Path,
    ) -> Result<(RenderedChart, ChartFiles)> {
        let wide = self.picture(WIDE_PX)?;
        let narrow = self.picture(NARROW_PX)?;
        let svg = directory.join(format!("{stem}.svg"));
        fs::write(&svg, wide.standalone(dark_rules))
            .with_context(|| format!("cannot write {}", svg.display()))?;
        let png = directory.join(format!("{stem}.png"));
        self.write_png(&wide, &png)?;
        Ok((RenderedChart { stem, wide, narrow }, ChartFiles { svg, png }))
    }

    fn picture(&self, width_px: u32) -> Result<Picture> {
        let mut surface = Svg::new(width_px);
        let mut pen = Pen::new(&mut surface, width_px);
        let height = self.draw(&mut pen);
        pen.finish()?;
        Ok(Picture {
            body: surface.into_body(),
            width_px,
            height_px: height.ceil() as u32,
            title: self.about().title.to_owned(),
            description: self.description(),
        })
    }

    fn write_png(&self, wide: &Picture, file: &Path) -> Result<()> {
        let mut buffer = bitmap::buffer(wide.width_px, wide.height_px);
        let mut surface = bitmap::Bitmap::new(&mut buffer, wide.width_px, wide.height_px);
        let mut pen = Pen::new(&mut surface, wide.width_px);
        self.draw(&mut pen);
        pen.finish()?;
        drop(surface);
        bitmap::write_png(&buffer, wide.width_px, wide.height_px, file)
    }
}

/// All charts of one scene, in the order of the page.
pub(crate) fn of_scene<'a>(scene: &'a Scene<'a>) -> [Job<'a>; 6] {
    [
        Job::Memory(scene, Clock::Allocation),
        Job::Memory(scene, Clock::Wall),
        Job::Percentiles(scene),
        Job::Pauses(scene),
        Job::Time(scene),
        Job::Footprint(scene),
    ]
}
