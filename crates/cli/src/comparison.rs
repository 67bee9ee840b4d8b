//! The comparison table of a run: per workload every collector beside the others, in 100
//! columns.
//!
//! It has the report's figures and words: medians over the repeats, the ratio to the smallest median
//! of the workload, failures by their word and reason.

use crate::palette;
use crate::parse::size_word;
use crate::sparkline::sparkline;
use crate::table::{Align, Line, Text, WIDTH, elide, render, wrap};
use analysis::{Estimate, Measure, Measured, Row, Summary, format};
use anstyle::Style;
use record::{Manifest, Outcome, Run, WorkloadInfo};
use std::io::{self, Write};

const HEADINGS: [(&str, Align); 8] = [
    ("collector", Align::Left),
    ("heap", Align::Left),
    ("CPU time", Align::Right),
    ("to least", Align::Right),
    ("peak memory", Align::Right),
    ("to least", Align::Right),
    ("longest pause", Align::Right),
    ("memory over time", Align::Left),
];
/// Longest collector name beside a curve of full width, and longest name with parameters, which takes
/// its room from the curves.
const NAME_CHARS_MAX: usize = 15;
const VARIANT_CHARS_MAX: usize = 33;
/// Longest heap size: `unlimited`.
const HEAP_CHARS_MAX: usize = 9;
/// Characters of a curve. With all columns at their widest the table is exactly as wide as allowed.
const CURVE_CHARS: usize = 16;
/// A shorter curve is illegible, so it is left out.
const CURVE_CHARS_MIN: usize = 6;

/// Prints the stamp of a run that has one, a table per workload, then the unusable lines of the run.
pub(crate) fn print(run: &Run, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if let Some(stamp) = run.manifest.stamp() {
        let strong = palette::strong();
        writeln!(out, "{strong}{stamp}{strong:#}\n")?;
    }
    for workload in &summary.workloads {
        let rows: Vec<&Row> = summary.rows.iter().filter(|r| r.workload == *workload).collect();
        writeln!(out, "{}", title(&run.manifest, workload, &rows))?;
        writeln!(out, "{}", table(&run.manifest, &rows))?;
        let (text, faint) = (collections(&rows), palette::faint());
        if !text.is_empty() {
            writeln!(out, "{faint}{text}{faint:#}\n")?;
        }
    }
    let (strong, faint) = (palette::strong(), palette::faint());
    for problem in &run.problems {
        writeln!(out, "{strong}unusable line{strong:#} {problem}")?;
    }
    writeln!(
        out,
        "{faint}Medians; a longest pause is the median of the repeats' longest. 'To least': ratio to \
         the smallest\nmedian of the workload, which may be the smallest by chance. Curves: footprint over bytes allocated, each to its \
         own peak.{faint:#}"
    )
}

fn title(manifest: &Manifest, workload: &str, rows: &[&Row]) -> String {
    let (strong, faint) = (palette::strong(), palette::faint());
    let repeats = match rows.iter().map(|row| row.n).max() {
        None | Some(0) => "no repeat finished".to_owned(),
        Some(1) => "1 repeat".to_owned(),
        Some(n) => format!("{n} repeats"),
    };
    let info = manifest.workloads.iter().find(|w| w.name == workload);
    let live = |w: &WorkloadInfo| match w.peak_live_bytes {
        0 => "peak live bytes not recorded".to_owned(),
        peak => format!("peak live {}", format::bytes(peak as f64)),
    };
    let size = rows.first().map_or("", |row| size_word(row.size));
    let facts = [Some(size.to_owned()), info.map(live), Some(repeats)];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!("{strong}{workload}{strong:#}  {faint}{}{faint:#}", facts.join(", "))
}

fn table(manifest: &Manifest, rows: &[&Row]) -> String {
    let best = |measure: Measure| {
        let known = rows.iter().filter(|r| r.outcome == Outcome::Ok);
        known.filter_map(|r| Some(measure.of(r).known()?.median)).min_by(f64::total_cmp)
    };
    let (best_time, best_peak) = (best(Measure::CpuTime), best(Measure::PeakFootprint));
    let longest = rows.iter().map(|row| row.collector.chars().count()).max().unwrap_or(0);
    let name_chars = longest.clamp(NAME_CHARS_MAX, VARIANT_CHARS_MAX);
    let curve_chars = (NAME_CHARS_MAX + CURVE_CHARS).saturating_sub(name_chars);
    let columns = HEADINGS.len() - usize::from(curve_chars < CURVE_CHARS_MIN);
    let widths = (name_chars, curve_chars.max(CURVE_CHARS_MIN));
    let lines = rows.iter().map(|row| {
        let mut line = line(manifest, row, best_time, best_peak, widths);
        line.truncate(columns);
        line
    });
    render(&HEADINGS[..columns], &lines.collect::<Vec<_>>())
}

/// The collections of each collector, where known; with their heaps if those differ.
fn collections(rows: &[&Row]) -> String {
    let several = rows.iter().any(|row| row.heap != rows[0].heap);
    let known = rows.iter().filter_map(|row| Some((row, row.collections.known()?)));
    let parts: Vec<String> = known
        .map(|(row, collections)| {
            let heap = if several { format!("@{}", row.heap) } else { String::new() };
            let threads = collections.threads.filter(|&threads| threads > 1);
            let threads = threads.map_or(String::new(), |n| format!(" on {n} threads"));
            format!("{}{heap} {collections}{threads}", row.collector)
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    wrap(&format!("Collections: {}", parts.join("; ")), WIDTH).join("\n")
}

fn line(
    manifest: &Manifest,
    row: &Row,
    best_time: Option<f64>,
    best_peak: Option<f64>,
    (name_chars, curve_chars): (usize, usize),
) -> Line {
    let info = manifest.collectors.iter().find(|c| c.name == row.collector);
    let style = info.map(|c| palette::collector(&c.colour)).unwrap_or_default();
    let name = elide(&row.collector, name_chars);
    let mut line: Line =
        vec![Text::styled(name, style), elide(&row.heap.to_string(), HEAP_CHARS_MAX).into()];
    if row.outcome != Outcome::Ok {
        let room = WIDTH - name_chars - HEAP_CHARS_MAX - 4;
        line.push(Text::styled(elide(&row.outcome.to_string(), room), palette::strong()));
        return line;
    }
    let faint = palette::faint();
    line.extend(value_and_ratio(&row.cpu_ns, best_time, format::duration_ns, faint));
    // Bytes have no noise: the least are the best.
    let (peak, strong) = (&row.peak_footprint_bytes, palette::strong());
    line.extend(value_and_ratio(peak, best_peak, format::bytes, strong));
    let pause = row.pauses.known().map(|p| format::duration_ns(p.longest_ns.median));
    line.push(pause.unwrap_or_else(not_known).into());
    line.push(Text::styled(sparkline(&row.footprint, curve_chars), style));
    line
}

/// The median and its ratio to the least; the least one in its own style.
fn value_and_ratio(
    estimate: &Measured<Estimate>,
    best: Option<f64>,
    words: fn(f64) -> String,
    least: Style,
) -> [Text; 2] {
    let Some(median) = estimate.known().map(|e| e.median) else {
        return [not_known().into(), "".into()];
    };
    let ratio = best.map_or(String::new(), |best| {
        // Both may be 0: 0 faults, 0 ns.
        format::ratio(if median == best { 1.0 } else { median / best })
    });
    let style = if Some(median) == best { least } else { palette::faint() };
    [words(median).into(), Text::styled(ratio, style)]
}

/// The reason is in the report; the table has no room for it.
fn not_known() -> String {
    "n/a".to_owned()
}
