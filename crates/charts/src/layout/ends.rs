//! Direct labels at the right end of lines, moved apart where they would overlap.

use super::axis::Area;
use super::frame::SMALL_PX;
use super::labels;
use crate::canvas::palette::{AXIS, PALE};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Ink, Pen, Stroke, Surface, TextStyle};

/// Width of the leader lines between data and labels, in pixels.
pub(crate) const LEADER_PX: f64 = 20.0;
/// Distance between the base lines of neighbouring labels, in pixels.
const GAP_PX: f64 = 15.0;

/// The label of one line.
#[derive(Debug, Clone)]
pub(crate) struct Label<'a> {
    /// Collector of its series; empty for none.
    pub(crate) collector: &'a str,
    /// The text.
    pub(crate) text: String,
    /// The line's colour.
    pub(crate) ink: Ink,
    /// Where the line ends.
    pub(crate) from: Point,
    /// Whether a leader line connects the two; false where the data leaves the chart.
    pub(crate) led: bool,
}

/// Draws the labels right of the area, each with a leader from the end of its line.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, area: Area, labels: &[Label<'_>]) {
    let wanted: Vec<f64> = labels.iter().map(|l| l.from.1).collect();
    let placed = labels::spread(&wanted, GAP_PX, area.top + 2.0, area.bottom - 2.0);
    for (label, y) in labels.iter().zip(placed) {
        let paint = |pen: &mut Pen<'_, S>| {
            let (x, from) = label.from;
            let elbow = area.right + LEADER_PX - 4.0;
            if label.led {
                // Horizontal and dotted inside the area, so that it does not look like data.
                if x < area.right - 3.0 {
                    pen.circle((x, from), 2.75, label.ink, 1.0);
                    pen.line(&[(x + 5.0, from), (area.right, from)], Stroke::dotted(PALE, 1.0));
                }
                pen.line(&[(area.right + 3.0, from), (elbow, y)], Stroke::solid(AXIS, 0.75));
            }
            let style = TextStyle::new(SMALL_PX, label.ink.for_text()).bold();
            pen.centred(&label.text, (area.right + LEADER_PX, y), Align::Left, style);
        };
        if label.collector.is_empty() {
            paint(pen);
        } else {
            pen.series(label.collector, &label.text, paint);
        }
    }
}
