//! The result of a duel in the terminal: a sentence for each side, then times, memory and pauses.

use crate::palette;
use crate::table::{Align, Line, NARROW, Text, render, wrap};
use analysis::conclusions::JudgedCompetitor;
use analysis::sentences::with_interval;
use analysis::verdict::Comparison;
use analysis::{Measured, Row, conclude, format, summarise};
use record::{Cell, Run};
use std::io::{self, Write};

const HEADINGS: [(&str, Align); 7] = [
    ("side", Align::Left),
    ("CPU time", Align::Right),
    ("CPU", Align::Right),
    ("wall", Align::Right),
    ("peak", Align::Right),
    ("paused", Align::Right),
    ("longest", Align::Right),
];

/// Prints a run with sides.
pub(crate) fn print(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let (strong, faint) = (palette::strong(), palette::faint());
    if let Some(stamp) = run.manifest.stamp() {
        writeln!(out, "{strong}{stamp}{strong:#}\n")?;
    }
    let (conclusions, summary) = (conclude(run), summarise(run));
    for line in conclusions.sentences.iter().flat_map(|sentence| wrap(sentence, NARROW)) {
        writeln!(out, "{strong}{line}{strong:#}")?;
    }
    let Some(contest) = conclusions.contests.first() else { return Ok(()) };
    let line = |(number, (side, cell)): (usize, (&JudgedCompetitor, &Cell))| -> Line {
        let row = summary.rows.iter().find(|row| is_of(row, cell));
        let known = |value: Option<String>| value.unwrap_or_else(|| "n/a".to_owned());
        let time = side.cpu_ns.known().map(|estimate| estimate.median);
        vec![
            Text::styled(letter(number), palette::strong()),
            known(time.map(format::duration_ns)).into(),
            Text::styled(ratio(side, &side.cpu), palette::strong()),
            ratio(side, &side.wall).into(),
            known(row.and_then(|r| Some(format::bytes(r.peak_footprint_bytes.known()?.median))))
                .into(),
            known(
                row.and_then(|r| Some(format!("{:.1} %", 100.0 * r.paused_share.known()?.median))),
            )
            .into(),
            known(row.and_then(|r| Some(format::duration_ns(r.pauses.known()?.longest_ns.median))))
                .into(),
        ]
    };
    let sides = contest.competitors.iter().zip(&run.manifest.sides);
    writeln!(out)?;
    for (number, (side, _)) in sides.clone().enumerate() {
        writeln!(out, "{strong}{}{strong:#}  {}", letter(number), side.name)?;
    }
    writeln!(out)?;
    write!(out, "{}", render(&HEADINGS, &sides.enumerate().map(line).collect::<Vec<_>>()))?;
    let resolution = conclusions.sentinel.resolution.map_or(String::new(), |width| {
        format!("; the control distinguishes {:.1} %", 100.0 * width)
    });
    let legend = format!(
        "{} blocks of fresh processes in random order, seed {}; all answers right; times of run and teardown, \
         ratios to the last side with 95 % intervals, ~ not decided{resolution}.",
        contest.blocks, run.manifest.seed
    );
    for line in wrap(&legend, NARROW) {
        writeln!(out, "{faint}{line}{faint:#}")?;
    }
    if contest.blocks < analysis::estimate::MIN_OBSERVATIONS {
        writeln!(out, "No intervals below {} blocks.", analysis::estimate::MIN_OBSERVATIONS)?;
    }
    Ok(())
}

fn is_of(row: &Row, cell: &Cell) -> bool {
    row.collector == cell.collector && row.workload == cell.workload && row.heap == cell.heap
}

fn letter(number: usize) -> String {
    char::from(b'A' + number as u8).to_string()
}

fn ratio(side: &JudgedCompetitor, comparison: &Measured<Comparison>) -> String {
    match comparison.known() {
        _ if side.is_reference => "1".to_owned(),
        None => "n/a".to_owned(),
        Some(c) => {
            let open = if c.verdict.is_decided() { "" } else { "~" };
            format!("{open}{}", with_interval(c))
        }
    }
}
