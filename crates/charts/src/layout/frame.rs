//! The frame around the data: title, facts, reading hint and source line.

use crate::canvas::palette::{MUTED, TEXT};
use crate::canvas::{Align, Pen, Surface, TextStyle};

/// Space between the picture's edge and its content, in pixels.
pub(crate) const MARGIN_PX: f64 = 14.0;
/// Size of all small text, in pixels.
pub(crate) const SMALL_PX: f64 = 12.0;

/// The text above and below a chart's data.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The quantity that the chart shows.
    pub(crate) title: String,
    /// How to read the chart.
    pub(crate) reading: String,
    /// Workload, repeats, heap limit.
    pub(crate) facts: String,
    /// Run, date, machine, commit.
    pub(crate) source: String,
}

impl Frame {
    /// Draws the text above the data; returns the y at which the data may begin.
    pub(crate) fn above<S: Surface>(&self, pen: &mut Pen<'_, S>) -> f64 {
        let width = pen.width() - 2.0 * MARGIN_PX;
        let title = TextStyle::new(if pen.narrow() { 15.0 } else { 17.0 }, TEXT).bold();
        let small = TextStyle::new(12.5, MUTED);
        let mut y = MARGIN_PX + 12.0;
        for line in title.wrap(&self.title, width) {
            pen.text(&line, (MARGIN_PX, y), Align::Left, title);
            y += title.size_px * 1.25;
        }
        y -= 1.0;
        for paragraph in [&self.facts, &self.reading] {
            for line in small.wrap(paragraph, width) {
                pen.text(&line, (MARGIN_PX, y), Align::Left, small);
                y += 16.5;
            }
        }
        y
    }

    /// Draws the source line below `y`; returns the height of the whole picture.
    pub(crate) fn below<S: Surface>(&self, pen: &mut Pen<'_, S>, y: f64) -> f64 {
        let small = TextStyle::new(SMALL_PX, MUTED);
        let mut y = y + 20.0;
        for line in small.wrap(&self.source, pen.width() - 2.0 * MARGIN_PX) {
            pen.text(&line, (MARGIN_PX, y), Align::Left, small);
            y += 15.5;
        }
        (y - 15.5 + MARGIN_PX).ceil()
    }
}
