//! The pause time distribution: the percentiles of pauses from the 90th on.
//!
//! The plot of HdrHistogram: 1 / (1 - q) on a logarithmic axis, so that each further nine has the
//! same width. Pauses of all repeats are pooled, for display only. A curve ends where fewer than ten
//! pauses lie beyond the percentile; the maximum is separate at the right, always with n.

use crate::canvas::palette::{AXIS, MUTED, PALE};
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};
use crate::layout::axis::{self, Area};
use crate::layout::ends::{self, Label};
use crate::layout::failures::{self, note};
use crate::layout::frame::{MARGIN_PX, SMALL_PX};
use crate::layout::panels;
use crate::layout::scale::{Quantity, Scale};
use crate::scene::{Scene, Series};
use analysis::pauses::Percentile;
use analysis::{PauseSummary, format};

/// The title.
pub(crate) const TITLE: &str = "Pause time distribution";
const READING: &str = "Lower is better. A curve ends where fewer than ten pauses lie beyond it; the dot is the \
                       longest pause, n the number of pauses.";
/// Width of the column of maxima, in pixels.
const MAX_COLUMN_PX: f64 = 54.0;

/// One collector with pauses.
struct Curve<'a> {
    series: Series<'a>,
    pauses: &'a PauseSummary,
    longest_ns: f64,
    /// (1 / (1 - q), ns), from the 90th percentile on.
    points: Vec<(f64, f64)>,
}

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>) -> f64 {
    let frame = scene.frame(TITLE, READING.to_owned(), &scene.pause_repeats());
    let mut y = frame.above(pen) + 6.0;
    let curves: Vec<Curve<'_>> = scene.series.iter().filter_map(curve).collect();
    if !curves.is_empty() {
        let chart = Chart::new(pen, &curves);
        let families: Vec<_> = curves.iter().map(|c| c.series.collector.family).collect();
        for panel in &panels::by_family(&families) {
            y = chart.panel(pen, y, panel) + 10.0;
        }
        y -= 10.0;
    }
    y = idle(pen, y, scene);
    let absent = scene.absent(|s| s.row.pauses.known().is_some());
    y = failures::list(pen, y, &absent);
    frame.below(pen, y)
}

fn curve<'a>(series: &Series<'a>) -> Option<Curve<'a>> {
    let pauses = series.row.pauses.known()?;
    let longest_ns = pauses.longest?.wall_ns as f64;
    let points = pauses
        .points
        .iter()
        // The tolerance admits 0.9 itself, which has no exact binary form.
        .filter(|p| p.q > 0.9 - 1e-9)
        .map(|p| (1.0 / (1.0 - p.q), p.wall_ns as f64))
        .collect();
    Some(Curve { series: *series, pauses, longest_ns, points })
}

/// Data shared by all panels.
struct Chart<'a> {
    curves: &'a [Curve<'a>],
    x: Scale,
    y: Scale,
    left: f64,
    right: f64,
}

impl<'a> Chart<'a> {
    fn new<S: Surface>(pen: &Pen<'_, S>, curves: &'a [Curve<'a>]) -> Self {
        let bold = TextStyle::new(SMALL_PX, MUTED).bold();
        let widest = curves.iter().map(|c| bold.width(&label(c, pen.narrow()))).fold(0.0, f64::max);
        let values =
            || curves.iter().flat_map(|c| c.points.iter().map(|p| p.1).chain([c.longest_ns]));
        let low = values().fold(f64::INFINITY, f64::min);
        let y = Scale::log(Quantity::Nanoseconds, low, values().fold(0.0, f64::max));
        let last = curves.iter().filter_map(|c| c.points.last()).map(|p| p.0).fold(1e4, f64::max);
        let left = MARGIN_PX + axis::numbers_px(&y.over(300.0, 0.0), 40.0);
        let right = pen.width() - MARGIN_PX - widest - ends::LEADER_PX;
        // No margin at the ends: the axis begins at the 90th percentile.
        let x = Scale::log(Quantity::Percentile, 10.0, last)
            .between(10.0, last)
            .over(left, right - MAX_COLUMN_PX);
        Self { curves, x, y, left, right }
    }

    /// Draws one panel from `top` on; returns the y below it.
    fn panel<S: Surface>(&self, pen: &mut Pen<'_, S>, top: f64, panel: &[usize]) -> f64 {
        let narrow = pen.narrow();
        let height = if narrow { 250.0 } else { 290.0 };
        let area = Area::below(top, self.left, self.right, height);
        let inner = Area { right: self.right - MAX_COLUMN_PX, ..area };
        let y = self.y.over(area.bottom, area.top);
        let max_x = area.right - 8.0;
        let gap_px = if narrow { 46.0 } else { 64.0 };
        let bottom = axis::horizontal(pen, inner, &self.x, gap_px, "percentile of pauses");
        axis::vertical(pen, area, &y, 40.0, "pause");
        pen.vline(max_x, area.top, area.bottom, Stroke::dotted(AXIS, 1.0));
        let small = TextStyle::new(SMALL_PX, MUTED);
        pen.text("max", (max_x, area.bottom + 16.0), Align::Middle, small);

        let line = |curve: &Curve<'_>| -> Vec<_> {
            curve.points.iter().map(|&(q, ns)| (self.x.at(q), y.at(ns))).collect()
        };
        for (_, curve) in self.curves.iter().enumerate().filter(|(i, _)| !panel.contains(i)) {
            pen.line(&line(curve), Stroke::solid(PALE, 1.0));
        }
        let mut labels: Vec<Label<'_>> = Vec::new();
        for curve in panel.iter().map(|&i| &self.curves[i]) {
            let (series, end) = (curve.series, (max_x, y.at(curve.longest_ns)));
            pen.series(series.name(), &in_words(curve), |pen| {
                pen.line(&line(curve), series.stroke());
                pen.circle(end, 3.5, series.ink(), 1.0);
            });
            let (from, text) = ((end.0 + 6.0, end.1), label(curve, narrow));
            let (collector, ink) = (series.name(), series.ink());
            labels.push(Label { collector, text, ink, from, led: true });
        }
        if self.curves.iter().all(|c| c.points.len() < 2) {
            let middle = ((inner.left + inner.right) / 2.0, (area.top + area.bottom) / 2.0);
            pen.centred("too few pauses for percentiles", middle, Align::Middle, small);
        }
        ends::draw(pen, area, &labels);
        if narrow {
            let listed: Vec<String> = panel.iter().map(|&i| longest(&self.curves[i])).collect();
            return note(pen, bottom, &format!("Longest: {}.", listed.join("; ")));
        }
        bottom
    }
}

/// `mark-sweep 12.3 ms, n = 1 234`; the name alone in the narrow layout.
fn label(curve: &Curve<'_>, narrow: bool) -> String {
    if narrow { curve.series.name().to_owned() } else { longest(curve) }
}

/// The longest pause, with n.
fn longest(curve: &Curve<'_>) -> String {
    let longest = format::duration_ns(curve.longest_ns);
    format!("{} {longest}, n = {}", curve.series.name(), format::count(curve.pauses.n))
}

fn in_words(curve: &Curve<'_>) -> String {
    let below = |p: &Percentile| {
        let duration = format::duration_ns(p.wall_ns? as f64);
        Some(format!("{} below {duration}", format::percent(p.q)))
    };
    let percentiles: Vec<String> = curve.pauses.percentiles.iter().filter_map(below).collect();
    let listed = match percentiles[..] {
        [] => "too few for percentiles".to_owned(),
        _ => percentiles.join(", "),
    };
    format!(
        "{}: {} pauses, {listed}, longest {}",
        curve.series.name(),
        format::count(curve.pauses.n),
        format::duration_ns(curve.longest_ns)
    )
}

/// Names the collectors without a recorded pause.
fn idle<S: Surface>(pen: &mut Pen<'_, S>, y: f64, scene: &Scene<'_>) -> f64 {
    let is_idle = |s: &&Series<'_>| s.row.pauses.known().is_some_and(|p| p.n == 0);
    let names: Vec<&str> = scene.series.iter().filter(is_idle).map(Series::name).collect();
    if names.is_empty() {
        return y;
    }
    note(pen, y, &format!("No pause recorded: {}.", names.join(", ")))
}
