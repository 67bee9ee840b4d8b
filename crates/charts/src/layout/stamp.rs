//! A warning across the bottom of a picture, which stays with it wherever it is shown.

use super::frame::MARGIN_PX;
use crate::canvas::palette::{PAPER, TEXT};
use crate::canvas::{Align, Pen, Surface, TextStyle};

const LINE_PX: f64 = 18.0;

/// Stamps a picture of height `y`; returns its height with the stamp.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, y: f64, text: &str) -> f64 {
    let style = TextStyle::new(13.0, PAPER).bold();
    let lines = style.wrap(text, pen.width() - 2.0 * MARGIN_PX);
    let bottom = y + LINE_PX * lines.len() as f64 + 10.0;
    pen.rect((0.0, y), (pen.width(), bottom), TEXT, 1.0);
    for (line, number) in lines.iter().zip(0..) {
        let middle = y + 5.0 + LINE_PX * (f64::from(number) + 0.5);
        pen.centred(line, (MARGIN_PX, middle), Align::Left, style);
    }
    bottom
}
