//! Costs over the number of live objects: collection time per object, memory of queues.
//!
//! One line per collector. A level line of times is a cost linear in the live objects; the line of
//! queues should be level at any number of them. With fewer repeats than an interval needs, each repeat
//! is a dot.

use crate::canvas::palette::{MUTED, PALE};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Ink, Pen, Stroke, Surface, TextStyle};
use crate::layout::axis::{self, Area};
use crate::layout::ends::{self, Label};
use crate::layout::failures::{self, Absent, note};
use crate::layout::frame::{Frame, MARGIN_PX, SMALL_PX};
use crate::layout::panels;
use crate::layout::scale::{Quantity, Scale};
use crate::scene::{n_of, source};
use analysis::{Estimate, Measured, format, scaling};
use record::{CollectorInfo, Run};

/// The cost on the vertical axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Time of a collection over live objects.
    Time,
    /// Peak memory of queues.
    Queue,
}

impl Cost {
    /// The title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Time => "Collection time per live object",
            Self::Queue => "Peak queue memory over live objects",
        }
    }

    fn reading(self) -> &'static str {
        match self {
            Self::Time => {
                "Lower is better, level is linear. × after a name: largest over smallest time per object of the \
                 line. CPU time of the pauses of a collection; medians."
            }
            Self::Queue => {
                "Lower is better, level is bounded. The most that the stacks of edges or objects held, \
                 which no limit can refuse; a page is 4 096 bytes."
            }
        }
    }

    /// The values of a point: repeats of a time, one of a queue.
    fn of(self, point: &scaling::Point) -> Measured<Estimate> {
        match self {
            Self::Time => point.per_object_ns.clone(),
            Self::Queue => point.queue_peak_bytes.clone().map(|bytes| Estimate::one(bytes as f64)),
        }
    }

    fn written(self, value: f64) -> String {
        match self {
            // Tenths of a nanosecond matter here.
            Self::Time => format!("{} ns", format::significant(value)),
            Self::Queue => format::bytes(value),
        }
    }
}

/// Height of the band for zero below a logarithmic axis, in pixels.
const ZERO_PX: f64 = 28.0;

/// One collector.
struct Line<'a> {
    collector: &'a CollectorInfo,
    curve: &'a scaling::Curve,
    /// (live objects, cost).
    points: Vec<(f64, Estimate)>,
}

/// Draws one series; returns the height in pixels.
pub(crate) fn draw<S: Surface>(
    pen: &mut Pen<'_, S>,
    run: &Run,
    series: &scaling::Series,
    cost: Cost,
) -> f64 {
    let lines: Vec<Line<'_>> = series.curves.iter().filter_map(|c| line(run, c, cost)).collect();
    let frame = Frame {
        title: cost.title().to_owned(),
        reading: cost.reading().to_owned(),
        facts: facts(series, cost),
        source: source(run),
    };
    let mut y = frame.above(pen) + 6.0;
    if !lines.is_empty() {
        let chart = Chart::new(pen, &lines, cost);
        let families: Vec<_> = lines.iter().map(|line| line.collector.family).collect();
        for panel in &panels::by_family(&families) {
            y = chart.panel(pen, y, panel) + 10.0;
        }
        y -= 10.0;
    }
    y = without_cost(pen, y, series, cost);
    y = failures::list(pen, y, &absent(series));
    frame.below(pen, y)
}

/// The series in words.
pub(crate) fn describe(run: &Run, series: &scaling::Series, cost: Cost) -> String {
    let lines: Vec<Line<'_>> = series.curves.iter().filter_map(|c| line(run, c, cost)).collect();
    let written: Vec<String> = lines.iter().map(|line| in_words(line, cost)).collect();
    format!("{}. {}.", facts(series, cost), written.join("; "))
}

fn facts(series: &scaling::Series, cost: Cost) -> String {
    let points = series.curves.iter().flat_map(|curve| &curve.points);
    let n = n_of(points.filter_map(|point| point.per_object_ns.known()).map(Estimate::n));
    match cost {
        Cost::Time => format!("{} · {n} · heap {}", series.program, series.heap),
        Cost::Queue => {
            format!("{} · maximum of all repeats · heap {}", series.program, series.heap)
        }
    }
}

fn line<'a>(run: &'a Run, curve: &'a scaling::Curve, cost: Cost) -> Option<Line<'a>> {
    let collector = run.manifest.collectors.iter().find(|c| c.name == curve.collector)?;
    let known = |p: &'a scaling::Point| Some((p.live_objects as f64, cost.of(p).known()?.clone()));
    let points: Vec<_> = curve.points.iter().filter_map(known).collect();
    (!points.is_empty()).then_some(Line { collector, curve, points })
}

/// Data shared by all panels.
struct Chart<'a> {
    lines: &'a [Line<'a>],
    cost: Cost,
    x: Scale,
    y: Scale,
    left: f64,
    right: f64,
}

impl<'a> Chart<'a> {
    fn new<S: Surface>(pen: &Pen<'_, S>, lines: &'a [Line<'a>], cost: Cost) -> Self {
        let bold = TextStyle::new(SMALL_PX, MUTED).bold();
        let widest = lines.iter().map(|l| bold.width(&label(l, cost, pen.narrow())));
        let widest = widest.fold(0.0, f64::max);
        let points = || lines.iter().flat_map(|line| &line.points);
        let values = points().flat_map(|(_, estimate)| estimate.values.iter().copied());
        let highest = values.fold(0.0, f64::max);
        let y = match cost {
            Cost::Time => Scale::from_zero(Quantity::Nanoseconds, highest * 1.05),
            // From half a page, so that a page lies above the bottom of the chart.
            Cost::Queue => Scale::log(Quantity::Bytes, 2048.0, highest.max(65_536.0)),
        };
        let least = points().map(|p| p.0).fold(f64::INFINITY, f64::min);
        let most = points().map(|p| p.0).fold(0.0, f64::max);
        let left = MARGIN_PX + axis::numbers_px(&y.over(260.0, 0.0), 40.0);
        let right = pen.width() - MARGIN_PX - widest - ends::LEADER_PX;
        let x = Scale::log(Quantity::Count, least, most).over(left, right);
        Self { lines, cost, x, y, left, right }
    }

    /// A logarithmic axis cannot show an unused queue: zero gets a base line below it.
    fn zero_px(&self) -> f64 {
        let mut values = self.lines.iter().flat_map(|line| &line.points);
        let has_zero = values.any(|(_, estimate)| estimate.median <= 0.0);
        if self.cost == Cost::Queue && has_zero { ZERO_PX } else { 0.0 }
    }

    /// Draws one panel from `top` on; returns the y below it.
    fn panel<S: Surface>(&self, pen: &mut Pen<'_, S>, top: f64, panel: &[usize]) -> f64 {
        let narrow = pen.narrow();
        let height = if narrow { 220.0 } else { 260.0 };
        let area = Area::below(top, self.left, self.right, height);
        let y = self.y.over(area.bottom - self.zero_px(), area.top);
        let bottom = axis::horizontal(pen, area, &self.x, 50.0, "live objects");
        let name = match self.cost {
            Cost::Time => "time per live object",
            Cost::Queue => "peak queue memory",
        };
        axis::vertical(pen, area, &y, 40.0, name);
        if self.zero_px() > 0.0 {
            let small = TextStyle::new(SMALL_PX, MUTED);
            pen.centred("0", (area.left - 6.0, area.bottom), Align::Right, small);
        }
        if self.cost == Cost::Time || self.zero_px() > 0.0 {
            axis::base(pen, area);
        }
        let height = |value: f64| if value > 0.0 { y.within(value) } else { area.bottom };
        let path = |line: &Line<'_>| -> Vec<Point> {
            line.points.iter().map(|(n, cost)| (self.x.at(*n), height(cost.median))).collect()
        };
        for (_, line) in self.lines.iter().enumerate().filter(|(i, _)| !panel.contains(i)) {
            pen.line(&path(line), Stroke::solid(PALE, 1.0));
        }
        let mut labels: Vec<Label<'_>> = Vec::new();
        for line in panel.iter().map(|&i| &self.lines[i]) {
            let (path, ink) = (path(line), Ink::of(line.collector));
            pen.series(&line.collector.name, &in_words(line, self.cost), |pen| {
                pen.line(&path, Stroke { ink, width_px: 1.75, line: line.collector.line });
                for ((_, estimate), &at) in line.points.iter().zip(&path) {
                    self.mark(pen, estimate, at, &y, ink);
                }
            });
            let from = path.last().copied().unwrap_or((area.right, area.bottom));
            let text = label(line, self.cost, narrow);
            labels.push(Label { collector: &line.collector.name, text, ink, from, led: true });
        }
        ends::draw(pen, area, &labels);
        bottom
    }

    /// Draws a point: its interval, or its repeats where there are too few for one.
    fn mark<S: Surface>(
        &self,
        pen: &mut Pen<'_, S>,
        estimate: &Estimate,
        at: Point,
        y: &Scale,
        ink: Ink,
    ) {
        let interval = estimate.interval();
        if interval.is_none() && self.cost == Cost::Time {
            let repeats: Vec<_> = estimate.values.iter().map(|&v| (at.0, y.at(v))).collect();
            return pen.circles(&repeats, 2.0, ink, 0.7);
        }
        if let Some((low, high)) = interval {
            pen.line(&[(at.0, y.at(low)), (at.0, y.at(high))], Stroke::solid(ink, 1.5));
        }
        pen.circle(at, 2.5, ink, 1.0);
    }
}

/// `mark-sweep 9.8 ns ×1.1`: the last point, and [`scaling::Curve::spread`]; the name alone in the
/// narrow layout.
fn label(line: &Line<'_>, cost: Cost, narrow: bool) -> String {
    let name = &line.collector.name;
    let last = line.points.last().map(|(_, estimate)| estimate.median);
    match (last, narrow) {
        (Some(last), false) => {
            let spread = line.curve.spread().filter(|_| cost == Cost::Time);
            let spread = spread.map(|times| format!(" ×{times:.2}")).unwrap_or_default();
            format!("{name} {}{spread}", cost.written(last))
        }
        _ => name.clone(),
    }
}

fn in_words(line: &Line<'_>, cost: Cost) -> String {
    let point = |(live, estimate): &(f64, Estimate)| {
        format!("{} at {}", cost.written(estimate.median), format::count(*live as u64))
    };
    let points: Vec<String> = line.points.iter().map(point).collect();
    let spread = line.curve.spread().filter(|_| cost == Cost::Time);
    let spread = spread.map(|x| format!(", largest over smallest {x:.2}")).unwrap_or_default();
    format!("{}: {}{spread}", line.collector.name, points.join(", "))
}

/// Names the collectors that ran but have no value to draw.
fn without_cost<S: Surface>(
    pen: &mut Pen<'_, S>,
    y: f64,
    series: &scaling::Series,
    cost: Cost,
) -> f64 {
    let reason = |curve: &scaling::Curve| {
        let costs: Vec<_> = curve.points.iter().map(|p| cost.of(p)).collect();
        let first = costs.first().filter(|_| costs.iter().all(|cost| cost.known().is_none()))?;
        Some(format!("{}: n/a ({})", curve.collector, first.reason()?))
    };
    let reasons: Vec<String> = series.curves.iter().filter_map(reason).collect();
    if reasons.is_empty() {
        return y;
    }
    note(pen, y, &format!("{}.", reasons.join("; ")))
}

/// Collectors without a point.
fn absent(series: &scaling::Series) -> Vec<Absent> {
    let split = |(collector, outcome): &(String, String)| {
        let (word, reason) = outcome.split_once(": ").unwrap_or(("n/a", outcome));
        Absent { collector: collector.clone(), word: word.to_owned(), reason: reason.to_owned() }
    };
    series.missing.iter().map(split).collect()
}
