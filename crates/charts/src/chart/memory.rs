//! Memory over time: the footprint of every collector as a stepped line, the live bytes as the grey
//! area beneath, the heap limit as a hairline, pauses as ticks along the bottom.
//!
//! Two clocks. On the *allocation clock* (bytes allocated so far) all collectors are at the same point
//! of the program at the same x, and the picture is reproducible; on the *wall clock* a slow
//! collector's line is longer. The live curve comes from the census, which has no times, so only the
//! allocation clock shows it.

use crate::canvas::palette::{LIMIT, LIVE, MUTED, PALE, PAPER};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};
use crate::layout::axis::{self, Area};
use crate::layout::broken::Broken;
use crate::layout::frame::{MARGIN_PX, SMALL_PX};
use crate::layout::scale::{Quantity, Scale};
use crate::layout::{ends, failures, panels, rug, step, tail};
use crate::scene::{Scene, Series};
use analysis::format;
use record::{FootprintPoint, Outcome, Sample};

/// The quantity of the horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Bytes allocated so far.
    Allocation,
    /// Nanoseconds since the start.
    Wall,
}

impl Clock {
    /// The title of the chart on this clock.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Allocation => "Memory over allocation",
            Self::Wall => "Memory over wall time",
        }
    }

    fn of(self, point: &FootprintPoint) -> f64 {
        match self {
            Self::Allocation => point.allocated_bytes as f64,
            Self::Wall => point.at_ns as f64,
        }
    }

    fn axis(self) -> (Quantity, &'static str) {
        match self {
            Self::Allocation => (Quantity::Bytes, "allocated so far"),
            Self::Wall => (Quantity::Nanoseconds, "wall time"),
        }
    }
}

/// One collector's line.
struct Line<'a> {
    series: Series<'a>,
    sample: &'a Sample,
    /// (clock, footprint in bytes).
    points: Vec<(f64, f64)>,
    /// Exact peak in bytes.
    peak: f64,
}

impl Line<'_> {
    fn end(&self) -> (f64, f64) {
        self.points.last().copied().unwrap_or_default()
    }

    /// `mark-sweep 41.2 MB`, with the failure word where it did not finish.
    fn label(&self, narrow: bool) -> String {
        let name = self.series.name();
        let failed = match &self.series.row.outcome {
            Outcome::Ok => String::new(),
            outcome => format!(" {}", outcome.word()),
        };
        match narrow {
            true => format!("{name}{failed}"),
            false => format!("{name} {}{failed}", format::bytes(self.peak)),
        }
    }
}

/// Draws the chart; returns its height in pixels.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scene: &Scene<'_>, clock: Clock) -> f64 {
    let lines = lines(scene, clock);
    let frame =
        scene.frame(clock.title(), reading(scene, &lines, clock), "the first memory run of each");
    let mut y = frame.above(pen) + 6.0;
    if !lines.is_empty() {
        let chart = Chart::new(pen, scene, &lines, clock);
        let families: Vec<_> = lines.iter().map(|l| l.series.collector.family).collect();
        for panel in &panels::by_family(&families) {
            y = chart.panel(pen, y, panel) + 10.0;
        }
        y -= 10.0;
    }
    let absent = scene.absent(|s| lines.iter().any(|l| l.series.name() == s.name()));
    y = failures::list(pen, y, &absent);
    frame.below(pen, y)
}

fn reading(scene: &Scene<'_>, lines: &[Line<'_>], clock: Clock) -> String {
    let live = match clock {
        Clock::Allocation if !scene.live.is_empty() => " Grey area: live bytes.",
        _ => "",
    };
    let exceeds = |line: &Line<'_>| {
        line.sample.heap_limit_bytes.is_some_and(|limit| line.peak > limit as f64)
    };
    const ABOVE: &str = " A peak above the limit is due to a collection's queue and tables, which the \
                         limit cannot refuse.";
    let above = if lines.iter().any(exceeds) { ABOVE } else { "" };
    format!(
        "Lower is better; labels give the exact peak, also between samples.{live}{above} Ticks along the \
         bottom: pauses, taller is longer."
    )
}

fn lines<'a>(scene: &Scene<'a>, clock: Clock) -> Vec<Line<'a>> {
    let line = |series: &Series<'a>| {
        let sample = series.memory_sample()?;
        let points: Vec<_> =
            sample.footprint.iter().map(|p| (clock.of(p), p.footprint_bytes as f64)).collect();
        let sampled = points.iter().map(|p| p.1).fold(0.0, f64::max);
        let peak = sample.peak_footprint_bytes.map_or(sampled, |b| b as f64);
        Some(Line { series: *series, sample, points, peak })
    };
    scene.series.iter().filter_map(line).collect()
}

/// Data shared by all panels.
struct Chart<'a> {
    scene: &'a Scene<'a>,
    lines: &'a [Line<'a>],
    clock: Clock,
    x: Scale,
    y: Broken,
    left: f64,
    right: f64,
}

impl<'a> Chart<'a> {
    fn new<S: Surface>(
        pen: &Pen<'_, S>,
        scene: &'a Scene<'a>,
        lines: &'a [Line<'a>],
        clock: Clock,
    ) -> Self {
        let ends: Vec<f64> = lines.iter().map(|l| l.end().0).collect();
        let limit = scene.limit_bytes().map(|b| b as f64);
        let peaks: Vec<f64> = lines.iter().map(|l| l.peak).collect();
        let y = Broken::new(Quantity::Bytes, &peaks).reaching(limit);
        let bold = TextStyle::new(SMALL_PX, MUTED).bold();
        let arrow = bold.width(" →");
        let widest =
            arrow + lines.iter().map(|l| bold.width(&l.label(pen.narrow()))).fold(30.0, f64::max);
        let left = MARGIN_PX + y.numbers_px();
        let right = pen.width() - MARGIN_PX - widest - ends::LEADER_PX;
        let x = Scale::from_zero(clock.axis().0, tail::end_of_axis(&ends)).over(left, right);
        Self { scene, lines, clock, x, y, left, right }
    }

    /// Draws one panel from `top` on; returns the y below it.
    fn panel<S: Surface>(&self, pen: &mut Pen<'_, S>, top: f64, panel: &[usize]) -> f64 {
        let top = top + 18.0;
        let mut y = self.y;
        let bottom = y.lay(top, if pen.narrow() { 240.0 } else { 270.0 });
        let area = Area { left: self.left, top, right: self.right, bottom };
        let lanes: Vec<&Line<'_>> =
            panel.iter().map(|&i| &self.lines[i]).filter(|l| !l.sample.pauses.is_empty()).collect();
        let below = Area { bottom: area.bottom + rug::LANE_PX * lanes.len() as f64 + 3.0, ..area };

        let (_, name) = self.clock.axis();
        let bottom = axis::horizontal(pen, below, &self.x, 64.0, name);
        self.live(pen, area, &y);
        y.draw(pen, area, "footprint");
        for (_, line) in self.lines.iter().enumerate().filter(|(i, _)| !panel.contains(i)) {
            pen.line(&self.drawn(line, &y), Stroke::solid(PALE, 1.0));
        }
        for &index in panel {
            self.line(pen, &y, &self.lines[index]);
        }
        y.draw_break(pen, area);
        self.limit(pen, area, &y);
        axis::base(pen, area);
        self.labels(pen, area, &y, panel);
        for (lane, line) in lanes.iter().enumerate() {
            let floor = area.bottom + 2.0 + rug::LANE_PX * (lane + 1) as f64;
            let at = |start_ns| self.at_pause(line, start_ns);
            pen.series(line.series.name(), &format!("{}: pauses", line.series.name()), |pen| {
                rug::draw(pen, floor, &line.sample.pauses, line.series.ink(), at);
            });
        }
        bottom
    }

    /// The area of live bytes, on the allocation clock only.
    fn live<S: Surface>(&self, pen: &mut Pen<'_, S>, area: Area, y: &Broken) {
        if self.clock == Clock::Wall || self.scene.live.is_empty() {
            return;
        }
        let points = self.scene.live.iter();
        let mut outline = step::stepped(
            points.map(|p| (self.x.at(p.allocated_bytes as f64), y.at(p.live_bytes as f64))),
        );
        outline.retain(|p| p.0 <= area.right + 0.5);
        if let (Some(&first), Some(&last)) = (outline.first(), outline.last()) {
            outline.push((last.0, area.bottom));
            outline.push((first.0, area.bottom));
            pen.area(&outline, LIVE, 1.0);
        }
    }

    /// The line in pixels, up to the end of the horizontal axis.
    fn drawn(&self, line: &Line<'_>, y: &Broken) -> Vec<Point> {
        let points = line.points.iter().map(|&(at, value)| (self.x.at(at), y.at(value)));
        step::until(&step::stepped(points), self.right + 0.01)
    }

    fn limit<S: Surface>(&self, pen: &mut Pen<'_, S>, area: Area, y: &Broken) {
        let limit = self.scene.limit_bytes().map(|b| b as f64);
        let Some(limit) = limit.filter(|l| y.shows(*l)) else { return };
        let at = y.at(limit);
        pen.hline(area.left, area.right, at, Stroke::dotted(LIMIT, 1.0));
        let text = format!("heap limit {}", format::bytes(limit));
        let style = TextStyle::new(SMALL_PX, LIMIT);
        let left = area.right - style.width(&text) - 2.0;
        pen.rect((left - 3.0, at - 16.0), (area.right, at - 2.0), PAPER, 0.85);
        pen.text(&text, (left, at - 5.0), Align::Left, style);
    }

    fn line<S: Surface>(&self, pen: &mut Pen<'_, S>, y: &Broken, line: &Line<'_>) {
        let (end, _) = line.end();
        let title = format!(
            "{}: peak {}, until {}",
            line.series.name(),
            format::bytes(line.peak),
            self.clock.axis().0.written(end)
        );
        let stroke = line.series.stroke();
        pen.series(line.series.name(), &title, |pen| {
            pen.line(&self.drawn(line, y), stroke);
            if line.series.row.outcome != Outcome::Ok {
                let (x, y) = (self.x.within(end), y.at(line.end().1));
                for slope in [-4.0, 4.0] {
                    let ends = [(x - 4.0, y - slope), (x + 4.0, y + slope)];
                    pen.line(&ends, Stroke::solid(stroke.ink, 2.0));
                }
            }
        });
    }

    fn labels<S: Surface>(&self, pen: &mut Pen<'_, S>, area: Area, y: &Broken, panel: &[usize]) {
        let mut labels: Vec<ends::Label<'_>> = panel
            .iter()
            .map(|&index| {
                let line = &self.lines[index];
                let (end, value) = line.end();
                let leaves = end > self.x.high * 1.001;
                let mut text = line.label(pen.narrow());
                if leaves {
                    text.push_str(" →");
                }
                ends::Label {
                    collector: line.series.name(),
                    text,
                    ink: line.series.ink(),
                    from: (self.x.within(end), y.at(value)),
                    led: !leaves,
                }
            })
            .collect();
        if let Some(live) = self.scene.live.last().filter(|_| self.clock == Clock::Allocation) {
            let peak =
                self.scene.live.iter().map(|p| p.live_bytes).max().unwrap_or_default() as f64;
            let text = match pen.narrow() {
                true => "live".to_owned(),
                false => format!("live {}", format::bytes(peak)),
            };
            let from = (area.right, y.at(live.live_bytes as f64));
            labels.push(ends::Label { collector: "", text, ink: MUTED, from, led: true });
        }
        ends::draw(pen, area, &labels);
    }

    /// The x of a pause, on the allocation clock by the last footprint sample before it; `None` outside
    /// the chart.
    fn at_pause(&self, line: &Line<'_>, start_ns: u64) -> Option<f64> {
        let value = match self.clock {
            Clock::Wall => start_ns as f64,
            Clock::Allocation => {
                let samples = &line.sample.footprint;
                let before = samples.partition_point(|p| p.at_ns <= start_ns).saturating_sub(1);
                samples.get(before)?.allocated_bytes as f64
            }
        };
        (value <= self.x.high).then(|| self.x.at(value))
    }
}
