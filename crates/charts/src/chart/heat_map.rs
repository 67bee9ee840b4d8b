//! The overview: workload by collector, each cell as a ratio to the least of its row.
//!
//! Colour follows the logarithm of the ratio on a one-hue scale; every cell also carries its number, so
//! no information is in the shade alone. Failures are hatched, with their outcome word.

use crate::canvas::palette::{HEAT, MUTED, ON_HEAT, STRONG_HEAT, TEXT};
use crate::canvas::{Align, Ink, Pen, Surface, TextStyle};
use crate::layout::failures;
use crate::layout::frame::{Frame, MARGIN_PX, SMALL_PX};
use crate::scene::{RunView, source};
use analysis::heat_map::{HeatCell, HeatMap, heat_map};
use analysis::{Measure, format};
use record::{HeapSize, Outcome};

/// Least height of a cell in pixels.
const CELL_PX: f64 = 30.0;
/// Least width of a cell in pixels: the longest failure word must fit on two lines.
const LEAST_WIDTH_PX: f64 = 58.0;
/// The ratio from which a cell has the strongest colour.
const STRONGEST: f64 = 16.0;

/// The title, per measure.
pub(crate) fn title(measure: Measure) -> &'static str {
    match measure {
        Measure::PeakFootprint => "Peak memory relative to the least of its workload",
        Measure::LongestPause => "Longest pause relative to the least of its workload",
        Measure::WallTime => "Wall time relative to the least of its workload",
        Measure::CpuTime => "CPU time relative to the least of its workload",
    }
}

/// Draws the overview of one measure at one heap size; returns its height in pixels.
pub(crate) fn draw<S: Surface>(
    pen: &mut Pen<'_, S>,
    view: &RunView<'_>,
    measure: Measure,
    heap: HeapSize,
) -> f64 {
    let map = heat_map(&view.summary, measure, heap);
    let frame = Frame {
        title: title(measure).to_owned(),
        reading: format!(
            "Median {} over the smallest of the row: 1.00 is the least, 2.00 is twice as much.{}",
            measure.name(),
            // Bytes have no noise.
            if measure == Measure::PeakFootprint { "" } else { " The least may be so by chance." }
        ),
        facts: format!(
            "{} · heap {heap} for collectors that a limit binds",
            view.run.manifest.suite
        ),
        source: source(view.run),
    };
    let mut y = frame.above(pen) + 12.0;
    let small = TextStyle::new(SMALL_PX, TEXT);
    let widest = map.workloads.iter().map(|w| small.width(w)).fold(0.0, f64::max);
    let names = widest.min(if pen.narrow() { 78.0 } else { 190.0 }) + 10.0;
    let room = pen.width() - 2.0 * MARGIN_PX - names;
    let columns = map.collectors.len().max(1);
    // Headings break between words only.
    let words = map.collectors.iter().flat_map(|name| name.split_inclusive(['-', '|']));
    let longest = words.map(|word| small.bold().width(word)).fold(0.0, f64::max);
    let per_block = per_block(columns, room, LEAST_WIDTH_PX.max(longest + 4.0));
    let width = room / per_block as f64;
    let all: Vec<usize> = (0..map.collectors.len()).collect();
    for block in all.chunks(per_block) {
        y = draw_block(pen, y, view, &map, block, MARGIN_PX + names, width) + 12.0;
    }
    frame.below(pen, y - 10.0)
}

/// Columns of a block, each at least this wide, where `columns` may need several blocks.
pub(super) fn per_block(columns: usize, room: f64, least_px: f64) -> usize {
    let most = ((room / least_px).floor() as usize).clamp(1, columns);
    // Blocks of equal size rather than full ones and a remainder.
    columns.div_ceil(columns.div_ceil(most))
}

fn draw_block<S: Surface>(
    pen: &mut Pen<'_, S>,
    top: f64,
    view: &RunView<'_>,
    map: &HeatMap,
    columns: &[usize],
    left: f64,
    width: f64,
) -> f64 {
    let collectors = &view.run.manifest.collectors;
    let head = |&column: &usize| {
        let name = map.collectors[column].as_str();
        (name, collectors.iter().find(|c| c.name == name).map_or(MUTED, Ink::of))
    };
    let heads: Vec<(&str, Ink)> = columns.iter().map(head).collect();
    let mut y = draw_heads(pen, top, &heads, left, width);
    for (workload, cells) in map.workloads.iter().zip(&map.cells) {
        let name = break_name(workload, left - MARGIN_PX - 8.0, TextStyle::new(SMALL_PX, TEXT));
        let height = CELL_PX.max(13.0 * name.len() as f64 + 6.0);
        row_name(pen, &name, y + height / 2.0);
        for (place, &column) in columns.iter().enumerate() {
            let from = (left + width * place as f64 + 1.0, y + 1.0);
            let to = (left + width * (place as f64 + 1.0) - 1.0, y + height - 1.0);
            let collector = &map.collectors[column];
            let said = in_words(map.measure, &cells[column]);
            pen.series(collector, &format!("{workload}, {collector}: {said}"), |pen| {
                draw_cell(pen, from, to, &cells[column]);
            });
        }
        y += height;
    }
    y
}

/// Draws the names of collectors above columns of the given width; returns the y below them.
pub(super) fn draw_heads<S: Surface>(
    pen: &mut Pen<'_, S>,
    top: f64,
    heads: &[(&str, Ink)],
    left: f64,
    width: f64,
) -> f64 {
    let style = |ink: Ink| TextStyle::new(SMALL_PX, ink.for_text()).bold();
    let lines: Vec<Vec<String>> =
        heads.iter().map(|&(name, ink)| break_name(name, width - 4.0, style(ink))).collect();
    let base = top + 14.0 * lines.iter().map(Vec::len).max().unwrap_or(1) as f64;
    for (place, (&(name, ink), lines)) in heads.iter().zip(&lines).enumerate() {
        let middle = left + width * (place as f64 + 0.5);
        pen.series(name, name, |pen| {
            for (index, line) in lines.iter().rev().enumerate() {
                let at = (middle, base - 6.0 - 14.0 * index as f64);
                pen.text(line, at, Align::Middle, style(ink));
            }
        });
    }
    base
}

/// Writes the name of a row in lines around its middle.
pub(super) fn row_name<S: Surface>(pen: &mut Pen<'_, S>, lines: &[String], middle: f64) {
    let mut y = middle - (lines.len() as f64 - 1.0) * 6.5;
    for line in lines {
        pen.centred(line, (MARGIN_PX, y), Align::Left, TextStyle::new(SMALL_PX, TEXT));
        y += 13.0;
    }
}

fn draw_cell<S: Surface>(pen: &mut Pen<'_, S>, from: (f64, f64), to: (f64, f64), cell: &HeatCell) {
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    match cell {
        HeatCell::Value { ratio, .. } => {
            let step = shade(*ratio);
            pen.rect(from, to, HEAT[step], 1.0);
            let style = TextStyle::new(SMALL_PX, if step >= STRONG_HEAT { ON_HEAT } else { TEXT });
            pen.centred(&format::significant(*ratio), middle, Align::Middle, style);
        }
        HeatCell::Failed(outcome) => failures::cell(pen, from, to, outcome.word()),
        HeatCell::Missing(_) => failures::cell(pen, from, to, "n/a"),
    }
}

/// The step of [`HEAT`] for a ratio: even steps of its logarithm up to [`STRONGEST`].
fn shade(ratio: f64) -> usize {
    let share = (ratio.ln() / STRONGEST.ln()).clamp(0.0, 1.0);
    (share * (HEAT.len() - 1) as f64).round() as usize
}

fn in_words(measure: Measure, cell: &HeatCell) -> String {
    match cell {
        HeatCell::Value { median, ratio } => {
            let value = match measure {
                Measure::PeakFootprint => format::bytes(*median),
                _ => format::duration_ns(*median),
            };
            format!("{value}, {} of the least", format::ratio(*ratio))
        }
        HeatCell::Failed(Outcome::NotApplicable { reason }) => format!("n/a: {reason}"),
        HeatCell::Failed(outcome) => outcome.to_string(),
        HeatCell::Missing(reason) => format!("n/a: {reason}"),
    }
}

/// Breaks a name after `-`, `|` and `@` into lines of at most `room` pixels.
fn break_name(name: &str, room: f64, style: TextStyle) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive(['-', '|', '@']) {
        let last = lines.len() - 1;
        if lines[last].is_empty() || style.width(&format!("{}{part}", lines[last])) <= room {
            lines[last].push_str(part);
        } else {
            lines.push(part.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_follow_the_logarithm_of_the_ratio() {
        assert_eq!(shade(1.0), 0);
        assert_eq!(shade(4.0), 3);
        assert_eq!(shade(16.0), 6);
        assert_eq!(shade(f64::INFINITY), 6);
        assert!(shade(1.2) < shade(2.0));
    }

    #[test]
    fn long_names_break_at_their_joints() {
        let style = TextStyle::new(SMALL_PX, TEXT);
        assert_eq!(break_name("rc|count-loads", 60.0, style), ["rc|count-", "loads"]);
        assert_eq!(break_name("rc", 60.0, style), ["rc"]);
    }
}
