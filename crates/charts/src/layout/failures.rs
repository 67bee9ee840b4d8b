//! Failed and not applicable cells, hatched with their outcome word and never left as a gap; notes on
//! collectors without data.

use super::frame::{MARGIN_PX, SMALL_PX};
use crate::canvas::palette::{FAILED, HATCH, MUTED, PAPER, TEXT};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};

/// A hatched rectangle with a word, wrapped to its width.
pub(crate) fn cell<S: Surface>(pen: &mut Pen<'_, S>, from: Point, to: Point, word: &str) {
    pen.rect(from, to, FAILED, 1.0);
    pen.hatch(from, to, Stroke::solid(HATCH, 0.75));
    let style = TextStyle::new(SMALL_PX, TEXT);
    let lines = style.wrap(word, to.0 - from.0 - 6.0);
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    let mut y = middle.1 - (lines.len() as f64 - 1.0) * 6.5;
    for line in lines {
        on_paper(pen, &line, (middle.0, y), style);
        y += 13.0;
    }
}

/// A word on a hatched background, with blank paper behind it.
pub(crate) fn on_paper<S: Surface>(pen: &mut Pen<'_, S>, word: &str, at: Point, style: TextStyle) {
    let half = style.width(word) / 2.0 + 3.0;
    pen.rect((at.0 - half, at.1 - 7.0), (at.0 + half, at.1 + 7.0), PAPER, 1.0);
    pen.centred(word, at, Align::Middle, style);
}

/// A wrapped note below the data; returns the y of its last line.
pub(crate) fn note<S: Surface>(pen: &mut Pen<'_, S>, y: f64, text: &str) -> f64 {
    let style = TextStyle::new(SMALL_PX, MUTED);
    let mut y = y + 6.0;
    for line in style.wrap(text, pen.width() - 2.0 * MARGIN_PX) {
        y += 15.5;
        pen.text(&line, (MARGIN_PX, y), Align::Left, style);
    }
    y
}

/// A collector that a chart cannot show, with its outcome word.
#[derive(Debug, Clone)]
pub(crate) struct Absent {
    /// Registry name.
    pub(crate) collector: String,
    /// `OOM`, `timeout`, `n/a` and so on.
    pub(crate) word: String,
    /// The reason in full.
    pub(crate) reason: String,
}

/// Lists absent collectors as hatched chips, in lines from `y` on; returns the y below them.
pub(crate) fn list<S: Surface>(pen: &mut Pen<'_, S>, y: f64, absent: &[Absent]) -> f64 {
    if absent.is_empty() {
        return y;
    }
    const HEIGHT_PX: f64 = 18.0;
    let name = TextStyle::new(SMALL_PX, MUTED);
    let (mut x, mut top) = (MARGIN_PX, y + 10.0);
    for entry in absent {
        let chip = TextStyle::new(SMALL_PX, TEXT).width(&entry.word) + 22.0;
        let width = chip + 6.0 + name.width(&entry.collector);
        if x > MARGIN_PX && x + width > pen.width() - MARGIN_PX {
            (x, top) = (MARGIN_PX, top + HEIGHT_PX + 6.0);
        }
        let title = format!("{}: {}: {}", entry.collector, entry.word, entry.reason);
        pen.series(&entry.collector, &title, |pen| {
            cell(pen, (x, top), (x + chip, top + HEIGHT_PX), &entry.word);
            let at = (x + chip + 6.0, top + HEIGHT_PX / 2.0);
            pen.centred(&entry.collector, at, Align::Left, name);
        });
        x += width + 18.0;
    }
    top + HEIGHT_PX
}
