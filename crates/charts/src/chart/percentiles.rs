//! Pause percentiles: how long a pause the luckiest 90, 99, 99.9 % of pauses stay below.
//!
//! The plot of HdrHistogram: 1 / (1 - q) on a logarithmic axis, so that each further nine takes
//! the same room. Pauses of all repeats are pooled, for display only. A curve ends where fewer than
//! ten pauses lie beyond the percentile; the maximum stands apart at the right, always with n.

use crate::canvas::palette::{AXIS, MUTED};
use crate::canvas::{Align, Pen, Stroke, Surface, Type};
use crate::layout::axis::{self, Area};
use crate::layout::ends::{self, Label};
use crate::layout::failures::{self, note};
use crate::layout::frame::{MARGIN_PX, SMALL_PX};
use crate::layout::scale::{Quantity, Scale};
use crate::scene::{Scene, Series};
use analysis::{PauseSummary, format};

/// The question.
pub(crate) const TITLE: &str = "How long are the long pauses?";
const READING: &str = "Lower is better. A curve ends where fewer than ten pauses lie beyond; the dot is the \
                       longest, n counts pauses.";
/// Room for the column of maxima, in pixels.
const MAX_COLUMN_PX: f64 = 54.0;

/// One collector that pauses.
struct Curve<'a> {
    series: Series<'a>,
    pauses: &'a PauseSummary,
    longest_ns: f64,
    /// (1 / (1 - q), ns), from the 90th percentile on.
    points: Vec<(f64, f64)>,
}

/// Draws the chart; gives its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>) -> f64 {
    let frame = scene.frame(TITLE, READING.to_owned(), &scene.time_repeats());
    let mut y = frame.above(pen) + 6.0;
    let curves: Vec<Curve<'_>> = scene.series.iter().filter_map(curve).collect();
    if !curves.is_empty() {
        y = plot(pen, y, &curves);
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
        // The slack admits 0.9 itself, which no double is.
        .filter(|p| p.q > 0.9 - 1e-9)
        .map(|p| (1.0 / (1.0 - p.q), p.wall_ns as f64))
        .collect();
    Some(Curve { series: *series, pauses, longest_ns, points })
}

fn plot<S: Surface>(pen: &mut Pen<'_, S>, top: f64, curves: &[Curve<'_>]) -> f64 {
    let narrow = pen.narrow();
    let labels: Vec<String> = curves.iter().map(|c| label(c, narrow)).collect();
    let bold = Type::new(SMALL_PX, MUTED).bold();
    let widest = labels.iter().map(|l| bold.width(l)).fold(0.0, f64::max);

    let values = || curves.iter().flat_map(|c| c.points.iter().map(|p| p.1).chain([c.longest_ns]));
    let y = Scale::log(Quantity::Nanoseconds, values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let last = curves.iter().filter_map(|c| c.points.last()).map(|p| p.0).fold(1e4, f64::max);
    let left = MARGIN_PX + axis::numbers_px(&y.over(300.0, 0.0), 40.0);
    let right = pen.width() - MARGIN_PX - widest - ends::LEADER_PX;
    let height = if narrow { 250.0 } else { 290.0 };
    let area = Area { left, top: top + 18.0, right, bottom: top + 18.0 + height };
    let y = y.over(area.bottom, area.top);
    let max_x = right - 8.0;
    let inner = Area { right: right - MAX_COLUMN_PX, ..area };
    // No air at the ends: the axis begins at the 90th percentile.
    let x = Scale::log(Quantity::Percentile, 10.0, last).between(10.0, last).over(inner.left, inner.right);

    let bottom = axis::horizontal(pen, inner, &x, if narrow { 46.0 } else { 64.0 }, "percentile of pauses");
    axis::vertical(pen, area, &y, 40.0, "pause");
    pen.upright(max_x, area.top, area.bottom, Stroke::dotted(AXIS, 1.0));
    pen.text("max", (max_x, area.bottom + 16.0), Align::Middle, Type::new(SMALL_PX, MUTED));

    for curve in curves {
        let stroke = curve.series.stroke();
        pen.series(curve.series.name(), &in_words(curve), |pen| {
            let line: Vec<_> = curve.points.iter().map(|&(q, ns)| (x.at(q), y.at(ns))).collect();
            pen.line(&line, stroke);
            pen.disc((max_x, y.at(curve.longest_ns)), 3.5, stroke.ink, 1.0);
        });
    }
    let ends: Vec<Label<'_>> = curves
        .iter()
        .zip(labels)
        .map(|(curve, text)| Label {
            collector: curve.series.name(),
            text,
            ink: curve.series.ink(),
            from: (max_x + 6.0, y.at(curve.longest_ns)),
            led: true,
        })
        .collect();
    ends::draw(pen, area, &ends);
    if narrow {
        let listed: Vec<String> = curves.iter().map(longest).collect();
        return note(pen, bottom, &format!("Longest: {}.", listed.join("; ")));
    }
    bottom
}

/// `mark-sweep 12.3 ms, n = 1 234`; the name stands alone where there is no room.
fn label(curve: &Curve<'_>, narrow: bool) -> String {
    if narrow { curve.series.name().to_owned() } else { longest(curve) }
}

/// The longest pause, with n.
fn longest(curve: &Curve<'_>) -> String {
    let longest = format::duration_ns(curve.longest_ns);
    format!("{} {longest}, n = {}", curve.series.name(), format::count(curve.pauses.n))
}

fn in_words(curve: &Curve<'_>) -> String {
    let percentiles: Vec<String> = curve
        .pauses
        .percentiles
        .iter()
        .filter_map(|p| Some(format!("{} below {}", format::percent(p.q), format::duration_ns(p.wall_ns? as f64))))
        .collect();
    let listed = if percentiles.is_empty() { "too few for percentiles".to_owned() } else { percentiles.join(", ") };
    format!(
        "{}: {} pauses, {listed}, longest {}",
        curve.series.name(),
        format::count(curve.pauses.n),
        format::duration_ns(curve.longest_ns)
    )
}

/// Names the collectors that never paused, or not long enough to be recorded.
fn idle<S: Surface>(pen: &mut Pen<'_, S>, y: f64, scene: &Scene<'_>) -> f64 {
    let names: Vec<&str> = scene
        .series
        .iter()
        .filter(|s| s.row.pauses.known().is_some_and(|p| p.n == 0))
        .map(Series::name)
        .collect();
    if names.is_empty() {
        return y;
    }
    note(pen, y, &format!("No pause recorded: {}.", names.join(", ")))
}
