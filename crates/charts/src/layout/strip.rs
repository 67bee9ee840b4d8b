//! A strip plot: one row per collector, one panel per quantity, every repeat a dot.
//!
//! The median is a tall tick. From six repeats on a thin bar shows its interval; with fewer repeats
//! there are dots only. Failed cells are hatched, with their outcome word.

use super::axis::{self, Area};
use super::failures;
use super::frame::{MARGIN_PX, SMALL_PX};
use super::scale::{Quantity, Scale, Spacing};
use crate::canvas::palette::{GRID, MUTED, TEXT};
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};
use crate::scene::{Scene, Series, word_of};
use analysis::{Estimate, Measured};

/// Height of a row in pixels.
const ROW_PX: f64 = 25.0;
/// A panel whose largest median is this many times the smallest gets a logarithmic axis.
const FLATTENING: f64 = 8.0;

/// One quantity.
pub(crate) struct Panel<'a> {
    name: &'static str,
    quantity: Quantity,
    share: f64,
    of: fn(&Series<'a>) -> Measured<Estimate>,
}

impl<'a> Panel<'a> {
    /// A quantity with this name. `share`: its part of the width, relative to the other panels; `of`:
    /// the values of a collector.
    pub(crate) fn new(
        name: &'static str,
        quantity: Quantity,
        share: f64,
        of: fn(&Series<'a>) -> Measured<Estimate>,
    ) -> Self {
        Self { name, quantity, share, of }
    }
}

/// Draws the panels from `top` on: side by side, or one below the other on a phone. Rows are
/// ordered by the first panel. Returns the y below them.
pub(crate) fn draw<'a, S: Surface>(
    pen: &mut Pen<'_, S>,
    top: f64,
    scene: &Scene<'a>,
    panels: &[Panel<'a>],
) -> f64 {
    let mut rows: Vec<&Series<'a>> = scene.series.iter().collect();
    let key = |s: &Series<'a>| (panels[0].of)(s).known().map_or(f64::INFINITY, |e| e.median);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));

    let bold = TextStyle::new(SMALL_PX, MUTED).bold();
    let names = rows.iter().map(|s| bold.width(s.name())).fold(0.0, f64::max) + 12.0;
    let right = pen.width() - MARGIN_PX;
    if pen.narrow() {
        let mut y = top;
        for panel in panels {
            label_rows(pen, y, &rows);
            y = draw_panel(pen, y, MARGIN_PX + names, right, panel, &rows) + 20.0;
        }
        return y - 20.0;
    }
    label_rows(pen, top, &rows);
    const GAP_PX: f64 = 26.0;
    let room = right - MARGIN_PX - names - GAP_PX * (panels.len() as f64 - 1.0);
    let shares: f64 = panels.iter().map(|p| p.share).sum();
    let (mut left, mut bottom) = (MARGIN_PX + names, top);
    for panel in panels {
        let width = room * panel.share / shares;
        bottom = draw_panel(pen, top, left, left + width, panel, &rows);
        left += width + GAP_PX;
    }
    bottom
}

fn middle_of(top: f64, row: usize) -> f64 {
    top + 26.0 + ROW_PX * (row as f64 + 0.5)
}

fn label_rows<S: Surface>(pen: &mut Pen<'_, S>, top: f64, rows: &[&Series<'_>]) {
    for (index, series) in rows.iter().enumerate() {
        let style = TextStyle::new(SMALL_PX, series.ink().for_text()).bold();
        pen.series(series.name(), series.name(), |pen| {
            pen.centred(series.name(), (MARGIN_PX, middle_of(top, index)), Align::Left, style);
        });
    }
}

fn draw_panel<'a, S: Surface>(
    pen: &mut Pen<'_, S>,
    top: f64,
    left: f64,
    right: f64,
    panel: &Panel<'a>,
    rows: &[&Series<'a>],
) -> f64 {
    let small = TextStyle::new(SMALL_PX, MUTED);
    let written = |value| panel.quantity.written(value);
    let measured: Vec<Measured<Estimate>> = rows.iter().map(|s| (panel.of)(s)).collect();
    let known = || measured.iter().filter_map(Measured::known);
    let values: Vec<f64> = known().flat_map(|e| e.values.iter().copied()).collect();
    let numbers = known().map(|e| small.width(&written(e.median))).fold(30.0, f64::max);
    let area = Area {
        left,
        top: top + 24.0,
        right: right - numbers - 10.0,
        bottom: middle_of(top, rows.len()) - ROW_PX / 2.0,
    };
    // A log axis cannot show zero, so a zero keeps the axis linear.
    let flattening = if values.contains(&0.0) { f64::INFINITY } else { FLATTENING };
    let scale = Scale::fitting(panel.quantity, &values, flattening).over(area.left, area.right);

    let name =
        if values.is_empty() { panel.name.to_owned() } else { axis::named(&scale, panel.name) };
    pen.text(&name, (left, top + 10.0), Align::Left, TextStyle::new(SMALL_PX, TEXT).bold());
    let level = |index| middle_of(top, index).floor() + 0.5;
    let rules = (0..rows.len()).map(level).map(|y| ((area.left, y), (area.right, y)));
    pen.segments(&rules.collect::<Vec<_>>(), Stroke::solid(GRID, 1.0));
    let gap_px = if scale.spacing == Spacing::Log { 54.0 } else { 36.0 };
    let bottom = if values.is_empty() {
        area.bottom
    } else {
        axis::horizontal(pen, area, &scale, gap_px, "")
    };
    for (index, (series, measured)) in rows.iter().zip(&measured).enumerate() {
        let y = middle_of(top, index);
        let said = match measured {
            Measured::Known(e) => in_words(e, &written),
            Measured::Missing(reason) => reason.clone(),
        };
        let title = format!("{}: {}: {said}", series.name(), panel.name);
        pen.series(series.name(), &title, |pen| match measured {
            Measured::Known(estimate) => {
                mark(pen, &scale, y, estimate, series);
                let style = TextStyle::new(SMALL_PX, TEXT);
                pen.centred(&written(estimate.median), (right, y), Align::Right, style);
            }
            Measured::Missing(_) => {
                let word = word_of(series.row, measured).unwrap_or_default();
                let (top, bottom) = (y - ROW_PX * 0.38, y + ROW_PX * 0.38);
                failures::cell(pen, (area.left, top), (right, bottom), &word);
            }
        });
    }
    bottom
}

fn mark<S: Surface>(
    pen: &mut Pen<'_, S>,
    scale: &Scale,
    y: f64,
    estimate: &Estimate,
    series: &Series<'_>,
) {
    let ink = series.ink();
    if let Some((low, high)) = estimate.interval() {
        pen.line(&[(scale.at(low), y), (scale.at(high), y)], Stroke::solid(ink, 2.5));
    }
    let repeats: Vec<_> = estimate.values.iter().map(|&value| (scale.at(value), y)).collect();
    pen.circles(&repeats, 3.0, ink, 0.5);
    let x = scale.at(estimate.median);
    pen.line(&[(x, y - 8.0), (x, y + 8.0)], Stroke::solid(ink, 2.0));
}

fn in_words(estimate: &Estimate, written: &dyn Fn(f64) -> String) -> String {
    let words = |(low, high)| format!(", interval {} to {}", written(low), written(high));
    let interval = estimate.interval().map(words).unwrap_or_default();
    format!("median {}{interval}, n = {}", written(estimate.median), estimate.n())
}
