//! The end of a run in the terminal: sentences, then the league table, in at most 40 lines of 80 columns.

use crate::palette;
use crate::table::{Align, Line, NARROW, Text, elide, render, wrap};
use analysis::league::LeagueRow;
use analysis::spread::{Spread, spread};
use analysis::verdict::TIME_MARGIN;
use analysis::{Conclusions, Measured, conclude, format};
use record::{LineProblem, Manifest, Outcome, Run};
use std::io::{self, Write};

/// Before the further lines of a sentence.
const INDENT: &str = "  ";
/// Longest name of a collector: the table is then as wide as any may be.
const NAME_CHARS_MAX: usize = 28;
/// Failures that are printed in full.
const FAILURES_MAX: usize = 8;

const HEADINGS: [(&str, Align); 8] = [
    ("collector", Align::Left),
    ("CPU time", Align::Right),
    ("", Align::Left),
    ("least heap", Align::Right),
    ("peak", Align::Right),
    ("paused", Align::Right),
    ("BMU 10 ms", Align::Right),
    ("finished", Align::Right),
];

/// Prints the stamp of a run that has one, its conclusions, and its unusable lines.
pub(crate) fn print(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let (strong, faint) = (palette::strong(), palette::faint());
    if let Some(stamp) = run.manifest.stamp() {
        writeln!(out, "{strong}{stamp}{strong:#}\n")?;
    }
    let conclusions = conclude(run);
    for sentence in &conclusions.sentences {
        let lines = wrap(sentence, NARROW - INDENT.len()).join(&format!("\n{INDENT}"));
        // The subject stands on the first line.
        let (subject, rest) = lines.split_once(':').unwrap_or(("", &lines));
        writeln!(out, "{strong}{subject}:{strong:#}{rest}")?;
    }
    writeln!(out)?;
    write!(out, "{}", league(&run.manifest, &conclusions))?;
    for line in wrap(&legend(&conclusions), NARROW) {
        writeln!(out, "{faint}{line}{faint:#}")?;
    }
    for line in failures(&conclusions).iter().flat_map(|failure| wrap(failure, NARROW)) {
        writeln!(out, "{line}")?;
    }
    for problem in &run.problems {
        writeln!(out, "{strong}unusable line{strong:#} {problem}")?;
    }
    writeln!(out)
}

/// The unusable lines of a run, for machine output.
pub(crate) fn problems(problems: &[LineProblem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// The pairs that did not finish, by outcome and reason.
fn failures(conclusions: &Conclusions) -> Vec<String> {
    let mut failures: Vec<(String, Vec<String>)> = Vec::new();
    for contest in &conclusions.contests {
        for competitor in contest.competitors.iter().filter(|c| c.outcome != Outcome::Ok) {
            let outcome = competitor.outcome.to_string();
            let pair = format!("{} on {}", competitor.name, contest.workload);
            match failures.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, pairs)) => pairs.push(pair),
                None => failures.push((outcome, vec![pair])),
            }
        }
    }
    let more = failures.len().saturating_sub(FAILURES_MAX);
    let shown = failures.into_iter().take(FAILURES_MAX);
    let mut lines: Vec<String> =
        shown.map(|(outcome, pairs)| format!("{}: {outcome}", pairs.join(", "))).collect();
    if more > 0 {
        lines.push(format!("and {more} other failures: `gcw show -w '*'`"));
    }
    lines
}

fn league(manifest: &Manifest, conclusions: &Conclusions) -> String {
    let reference = conclusions.reference.as_deref();
    let line = |row: &LeagueRow| -> Line {
        let info = manifest.collectors.iter().find(|c| c.name == row.name);
        let style = info.map(|c| palette::collector(&c.colour)).unwrap_or_default();
        let (cpu, error) = cpu(row, reference == Some(&row.name));
        let ratio =
            |value: &Measured<f64>| value.known().map_or("n/a".to_owned(), |&x| format::ratio(x));
        let share = |value: &Measured<f64>| {
            value.known().map_or("n/a".to_owned(), |x| format!("{:.1} %", 100.0 * x))
        };
        let (finished, all) = row.finished;
        vec![
            Text::styled(elide(&row.name, NAME_CHARS_MAX), style),
            Text::styled(cpu, palette::strong()),
            error.into(),
            ratio(&row.minimum_heap).into(),
            ratio(&row.peak).into(),
            share(&row.paused_share).into(),
            share(&row.utilisation).into(),
            format!("{finished}/{all}").into(),
        ]
    };
    render(&HEADINGS, &conclusions.league.iter().map(line).collect::<Vec<_>>())
}

/// The mean, with `~` if it is not decided, and half the interval's width.
fn cpu(row: &LeagueRow, is_reference: bool) -> (String, String) {
    let Some(mean) = row.cpu.known() else {
        return ("n/a".to_owned(), String::new());
    };
    if is_reference {
        return ("1".to_owned(), "reference".to_owned());
    }
    let half = mean.interval.map(|(low, high)| (high / low).sqrt() - 1.0);
    let half = half.map_or("no interval".to_owned(), |half| format!("± {:.0} %", 100.0 * half));
    let open = if mean.is_decided(TIME_MARGIN) { "" } else { "~" };
    (format!("{open}{}", format::ratio(mean.ratio)), half)
}

fn legend(conclusions: &Conclusions) -> String {
    let heap = conclusions.heap.map_or("n/a".to_owned(), |heap| heap.to_string());
    let reference = conclusions.reference.as_deref().unwrap_or("the reference");
    let blocks = || conclusions.main_contests().map(|contest| contest.blocks);
    let blocks = match (blocks().min(), blocks().max()) {
        (Some(least), Some(most)) if least == most => format!("{least} blocks"),
        (Some(least), Some(most)) => format!("{least} to {most} blocks"),
        _ => "no blocks".to_owned(),
    };
    let left_out = match &conclusions.left_out[..] {
        [] => String::new(),
        left_out => {
            let named: Vec<String> = left_out
                .iter()
                .map(|(workload, by)| match &by[..] {
                    [] => format!("{workload} (too few blocks)"),
                    by => format!("{workload} ({} did not finish)", by.join(", ")),
                })
                .collect();
            format!(" Not in the means: {}.", named.join("; "))
        }
    };
    let disturbed = match conclusions.sentinel.disturbed {
        Some(share) if share >= 0.005 => format!(", {:.0} % of processes disturbed", 100.0 * share),
        _ => String::new(),
    };
    format!(
        "CPU time to that of {reference} at {heap}, run and teardown, geometric mean, ~ within 5 % or not decided; least heap \
         and peak over live; {blocks}{disturbed}. Intervals are within this session.{left_out}"
    )
}

/// Compares two runs of one plan: the verdicts that they share, and the spread of their ratios.
pub(crate) fn print_spread(first: &Run, second: &Run, out: &mut dyn Write) -> io::Result<()> {
    let Spread { comparisons, decided, contradicted, median, largest } = spread(first, second);
    let line = format!(
        "Between the sessions: of {comparisons} comparisons {decided} are decided in both, {contradicted} of them \
         the other way; the ratios differ by {:.0} % in the median and at most {:.0} %.",
        100.0 * median,
        100.0 * largest
    );
    wrap(&line, NARROW).into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out)
}
