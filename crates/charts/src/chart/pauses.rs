//! Pauses over time: one lane per collector on shared axes, one stem per pause.
//!
//! A wall-clock pause on a shared machine may be due to the scheduler. Where the thread's CPU time is
//! known and clearly shorter, a bar across the stem marks it: the part above the bar is not due to the
//! collector.

use crate::canvas::palette::{AXIS, GRID, MUTED, TEXT};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Ink, Pen, Stroke, Surface, TextStyle};
use crate::layout::axis::{self, Area};
use crate::layout::frame::{MARGIN_PX, SMALL_PX};
use crate::layout::scale::{Quantity, Scale};
use crate::layout::{failures, tail};
use crate::scene::{Scene, Series};
use analysis::format;
use record::{Pause, PauseKind, Sample};
use std::collections::BTreeMap;

/// The title.
pub(crate) const TITLE: &str = "Pauses over time";
/// CPU time below this share of the wall time is marked.
const DISTURBED: f64 = 0.8;

/// One collector's lane.
struct Lane<'a> {
    series: Series<'a>,
    sample: &'a Sample,
}

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>) -> f64 {
    let series = scene.series.iter();
    let lanes: Vec<Lane<'_>> =
        series.filter_map(|s| Some(Lane { series: *s, sample: s.pause_sample()? })).collect();
    let reading = "One stem per pause of the first block; length on a log scale common to all collectors. \
                   A bar across a stem marks its CPU time where that is much shorter: the rest is scheduling."
        .to_owned();
    let frame = scene.frame(TITLE, reading, &format!("first of {}", scene.pause_repeats()));
    let mut y = frame.above(pen) + 4.0;
    let (pausing, idle): (Vec<_>, Vec<_>) = lanes.iter().partition(|l| !l.sample.pauses.is_empty());
    if !pausing.is_empty() {
        y = legend(pen, y, &pausing);
        y = plot(pen, y, &pausing);
    }
    if !idle.is_empty() {
        let names: Vec<_> = idle.iter().map(|l| l.series.name()).collect();
        y = failures::note(pen, y, &format!("No pause recorded: {}.", names.join(", ")));
    }
    let absent = scene.absent(|s| s.pause_sample().is_some());
    y = failures::list(pen, y, &absent);
    frame.below(pen, y)
}

/// The legend of stem heads, for the kinds that occur.
fn legend<S: Surface>(pen: &mut Pen<'_, S>, y: f64, lanes: &[&Lane<'_>]) -> f64 {
    let style = TextStyle::new(SMALL_PX, MUTED);
    let (mut x, mut y) = (MARGIN_PX, y + 8.0);
    let occurs = |kind| lanes.iter().any(|l| l.sample.pauses.iter().any(|p| p.kind == kind));
    for (kind, word) in KINDS.into_iter().filter(|&(kind, _)| occurs(kind)) {
        let width = 16.0 + style.width(word);
        if x > MARGIN_PX && x + width > pen.width() - MARGIN_PX {
            (x, y) = (MARGIN_PX, y + 16.0);
        }
        head(pen, (x + 5.0, y), kind, MUTED);
        pen.centred(word, (x + 15.0, y), Align::Left, style);
        x += width + 18.0;
    }
    y + 6.0
}

fn plot<S: Surface>(pen: &mut Pen<'_, S>, top: f64, lanes: &[&Lane<'_>]) -> f64 {
    let narrow = pen.narrow();
    let pauses = || lanes.iter().flat_map(|l| &l.sample.pauses).map(|p| p.wall_ns as f64);
    // Stems begin at 1 µs, the shortest recorded pause, so that lengths are comparable between charts.
    let low = pauses().fold(1e3, f64::min).max(100.0);
    let high = pauses().fold(1e6, f64::max);
    let height = 46.0;
    let y = Scale::log(Quantity::Nanoseconds, low, high).over(height, 0.0);
    let left = MARGIN_PX + axis::numbers_px(&y, 20.0);
    let right = pen.width() - MARGIN_PX;
    let ends: Vec<f64> = lanes.iter().map(|l| l.sample.wall_ns as f64).collect();
    let x =
        Scale::from_zero(Quantity::Nanoseconds, tail::end_of_axis(&ends) * 1.01).over(left, right);

    let mut y_px = top;
    for (index, lane) in lanes.iter().enumerate() {
        let caption = y_px + 18.0;
        let area = Area { left, top: caption + 6.0, right, bottom: caption + 6.0 + height };
        let scale = y.over(area.bottom, area.top);
        for tick in scale.ticks(23.0) {
            let (at, Some(label)) = (scale.at(tick.value), tick.label) else { continue };
            pen.hline(left, right, at, Stroke::solid(GRID, 1.0));
            pen.centred(&label, (left - 6.0, at), Align::Right, TextStyle::new(SMALL_PX, MUTED));
        }
        pen.hline(left, right, area.bottom, Stroke::solid(AXIS, 1.0));
        let about = about(lane, x.high, narrow);
        pen.series(lane.series.name(), &format!("{}: {about}", lane.series.name()), |pen| {
            let name = TextStyle::new(SMALL_PX, lane.series.ink().for_text()).bold();
            pen.text(lane.series.name(), (left, caption), Align::Left, name);
            pen.text(&about, (right, caption), Align::Right, TextStyle::new(SMALL_PX, MUTED));
            stems(pen, area, &x, &scale, lane);
        });
        y_px = area.bottom;
        if index + 1 == lanes.len() {
            y_px = axis::horizontal(pen, Area { top: area.bottom, ..area }, &x, 64.0, "wall time");
        }
    }
    y_px
}

/// `123 pauses, 45.6 ms in all, longest 7.89 ms`, and the end of a run that leaves the chart.
fn about(lane: &Lane<'_>, shown_ns: f64, narrow: bool) -> String {
    let longest = lane.sample.pauses.iter().map(|p| p.wall_ns).max().unwrap_or_default();
    let recorded: u64 = lane.sample.pause_histogram.iter().map(|(_, count)| count).sum();
    let n = recorded.max(lane.sample.pauses.len() as u64);
    let mut text = format!("{} pauses", format::count(n));
    if !narrow {
        let total = format::duration_ns(lane.sample.pause_total_ns as f64);
        text.push_str(&format!(", {total} in all"));
    }
    text.push_str(&format!(", longest {}", format::duration_ns(longest as f64)));
    let end = lane.sample.wall_ns as f64;
    if end > shown_ns && !narrow {
        text.push_str(&format!(", runs on to {} →", format::duration_ns(end)));
    }
    text
}

fn stems<S: Surface>(pen: &mut Pen<'_, S>, area: Area, x: &Scale, y: &Scale, lane: &Lane<'_>) {
    // Of the pauses of one kind and pixel column the longest is drawn.
    let mut longest: BTreeMap<(i64, usize), &Pause> = BTreeMap::new();
    for pause in &lane.sample.pauses {
        let at = x.at(pause.start_ns as f64);
        if at > area.right {
            continue;
        }
        let known = longest.entry((at.floor() as i64, order(pause.kind))).or_insert(pause);
        if pause.wall_ns > known.wall_ns {
            *known = pause;
        }
    }
    let ink = lane.series.ink();
    // Heads and bars would hide densely packed stems; only the longest keeps its own there.
    let heads = longest.len() as f64 <= (area.right - area.left) / 8.0;
    let tallest = longest.values().map(|p| p.wall_ns).max().unwrap_or_default();
    let mut shafts = Vec::new();
    let mut bars = Vec::new();
    for (&(column, _), pause) in &longest {
        let at = column as f64 + 0.5;
        let top = y.within(pause.wall_ns as f64);
        shafts.push(((at, area.bottom), (at, top)));
        let disturbed = |cpu: &u64| (*cpu as f64) < DISTURBED * pause.wall_ns as f64;
        if let Some(cpu_ns) =
            pause.cpu_ns.filter(disturbed).filter(|_| heads || pause.wall_ns == tallest)
        {
            let level = y.within(cpu_ns as f64);
            bars.push(((at - 3.5, level), (at + 3.5, level)));
        }
    }
    pen.segments(&shafts, Stroke::solid(ink, 1.0));
    for (&(column, _), pause) in longest.iter().filter(|(_, p)| heads || p.wall_ns == tallest) {
        head(pen, (column as f64 + 0.5, y.within(pause.wall_ns as f64)), pause.kind, ink);
    }
    pen.segments(&bars, Stroke::solid(TEXT, 1.25));
}

/// The kinds in the order of the legend, each in words.
const KINDS: [(PauseKind, &str); 5] = [
    (PauseKind::Stw, "stop-the-world"),
    (PauseKind::Cascade, "cascade of drops or frees"),
    (PauseKind::Increment, "increment inside an operation"),
    (PauseKind::AllocStall, "allocation stall"),
    (PauseKind::Ttsp, "time to safepoint"),
];

/// The place of a kind in [`KINDS`].
fn order(kind: PauseKind) -> usize {
    KINDS.iter().position(|(known, _)| *known == kind).unwrap_or_default()
}

/// The head of a stem; its shape shows the kind of pause.
fn head<S: Surface>(pen: &mut Pen<'_, S>, at: Point, kind: PauseKind, ink: Ink) {
    let (x, y) = at;
    match kind {
        PauseKind::Stw => pen.circle(at, 3.0, ink, 1.0),
        PauseKind::Cascade => pen.ring(at, 2.75, Stroke::solid(ink, 1.25)),
        PauseKind::Increment => pen.line(&[(x - 3.0, y), (x + 3.0, y)], Stroke::solid(ink, 1.5)),
        PauseKind::AllocStall => pen.rect((x - 2.75, y - 2.75), (x + 2.75, y + 2.75), ink, 1.0),
        PauseKind::Ttsp => {
            pen.area(&[(x, y - 3.5), (x + 3.25, y + 2.5), (x - 3.25, y + 2.5)], ink, 1.0)
        }
    }
}
