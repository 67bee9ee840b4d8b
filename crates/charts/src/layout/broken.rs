//! A vertical axis from zero, broken where outliers would compress the other values.
//!
//! Below the break the axis is linear from zero, so heights can be compared; above it, in a narrow
//! band, it is logarithmic, so that outliers of any size stay visible.

use super::axis::{self, Area};
use super::frame::{MARGIN_PX, SMALL_PX};
use super::scale::{Quantity, Scale};
use super::tail;
use crate::canvas::palette::{AXIS, GRID, MUTED, PAPER};
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};

/// Height of the band above the break, in pixels.
const BAND_PX: f64 = 76.0;
/// Height of the break itself, in pixels.
const GAP_PX: f64 = 9.0;
/// Distance between labels, in pixels.
const LABELS_PX: f64 = 48.0;

/// The axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken {
    lower: Scale,
    upper: Option<Scale>,
}

impl Broken {
    /// An axis that shows all these values, with a break only if there are outliers.
    pub(crate) fn new(quantity: Quantity, values: &[f64]) -> Self {
        let top = tail::end_of_axis(values);
        let largest = values.iter().copied().fold(top, f64::max);
        let lower = Scale::from_zero(quantity, top * 1.06);
        let upper = Scale::log(quantity, lower.high, largest).between(lower.high, largest * 1.1);
        Self { lower, upper: (largest > lower.high).then_some(upper) }
    }

    /// The same axis, extended to `value` if that lies little beyond its end.
    pub(crate) fn reaching(self, value: Option<f64>) -> Self {
        let near = value
            .filter(|v| !self.is_broken() && (self.lower.high..self.lower.high * 1.6).contains(v));
        let lower = near.map_or(self.lower, |v| self.lower.between(0.0, v * 1.06));
        Self { lower, ..self }
    }

    /// Whether a value lies on the axis.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value <= self.upper.map_or(self.lower.high, |upper| upper.high)
    }

    /// Whether there is a break.
    pub(crate) fn is_broken(&self) -> bool {
        self.upper.is_some()
    }

    /// Width of its numbers, in pixels.
    pub(crate) fn numbers_px(&self) -> f64 {
        let upper =
            self.upper.map_or(0.0, |u| axis::numbers_px(&u.over(BAND_PX, 0.0), LABELS_PX / 2.0));
        axis::numbers_px(&self.lower.over(300.0, 0.0), LABELS_PX).max(upper)
    }

    /// Lays the axis out from `top` downwards with `height` pixels for its linear part; returns the y
    /// of its lower end.
    pub(crate) fn lay(&mut self, top: f64, height: f64) -> f64 {
        let band = if self.is_broken() { BAND_PX + GAP_PX } else { 0.0 };
        let foot = top + band + height;
        self.lower = self.lower.over(foot, top + band);
        self.upper = self.upper.map(|upper| upper.over(top + BAND_PX, top));
        foot
    }

    /// The y of a value, in pixels.
    pub(crate) fn at(&self, value: f64) -> f64 {
        match &self.upper {
            Some(upper) if value > self.lower.high => upper.at(value),
            _ => self.lower.at(value),
        }
    }

    /// Draws grid lines, numbers and the axis' name.
    pub(crate) fn draw<S: Surface>(&self, pen: &mut Pen<'_, S>, area: Area, name: &str) {
        axis::vertical(pen, area, &self.lower, LABELS_PX, "");
        let small = TextStyle::new(SMALL_PX, MUTED);
        let mut name = axis::named(&self.lower, name);
        if let Some(upper) = &self.upper {
            name.push_str("; above the break log scale");
            for tick in upper.ticks(LABELS_PX / 2.0) {
                let (y, Some(label)) = (upper.at(tick.value), tick.label) else { continue };
                pen.hline(area.left, area.right, y, Stroke::solid(GRID, 1.0));
                pen.centred(&label, (area.left - 6.0, y), Align::Right, small);
            }
        }
        let left = (area.left - self.numbers_px()).max(MARGIN_PX);
        pen.text(&name, (left, area.top - 12.0), Align::Left, small);
    }

    /// Draws the break over the lines that cross it.
    pub(crate) fn draw_break<S: Surface>(&self, pen: &mut Pen<'_, S>, area: Area) {
        if !self.is_broken() {
            return;
        }
        let (top, bottom) = (area.top + BAND_PX, area.top + BAND_PX + GAP_PX);
        pen.rect((area.left - 1.0, top), (area.right + 1.0, bottom), PAPER, 1.0);
        let slants =
            [top, bottom].map(|y| ((area.left - 5.0, y + 3.0), (area.left + 5.0, y - 3.0)));
        pen.segments(&slants, Stroke::solid(AXIS, 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_gets_the_band_and_the_rest_the_height() {
        let mut axis = Broken::new(Quantity::Bytes, &[4e6, 4.2e6, 4.3e6, 33e6, 400e6]);
        assert!(axis.is_broken());
        let foot = axis.lay(100.0, 200.0);
        assert_eq!(foot, 100.0 + BAND_PX + GAP_PX + 200.0);
        assert_eq!(axis.at(0.0), foot);
        assert!(axis.at(4.3e6) < foot - 180.0, "the bulk fills the linear part");
        assert!(
            axis.at(33e6) < 100.0 + BAND_PX && axis.at(400e6) > 100.0,
            "outliers lie in the band"
        );
        assert!(axis.at(33e6) > axis.at(400e6) + 20.0, "and are distinguishable");
    }

    #[test]
    fn without_outliers_there_is_no_break() {
        let mut axis = Broken::new(Quantity::Bytes, &[4e6, 5e6, 9e6]);
        assert!(!axis.is_broken());
        assert_eq!(axis.lay(10.0, 200.0), 210.0);
        assert!(!axis.shows(12e6) && axis.reaching(Some(12e6)).shows(12e6));
        assert!(!axis.reaching(Some(120e6)).shows(120e6));
    }
}
