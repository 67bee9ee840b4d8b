//! Axes: a light grid, small numbers, the unit once, no box.

use super::frame::{MARGIN_PX, SMALL_PX};
use super::scale::{Scale, Spacing};
use crate::canvas::palette::{AXIS, GRID, MUTED};
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};

/// The rectangle in which data is drawn, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) left: f64,
    /// Upper edge.
    pub(crate) top: f64,
    /// Right edge.
    pub(crate) right: f64,
    /// Lower edge.
    pub(crate) bottom: f64,
}

impl Area {
    /// The area of a chart of this height that begins at `top` with the name of its vertical axis.
    pub(crate) fn below(top: f64, left: f64, right: f64, height: f64) -> Self {
        Self { left, top: top + 18.0, right, bottom: top + 18.0 + height }
    }
}

/// Width of the numbers of a vertical axis, in pixels.
pub(crate) fn numbers_px(scale: &Scale, gap_px: f64) -> f64 {
    let small = TextStyle::new(SMALL_PX, MUTED);
    let ticks = scale.ticks(gap_px);
    let labels = ticks.iter().filter_map(|tick| tick.label.as_deref());
    labels.map(|label| small.width(label)).fold(0.0, f64::max) + 8.0
}

/// Draws the horizontal grid lines with their numbers to the left, and the axis' name above them.
pub(crate) fn vertical<S: Surface>(
    pen: &mut Pen<'_, S>,
    area: Area,
    scale: &Scale,
    gap_px: f64,
    name: &str,
) {
    let small = TextStyle::new(SMALL_PX, MUTED);
    let mut minor = Vec::new();
    for tick in scale.ticks(gap_px) {
        let y = scale.at(tick.value);
        let Some(label) = tick.label else {
            minor.push(((area.left - 3.0, y), (area.left, y)));
            continue;
        };
        pen.hline(area.left, area.right, y, Stroke::solid(GRID, 1.0));
        pen.centred(&label, (area.left - 6.0, y), Align::Right, small);
    }
    pen.segments(&minor, Stroke::solid(AXIS, 1.0));
    if !name.is_empty() {
        let left = area.left - numbers_px(scale, gap_px);
        pen.text(&named(scale, name), (left.max(MARGIN_PX), area.top - 12.0), Align::Left, small);
    }
}

/// Draws the vertical grid lines with their numbers below, and the axis' name below those. Returns
/// the y of its lower end.
pub(crate) fn horizontal<S: Surface>(
    pen: &mut Pen<'_, S>,
    area: Area,
    scale: &Scale,
    gap_px: f64,
    name: &str,
) -> f64 {
    let small = TextStyle::new(SMALL_PX, MUTED);
    let base = area.bottom + 16.0;
    let mut minor = Vec::new();
    for tick in scale.ticks(gap_px) {
        let x = scale.at(tick.value);
        let Some(label) = tick.label else {
            minor.push(((x, area.bottom), (x, area.bottom + 3.0)));
            continue;
        };
        pen.vline(x, area.top, area.bottom, Stroke::solid(GRID, 1.0));
        // A label at an end of the axis must stay inside the picture.
        let half = small.width(&label) / 2.0;
        let x = x.clamp(half + 2.0, pen.width() - half - 2.0);
        pen.text(&label, (x, base), Align::Middle, small);
    }
    pen.segments(&minor, Stroke::solid(AXIS, 1.0));
    if name.is_empty() {
        return base + 3.0;
    }
    let name = named(scale, name);
    let right = area.right.max(MARGIN_PX + small.width(&name));
    pen.text(&name, (right, base + 16.0), Align::Right, small);
    base + 19.0
}

/// The base line of a zero-based chart.
pub(crate) fn base<S: Surface>(pen: &mut Pen<'_, S>, area: Area) {
    pen.hline(area.left, area.right, area.bottom, Stroke::solid(AXIS, 1.0));
}

/// An axis' name with its unit, or with "log scale".
pub(crate) fn named(scale: &Scale, name: &str) -> String {
    match (scale.spacing, scale.unit()) {
        (Spacing::Log, _) => format!("{name}, log scale"),
        (Spacing::Linear, Some(unit)) if !unit.is_empty() => format!("{name}, {unit}"),
        (Spacing::Linear, _) => name.to_owned(),
    }
}
