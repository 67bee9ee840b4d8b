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
use analysis::{Estimate, Measure, Measured, format};
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
        match self.stamp() {
            Some(text) => stamp::draw(pen, height, &text),
            None => height,
        }
    }

    /// The run's warning, repeated on every chart because each may be shown alone.
    fn stamp(&self) -> Option<String> {
        let run = match self {
            Self::Memory(scene, _)
            | Self::Percentiles(scene)
            | Self::Pauses(scene)
            | Self::Time(scene)
            | Self::Footprint(scene) => scene.run,
            Self::Scatter(scenes) => scenes[0].run,
            Self::Overview(view, ..) => view.run,
            Self::Scaling(run, ..) | Self::SafetyMatrix(run, _) | Self::SafetyShares(run, _) => run,
        };
        run.manifest.stamp()
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

    fn title(&self) -> &'static str {
        match self {
            Self::Memory(_, clock) => clock.title(),
            Self::Percentiles(_) => percentiles::TITLE,
            Self::Pauses(_) => pauses::TITLE,
            Self::Time(_) => time::TITLE,
            Self::Footprint(_) => footprint::TITLE,
            Self::Scatter(_) => scatter::TITLE,
            Self::Overview(_, measure, _) => heat_map::title(*measure),
            Self::Scaling(_, _, cost) => cost.title(),
            Self::SafetyMatrix(..) => safety::MATRIX_TITLE,
            Self::SafetyShares(..) => safety::SHARES_TITLE,
        }
    }

    /// The mode whose records the chart shows; `None` for the safety charts.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self {
            Self::Memory(..)
            | Self::Footprint(_)
            | Self::Scatter(_)
            | Self::Overview(_, Measure::PeakFootprint, _) => Some(Mode::Memory),
            Self::Percentiles(_)
            | Self::Pauses(_)
            | Self::Time(_)
            | Self::Scaling(..)
            | Self::Overview(..) => Some(Mode::Time),
            Self::SafetyMatrix(..) | Self::SafetyShares(..) => None,
        }
    }

    /// The kind of chart, which is also the end of its file name.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Memory(_, Clock::Allocation) => "memory",
            Self::Memory(_, Clock::Wall) => "memory-wall",
            Self::Percentiles(_) => "percentiles",
            Self::Pauses(_) => "pauses",
            Self::Time(_) => "time",
            Self::Footprint(_) => "footprint",
            Self::Scatter(_) => "memory-against-time",
            Self::Overview(_, Measure::PeakFootprint, _) => "overview-memory",
            Self::Overview(..) => "overview-time",
            Self::Scaling(_, _, Cost::Time) => "time-per-object",
            Self::Scaling(_, _, Cost::Queue) => "queues",
            Self::SafetyMatrix(..) => "safety-matrix",
            Self::SafetyShares(..) => "safety-shares",
        }
    }

    /// The chart in words, for readers who cannot see it.
    fn description(&self) -> String {
        let listed = |scene: &Scene<'_>, name: &str, value: &dyn Fn(&Series<'_>) -> String| {
            let values: Vec<String> =
                scene.series.iter().map(|s| format!("{} {}", s.name(), value(s))).collect();
            format!("{}. {name}: {}.", scene.facts("all collectors"), values.join("; "))
        };
        let median = |measured: &Measured<Estimate>, written: fn(f64) -> String| match measured {
            Measured::Known(estimate) => written(estimate.median),
            Measured::Missing(reason) => format!("n/a ({reason})"),
        };
        match self {
            Self::Memory(scene, _) | Self::Footprint(scene) => {
                listed(scene, "Peak footprint", &|s| {
                    median(&s.row.peak_footprint_bytes, format::bytes)
                })
            }
            Self::Percentiles(scene) | Self::Pauses(scene) => {
                listed(scene, "Longest pause", &|s| match &s.row.pauses {
                    Measured::Known(p) => match p.longest {
                        Some(longest) => {
                            format!("{} of {}", format::duration_ns(longest.wall_ns as f64), p.n)
                        }
                        None => "none".to_owned(),
                    },
                    Measured::Missing(reason) => format!("n/a ({reason})"),
                })
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
            title: self.title().to_owned(),
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
