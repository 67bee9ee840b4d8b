//! Peak memory against CPU time: the trade-off of each discipline.
//!
//! CPU time is that of all threads of the process, so it includes the work of a concurrent collector.
//! Points that no other beats on both axes form the Pareto front.

use crate::canvas::palette::{AXIS, MUTED};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Pen, Stroke, Surface, TextStyle};
use crate::layout::axis::{self, Area};
use crate::layout::frame::{MARGIN_PX, SMALL_PX};
use crate::layout::scale::{Quantity, Scale, Spacing};
use crate::layout::{failures, labels};
use crate::scene::{Scene, Series};
use analysis::{format, pareto};
use record::HeapSize;

/// The title.
pub(crate) const TITLE: &str = "Peak memory against CPU time";
/// An axis whose largest value is this many times the smallest is logarithmic.
const FLATTENING: f64 = 4.0;

/// One row of one scene.
struct Dot<'a> {
    series: Series<'a>,
    cpu_ns: f64,
    peak_bytes: f64,
    label: String,
}

/// Draws all heap sizes of one workload together; returns the height in pixels. `scenes` must not be
/// empty.
pub(crate) fn draw<S: Surface>(pen: &mut Pen<'_, S>, scenes: &[Scene<'_>]) -> f64 {
    let scene = &scenes[scenes.len() / 2];
    let dots = dots(scenes);
    let reading = "Medians; lower left is better. The line is the Pareto front: no collector beats its points \
                   on both axes.";
    let mut frame = scene.frame(TITLE, reading.to_owned(), &scene.time_repeats());
    if scenes.len() > 1 {
        frame.facts =
            format!("{} · {} · several heap limits", scene.workload.name, scene.time_repeats());
    }
    let mut y = frame.above(pen) + 6.0;
    if !dots.is_empty() {
        y = plot(pen, y, &dots);
    }
    let absent = scene.absent(|s| dots.iter().any(|d| d.series.name() == s.name()));
    y = failures::list(pen, y, &absent);
    frame.below(pen, y)
}

fn dots<'a>(scenes: &[Scene<'a>]) -> Vec<Dot<'a>> {
    let mut dots: Vec<Dot<'a>> = Vec::new();
    for series in scenes.iter().flat_map(|s| &s.series) {
        // A collector that no limit binds has the same row in every scene.
        if dots.iter().any(|d| std::ptr::eq(d.series.row, series.row)) {
            continue;
        }
        let Some(cpu) = series.row.cpu_ns.known() else { continue };
        let Some(peak) = series.row.peak_footprint_bytes.known() else { continue };
        let label = match series.row.heap {
            HeapSize::Unlimited => series.name().to_owned(),
            _ if scenes.len() == 1 => series.name().to_owned(),
            heap => format!("{} {heap}", series.name()),
        };
        dots.push(Dot { series: *series, cpu_ns: cpu.median, peak_bytes: peak.median, label });
    }
    dots
}

fn plot<S: Surface>(pen: &mut Pen<'_, S>, top: f64, dots: &[Dot<'_>]) -> f64 {
    let times: Vec<f64> = dots.iter().map(|d| d.cpu_ns).collect();
    let peaks: Vec<f64> = dots.iter().map(|d| d.peak_bytes).collect();
    let x = airy(Scale::fitting(Quantity::Nanoseconds, &times, FLATTENING));
    let y = airy(Scale::fitting(Quantity::Bytes, &peaks, FLATTENING));
    let left = MARGIN_PX + axis::numbers_px(&y.over(320.0, 0.0), 44.0);
    let height = if pen.narrow() { 280.0 } else { 320.0 };
    let area = Area::below(top, left, pen.width() - MARGIN_PX, height);
    let (x, y) = (x.over(area.left, area.right), y.over(area.bottom, area.top));

    let bottom = axis::horizontal(pen, area, &x, 70.0, "CPU time");
    axis::vertical(pen, area, &y, 44.0, "peak footprint");
    better(pen, area);
    let points: Vec<Point> = dots.iter().map(|d| (x.at(d.cpu_ns), y.at(d.peak_bytes))).collect();
    let pairs: Vec<(f64, f64)> = dots.iter().map(|d| (d.cpu_ns, d.peak_bytes)).collect();
    let front: Vec<Point> = pareto::front(&pairs).into_iter().map(|i| points[i]).collect();
    pen.line(&front, Stroke::solid(AXIS, 1.5));
    join_heaps(pen, dots, &points);

    let bold = TextStyle::new(SMALL_PX, MUTED).bold();
    let sizes: Vec<(f64, f64)> = dots.iter().map(|d| (bold.width(&d.label), 15.0)).collect();
    let inside = ((area.left + 2.0, area.top), (area.right, area.bottom - 2.0));
    let places = labels::place_around(&points, &sizes, inside.0, inside.1);
    for ((&at, &place), &size) in points.iter().zip(&places).zip(&sizes) {
        if let Some(end) = labels::leader(at, place, size) {
            pen.line(&[at, end], Stroke::solid(AXIS, 0.75));
        }
    }
    for ((dot, &at), place) in dots.iter().zip(&points).zip(places) {
        let title = format!(
            "{}: {} CPU, {} peak",
            dot.label,
            format::duration_ns(dot.cpu_ns),
            format::bytes(dot.peak_bytes)
        );
        let ink = dot.series.ink();
        pen.series(dot.series.name(), &title, |pen| {
            pen.circle(at, 5.0, ink, 1.0);
            pen.centred(&dot.label, place, Align::Left, TextStyle { ink: ink.for_text(), ..bold });
        });
    }
    bottom
}

/// Wider margins, so that dots and labels do not touch the edge.
fn airy(scale: Scale) -> Scale {
    match scale.spacing {
        Spacing::Log => scale.between(scale.low / 1.2, scale.high * 1.35),
        Spacing::Linear => scale.between(scale.low, scale.high * 1.12),
    }
}

/// Joins the dots of one collector over its heap sizes: its time-space curve.
fn join_heaps<S: Surface>(pen: &mut Pen<'_, S>, dots: &[Dot<'_>], points: &[Point]) {
    let mut done: Vec<&str> = Vec::new();
    for dot in dots {
        let name = dot.series.name();
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let own = dots.iter().zip(points).filter(|(d, _)| d.series.name() == name);
        let own: Vec<Point> = own.map(|(_, point)| *point).collect();
        if own.len() > 1 {
            let stroke = Stroke { width_px: 1.0, ..dot.series.stroke() };
            pen.series(name, name, |pen| pen.line(&own, stroke));
        }
    }
}

/// The arrow towards the best corner.
fn better<S: Surface>(pen: &mut Pen<'_, S>, area: Area) {
    let tip = (area.left + 12.0, area.bottom - 12.0);
    let tail = (tip.0 + 26.0, tip.1 - 26.0);
    let stroke = Stroke::solid(MUTED, 1.5);
    pen.line(&[tail, tip], stroke);
    pen.line(&[(tip.0 + 9.0, tip.1), tip, (tip.0, tip.1 - 9.0)], stroke);
    pen.text("better", (tail.0 + 3.0, tail.1 + 1.0), Align::Left, TextStyle::new(SMALL_PX, MUTED));
}
