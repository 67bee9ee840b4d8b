//! Outcomes of faulty programs: the matrix of failures by disciplines, and the shares of effects by
//! order of reuse.
//!
//! Every field carries its word besides its background or pattern: no information is in colour alone.

use super::heat_map::{draw_heads, per_block, row_name};
use crate::canvas::palette::{FAILED, GRID, HATCH, HEAT, LIVE, MUTED, ON_HEAT, PAPER, TEXT};
use crate::canvas::pen::Point;
use crate::canvas::{Align, Ink, Pen, Stroke, Surface, TextStyle};
use crate::layout::failures;
use crate::layout::frame::{Frame, MARGIN_PX, SMALL_PX};
use analysis::format;
use record::{CollectorInfo, Effect, Failure, Safety, SafetyCell, Series, TrialEnd, Verdict};

/// The title of the matrix.
pub(crate) const MATRIX_TITLE: &str = "Outcome of each failure by discipline";
/// The title of the shares.
pub(crate) const SHARES_TITLE: &str = "Effects of stale pointers by order of reuse";

const ROW_PX: f64 = 40.0;
/// Least width of a column in pixels: the longest word must fit.
const COLUMN_PX: f64 = 62.0;
const BAR_PX: f64 = 20.0;

/// Effects in the order of a bar.
const EFFECTS: [Effect; 7] = [
    Effect::None,
    Effect::Detected,
    Effect::Benign,
    Effect::WrongValue,
    Effect::Corrupted,
    Effect::Faulted,
    Effect::Exhausted,
];

fn frame(safety: &Safety, title: &str, reading: &str, facts: String) -> Frame {
    let source = format!("safety matrix · {} seeds · {}", safety.seeds, safety.build);
    Frame { title: title.to_owned(), reading: reading.to_owned(), facts, source }
}

/// Draws the matrix; returns its height in pixels.
pub(crate) fn draw_matrix<S: Surface>(pen: &mut Pen<'_, S>, safety: &Safety) -> f64 {
    let runs: u32 = safety.series.iter().map(Series::runs).sum();
    let frame = frame(
        safety,
        MATRIX_TITLE,
        "rejected: by the compiler, as tests show. cannot: the faulty programs ran without effect. \
         detected: refused at run time. happens: executed; below it the bytes leaked, or the uses of \
         freed or uninitialised objects. Asterisk: it happens with unsafe, mem::forget or an allocator \
         that does not zero.",
        format!("{} runs of programs with injected faults", format::count(runs.into())),
    );
    let mut y = frame.above(pen) + 12.0;
    let small = TextStyle::new(SMALL_PX, TEXT);
    let names = if pen.narrow() { 78.0 } else { 122.0 };
    let room = pen.width() - 2.0 * MARGIN_PX - names;
    let columns = safety.collectors.len().max(1);
    let per_block = per_block(columns, room, COLUMN_PX);
    let width = room / per_block as f64;
    for block in safety.collectors.chunks(per_block) {
        let heads: Vec<(&str, Ink)> = block.iter().map(|c| (c.name.as_str(), Ink::of(c))).collect();
        y = draw_heads(pen, y, &heads, MARGIN_PX + names, width);
        for failure in Failure::ALL {
            let lines = small.wrap(failure.name(), names - 8.0);
            row_name(pen, &lines, y + ROW_PX / 2.0);
            for (place, collector) in block.iter().enumerate() {
                let left = MARGIN_PX + names + width * place as f64;
                let (from, to) = ((left + 1.0, y + 1.0), (left + width - 1.0, y + ROW_PX - 1.0));
                let Some(cell) = safety.cell(failure, &collector.name) else { continue };
                let title = format!("{}, {}: {}", failure.name(), collector.name, said(cell));
                pen.series(&collector.name, &title, |pen| draw_cell(pen, from, to, cell));
            }
            y += ROW_PX;
        }
        y += 12.0;
    }
    frame.below(pen, y - 10.0)
}

fn draw_cell<S: Surface>(pen: &mut Pen<'_, S>, from: Point, to: Point, cell: &SafetyCell) {
    let style = TextStyle::new(SMALL_PX, TEXT);
    match cell.verdict {
        Verdict::NotApplicable { .. } => return failures::cell(pen, from, to, "n/a"),
        Verdict::Happens => pen.rect(from, to, HEAT[3], 1.0),
        Verdict::Detected => pen.rect(from, to, HEAT[1], 1.0),
        Verdict::Rejected { .. } => {
            pen.rect(from, to, LIVE, 1.0);
            pen.rect(from, (from.0 + 4.0, to.1), TEXT, 1.0);
        }
        Verdict::Impossible => outline(pen, from, to),
    }
    let style = if cell.verdict == Verdict::Happens { style.bold() } else { style };
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    pen.centred(&cell.word(), (middle.0, middle.1 - 8.0), Align::Middle, style);
    let below = TextStyle::new(SMALL_PX, TEXT);
    pen.centred(&number(cell), (middle.0, middle.1 + 8.0), Align::Middle, below);
}

fn outline<S: Surface>(pen: &mut Pen<'_, S>, from: Point, to: Point) {
    pen.rect(from, to, PAPER, 1.0);
    let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
    pen.line(&corners, Stroke::solid(GRID, 1.0));
}

/// The count behind a verdict, short enough for a field.
fn number(cell: &SafetyCell) -> String {
    match &cell.verdict {
        Verdict::Rejected { cases } if cases.len() == 1 => "1 test".to_owned(),
        Verdict::Rejected { cases } => format!("{} tests", cases.len()),
        Verdict::Impossible if cell.runs == 1 => "1 run".to_owned(),
        Verdict::Impossible => format!("{} runs", cell.runs),
        Verdict::Detected => format!("{} times", cell.counts.refused),
        Verdict::NotApplicable { .. } => String::new(),
        Verdict::Happens => match &cell.end {
            TrialEnd::StackOverflow { .. } => "overflow".to_owned(),
            TrialEnd::OutOfMemory => "OOM".to_owned(),
            _ if cell.counts.stale() >= 10_000 => format!("{}k uses", cell.counts.stale() / 1000),
            _ if cell.counts.stale() > 0 => format!("{} uses", cell.counts.stale()),
            _ => format::bytes(cell.counts.leaked_bytes as f64),
        },
    }
}

fn said(cell: &SafetyCell) -> String {
    let counts = &cell.counts;
    match &cell.verdict {
        Verdict::Rejected { cases } => format!("rejected by the compiler: {}", cases.join(", ")),
        Verdict::NotApplicable { reason } => format!("n/a: {reason}"),
        Verdict::Happens if counts.stale() > 0 => format!(
            "happens: {} stale reads, {} stale writes, {} stale frees, {} objects corrupted",
            counts.stale_reads, counts.stale_writes, counts.stale_frees, counts.corrupted_objects
        ),
        _ => format!("{}, {}", cell.verdict.word(), number(cell)),
    }
}

/// One bar: the runs of a collector in one order of reuse, by effect.
struct Bar<'a> {
    collector: &'a CollectorInfo,
    order: &'a str,
    bends: bool,
    /// Runs in the order of [`EFFECTS`].
    runs: [u32; EFFECTS.len()],
}

impl Bar<'_> {
    fn n(&self) -> u32 {
        self.runs.iter().sum()
    }

    /// The effects that occurred, each with its runs.
    fn occurred(&self) -> impl Iterator<Item = (Effect, u32)> {
        EFFECTS.into_iter().zip(self.runs).filter(|&(_, runs)| runs > 0)
    }

    /// Whether any run had an effect.
    fn has_effect(&self) -> bool {
        self.occurred().any(|(effect, _)| effect != Effect::None)
    }
}

/// Runs with misused pointers, by collector and order of reuse.
fn bars(safety: &Safety) -> Vec<Bar<'_>> {
    let misuses = |series: &&Series| {
        use Failure::{DanglingBorrow, DoubleFree, UseAfterFree};
        matches!(series.subject.failure, UseAfterFree | DoubleFree | DanglingBorrow)
            && series.runs() > 0
    };
    let mut bars: Vec<Bar<'_>> = Vec::new();
    for series in safety.series.iter().filter(misuses) {
        let Some(collector) = safety.collectors.iter().find(|c| c.name == series.collector) else {
            continue;
        };
        let order = series.subject.order.as_str();
        let known =
            bars.iter().position(|b| b.collector.name == collector.name && b.order == order);
        let place = known.unwrap_or_else(|| {
            bars.push(Bar { collector, order, bends: false, runs: [0; EFFECTS.len()] });
            bars.len() - 1
        });
        bars[place].bends |= !series.subject.bends.is_empty();
        for (runs, effect) in bars[place].runs.iter_mut().zip(EFFECTS) {
            *runs += series.runs_with(effect);
        }
    }
    bars
}

/// Draws the shares; returns the height in pixels.
pub(crate) fn draw_shares<S: Surface>(pen: &mut Pen<'_, S>, safety: &Safety) -> f64 {
    let bars = bars(safety);
    let affected =
        |c: &CollectorInfo| bars.iter().any(|bar| bar.collector.name == c.name && bar.has_effect());
    let frame = frame(
        safety,
        SHARES_TITLE,
        "Each bar: all runs of one discipline with one order of reuse; each run counts by its worst \
         effect before it would have faulted.",
        "use after free, double free and dangling borrow; use before init is in the matrix only"
            .to_owned(),
    );
    let mut y = frame.above(pen) + 10.0;
    y = draw_key(pen, &bars, y) + 12.0;
    let small = TextStyle::new(SMALL_PX, MUTED);
    let names = 112.0;
    let right = pen.width() - MARGIN_PX - 52.0;
    for collector in safety.collectors.iter().filter(|c| affected(c)) {
        let of_it: Vec<&Bar<'_>> =
            bars.iter().filter(|bar| bar.collector.name == collector.name).collect();
        let bent = if of_it.iter().any(|bar| bar.bends) { ", with unsafe" } else { "" };
        let style = TextStyle::new(SMALL_PX, Ink::of(collector).for_text()).bold();
        pen.series(&collector.name, &collector.name, |pen| {
            let name = format!("{}{bent}", collector.name);
            pen.text(&name, (MARGIN_PX, y + 12.0), Align::Left, style);
        });
        y += 19.0;
        for bar in of_it {
            let title = format!("{}, {}: {}", collector.name, bar.order, in_words(bar));
            pen.series(&collector.name, &title, |pen| {
                let middle = y + BAR_PX / 2.0;
                pen.centred(bar.order, (MARGIN_PX, middle), Align::Left, small);
                draw_bar(pen, bar, (MARGIN_PX + names, y), (right, y + BAR_PX));
                let n = format!("n = {}", bar.n());
                pen.centred(&n, (pen.width() - MARGIN_PX, middle), Align::Right, small);
            });
            y += BAR_PX + 4.0;
        }
        y += 8.0;
    }
    let spared: Vec<String> = safety
        .collectors
        .iter()
        .filter(|c| !affected(c))
        .map(|c| {
            let of_it = bars.iter().filter(|bar| bar.collector.name == c.name);
            format!("{} (n = {})", c.name, of_it.map(Bar::n).sum::<u32>())
        })
        .collect();
    if !spared.is_empty() {
        y = failures::note(pen, y - 8.0, &format!("No effect in any run: {}.", spared.join(", ")));
    }
    frame.below(pen, y)
}

fn draw_bar<S: Surface>(pen: &mut Pen<'_, S>, bar: &Bar<'_>, from: Point, to: Point) {
    let n = f64::from(bar.n().max(1));
    let mut left = from.0;
    for (effect, runs) in bar.occurred() {
        let share = f64::from(runs) / n;
        let right = left + (to.0 - from.0) * share;
        swatch(pen, effect, (left, from.1), (right - 1.0, to.1));
        let style = TextStyle::new(SMALL_PX, ink_on(effect));
        let percent = format!("{:.0} %", share * 100.0);
        let labels = [format!("{percent} {}", effect.word()), percent];
        if let Some(label) = labels.iter().find(|l| style.width(l) + 6.0 < right - left) {
            let middle = ((left + right - 1.0) / 2.0, (from.1 + to.1) / 2.0);
            if effect == Effect::Faulted {
                failures::on_paper(pen, label, middle, style);
            } else {
                pen.centred(label, middle, Align::Middle, style);
            }
        }
        left = right;
    }
}

/// The background and pattern of an effect.
fn swatch<S: Surface>(pen: &mut Pen<'_, S>, effect: Effect, from: Point, to: Point) {
    match effect {
        Effect::None => outline(pen, from, to),
        Effect::Detected => pen.rect(from, to, HEAT[1], 1.0),
        Effect::Benign => pen.rect(from, to, LIVE, 1.0),
        Effect::WrongValue => pen.rect(from, to, HEAT[4], 1.0),
        Effect::Corrupted => pen.rect(from, to, HEAT[6], 1.0),
        Effect::Faulted => {
            pen.rect(from, to, FAILED, 1.0);
            pen.hatch(from, to, Stroke::solid(HATCH, 1.25));
        }
        Effect::Exhausted => pen.rect(from, to, TEXT, 1.0),
    }
}

fn ink_on(effect: Effect) -> Ink {
    match effect {
        Effect::Corrupted => ON_HEAT,
        Effect::Exhausted => PAPER,
        _ => TEXT,
    }
}

/// The legend of the effects that occur, in lines; returns the y below them.
fn draw_key<S: Surface>(pen: &mut Pen<'_, S>, bars: &[Bar<'_>], top: f64) -> f64 {
    let style = TextStyle::new(SMALL_PX, TEXT);
    let (mut x, mut y) = (MARGIN_PX, top);
    let occurs = |effect: &Effect| bars.iter().any(|bar| bar.occurred().any(|(e, _)| e == *effect));
    for effect in EFFECTS.into_iter().filter(occurs) {
        let word = effect.word();
        let width = 20.0 + 6.0 + style.width(word);
        if x > MARGIN_PX && x + width > pen.width() - MARGIN_PX {
            (x, y) = (MARGIN_PX, y + 19.0);
        }
        swatch(pen, effect, (x, y), (x + 20.0, y + 13.0));
        pen.centred(word, (x + 26.0, y + 6.5), Align::Left, style);
        x += width + 16.0;
    }
    y + 13.0
}

fn in_words(bar: &Bar<'_>) -> String {
    let words: Vec<String> =
        bar.occurred().map(|(effect, runs)| format!("{runs} {}", effect.word())).collect();
    format!("{} of {} runs", words.join(", "), bar.n())
}

/// The matrix in words: one sentence for each failure.
pub(crate) fn describe_matrix(safety: &Safety) -> String {
    let of_failure = |failure: Failure| {
        let cells = safety.cells.iter().filter(|cell| cell.failure == failure);
        let words: Vec<String> =
            cells.map(|cell| format!("{} {}", cell.collector, cell.word())).collect();
        format!("{}: {}.", failure.name(), words.join(", "))
    };
    Failure::ALL.map(of_failure).join(" ")
}

/// The shares in words: one sentence for each bar.
pub(crate) fn describe_shares(safety: &Safety) -> String {
    let sentence =
        |bar: &Bar<'_>| format!("{}, {}: {}.", bar.collector.name, bar.order, in_words(bar));
    bars(safety).iter().map(sentence).collect::<Vec<_>>().join(" ")
}
