//! The end of a run in the terminal: sentences, then the league table, in at most 40 lines of 80 columns.

use crate::palette;
use crate::table::{Align, Line, Text, elide, render, wrap};
use analysis::geometric_mean::GeometricMean;
use analysis::league::LeagueRow;
use analysis::verdict::Verdict;
use analysis::{Conclusions, Measured, conclude, format};
use record::{LineProblem, Manifest, Outcome, Run};
use std::io::{self, Write};

/// Readable everywhere.
const WIDTH: usize = 80;
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
        let (head, rest) = sentence.split_once(':').unwrap_or(("", sentence));
        let mut lines = wrap(&format!("{head}:{rest}"), WIDTH - 2).into_iter();
        let first = lines.next().unwrap_or_default();
        let rest = first.strip_prefix(&format!("{head}:"));
        match rest {
            Some(rest) => writeln!(out, "{strong}{head}:{strong:#}{rest}")?,
            None => writeln!(out, "{first}")?,
        }
        lines.try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    writeln!(out)?;
    write!(out, "{}", league(&run.manifest, &conclusions))?;
    for line in wrap(&legend(&conclusions), WIDTH) {
        writeln!(out, "{faint}{line}{faint:#}")?;
    }
    for line in failures(&conclusions).iter().flat_map(|failure| wrap(failure, WIDTH)) {
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

/// The mean, with `~` if its interval has 1, and half the interval's width.
fn cpu(row: &LeagueRow, is_reference: bool) -> (String, String) {
    let Some(GeometricMean { ratio, interval, .. }) = row.cpu.known() else {
        return ("n/a".to_owned(), String::new());
    };
    if is_reference {
        return ("1".to_owned(), "reference".to_owned());
    }
    let is_open = interval.is_none_or(|(low, high)| low <= 1.0 && high >= 1.0);
    let half = interval.map(|(low, high)| (high / low).sqrt() - 1.0);
    let half = half.map_or("no interval".to_owned(), |half| format!("± {:.0} %", 100.0 * half));
    (format!("{}{}", if is_open { "~" } else { "" }, format::ratio(*ratio)), half)
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
        Some(share) if share > 0.0 => format!(", {:.0} % of processes disturbed", 100.0 * share),
        _ => String::new(),
    };
    format!(
        "CPU time to that of {reference} at {heap}, run and teardown, geometric mean, ~ not decided; least heap \
         and peak over live; {blocks}{disturbed}. Intervals are within this session.{left_out}"
    )
}

/// Compares two runs of one plan: the verdicts that they share, and the spread of their ratios.
pub(crate) fn print_spread(first: &Run, second: &Run, out: &mut dyn Write) -> io::Result<()> {
    let (first, second) = (conclude(first), conclude(second));
    let pairs = || {
        first.contests.iter().flat_map(|a| {
            let b = second.contests.iter().find(|b| b.workload == a.workload && b.heap == a.heap);
            let pairs = b.into_iter().flat_map(move |b| {
                let same = |name: &str| b.competitors.iter().find(|c| c.name == name);
                a.competitors.iter().filter_map(move |c| {
                    Some((c.cpu.known()?.clone(), same(&c.name)?.cpu.known()?.clone()))
                })
            });
            pairs.collect::<Vec<_>>()
        })
    };
    let mut spreads: Vec<f64> = pairs()
        .map(|(a, b)| (a.ratio.estimate / b.ratio.estimate).ln().abs().exp() - 1.0)
        .collect();
    spreads.sort_by(f64::total_cmp);
    let both = |(a, b): &(_, _)| is_decided(a) && is_decided(b);
    let contradicted = pairs().filter(|(a, b)| a.verdict.contradicts(b.verdict)).count();
    let line = format!(
        "Between the sessions: of {} comparisons {} are decided in both, {contradicted} of them the other way; \
         the ratios differ by {:.0} % in the median and at most {:.0} %.",
        spreads.len(),
        pairs().filter(both).count(),
        100.0 * spreads.get(spreads.len() / 2).copied().unwrap_or(0.0),
        100.0 * spreads.last().copied().unwrap_or(0.0)
    );
    for line in wrap(&line, WIDTH) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)
}

fn is_decided(comparison: &analysis::verdict::Comparison) -> bool {
    !matches!(comparison.verdict, Verdict::Open { .. })
}
