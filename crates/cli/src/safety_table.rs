//! The safety matrix in the terminal: the table in 100 columns, and the explanation of a field.

use crate::failure::Failure as Broken;
use crate::palette;
use crate::table::Align::{Left, Right};
use crate::table::{Line, Text, WIDTH, render as lay_out, wrap};
use analysis::format;
use anstyle::Style;
use record::{CollectorInfo, Counts, Failure, Safety, SafetyCell, Series, TrialEnd, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The heads of a failure's column, one below the other.
fn heads(failure: Failure) -> [&'static str; 2] {
    match failure {
        Failure::Leak => ["leak", ""],
        Failure::LogicalLeak => ["logical", "leak"],
        Failure::UseAfterFree => ["use after", "free"],
        Failure::UseBeforeInit => ["use before", "init"],
        Failure::DoubleFree => ["double", "free"],
        Failure::DanglingBorrow => ["dangling", "borrow"],
        Failure::CycleLeak => ["cycle", "leak"],
        Failure::DeepDrop => ["deep", "drop"],
        Failure::UnboundedGarbage => ["unbounded", "garbage"],
    }
}

/// Failures side by side: no more legible columns fit the width.
const ABREAST: usize = 5;

/// The table, its legend and its programs.
pub(crate) fn render(safety: &Safety) -> String {
    let parts = Failure::ALL.chunks(ABREAST).map(|failures| part(safety, failures) + "\n");
    parts.chain([legend(safety)]).collect()
}

/// The part of the table that shows these failures.
fn part(safety: &Safety, failures: &[Failure]) -> String {
    let heads_of = |failure: &Failure| (heads(*failure)[0], Left);
    let headings: Vec<_> =
        [("collector", Left)].into_iter().chain(failures.iter().map(heads_of)).collect();
    let below = |failure: &Failure| Text::styled(heads(*failure)[1], palette::faint());
    let mut lines: Vec<Line> =
        vec![[Text::from("")].into_iter().chain(failures.iter().map(below)).collect()];
    for collector in &safety.collectors {
        let cells = || failures.iter().map(|&f| safety.cell(f, &collector.name));
        let name = Text::styled(&collector.name, palette::collector(&collector.colour));
        let words = cells().map(|cell| cell.map_or_else(|| "n/a".into(), word));
        lines.push([name].into_iter().chain(words).collect());
        let counts = cells()
            .map(|cell| Text::styled(cell.map_or_else(String::new, count), palette::faint()));
        lines.push([Text::from("")].into_iter().chain(counts).collect());
    }
    lay_out(&headings, &lines)
}

fn legend(safety: &Safety) -> String {
    let faint = palette::faint();
    let programs: BTreeSet<&str> =
        safety.series.iter().map(|series| series.subject.program.as_str()).collect();
    let programs: Vec<&str> = programs.into_iter().collect();
    let runs: u32 = safety.series.iter().map(Series::runs).sum();
    format!(
        "{faint}rejected  by the compiler: the programs are compile-fail tests\n\
         cannot    impossible by construction: the faulty programs ran and had no effect\n\
         detected  at run time: the use was refused\n\
         happens   executed on the sandboxed heap; below: bytes leaked, or invalid uses\n\
         ...*      but it happens with unsafe, mem::forget or an allocator that does not zero{faint:#}\n\n\
         {} runs, {} seeds per trial that depends on chance, {}.\n{}\
         Details of a field: gcw safety --explain use-after-free/manual\n",
        format::count(runs.into()),
        safety.seeds,
        safety.build,
        wrap(&format!("Programs: {}.", programs.join(", ")), WIDTH).join("\n") + "\n"
    )
}

fn word(cell: &SafetyCell) -> Text {
    let style = match cell.verdict {
        Verdict::Happens => palette::strong(),
        Verdict::NotApplicable { .. } => palette::faint(),
        _ => Style::new(),
    };
    Text::styled(cell.word(), style)
}

/// The number of a field, abbreviated.
fn count(cell: &SafetyCell) -> String {
    match &cell.verdict {
        Verdict::Rejected { cases } if cases.len() == 1 => "1 test".to_owned(),
        Verdict::Rejected { cases } => format!("{} tests", cases.len()),
        Verdict::Impossible => runs(cell.runs),
        Verdict::Detected => format!("{}x", short(cell.counts.refused)),
        Verdict::NotApplicable { .. } => String::new(),
        Verdict::Happens => match &cell.end {
            TrialEnd::StackOverflow { .. } => "overflow".to_owned(),
            TrialEnd::OutOfMemory => "OOM".to_owned(),
            _ if cell.counts.stale() > 0 => format!("{} uses", short(cell.counts.stale())),
            _ => format::bytes(cell.counts.leaked_bytes as f64),
        },
    }
}

/// `1 run`, `45 runs`.
fn runs(number: u32) -> String {
    if number == 1 { "1 run".to_owned() } else { format!("{number} runs") }
}

/// A number in at most four characters.
fn short(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..1_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// Parses `--explain`: a failure, and perhaps a collector.
pub(crate) fn explained(
    what: &str,
    known: &[CollectorInfo],
) -> Result<(Failure, Option<String>), Broken> {
    let (failure, collector) = match what.split_once('/') {
        Some((failure, collector)) => (failure, Some(collector)),
        None => (what, None),
    };
    let spelt = |failure: Failure| failure.name().replace(' ', "-");
    let wanted = failure.trim().replace(' ', "-");
    let Some(failure) = Failure::ALL.into_iter().find(|&f| spelt(f) == wanted) else {
        let names: Vec<String> = Failure::ALL.into_iter().map(spelt).collect();
        return Err(Broken::Usage(format!(
            "unknown failure '{failure}'; there are {}",
            names.join(", ")
        )));
    };
    let Some(collector) = collector else { return Ok((failure, None)) };
    if known.iter().any(|c| c.name == collector) {
        return Ok((failure, Some(collector.to_owned())));
    }
    let names: Vec<&str> = known.iter().map(|c| c.name.as_str()).collect();
    Err(Broken::Usage(format!("unknown collector '{collector}'; there are {}", names.join(", "))))
}

/// The explanation of a failure's fields.
pub(crate) fn explain(safety: &Safety, failure: Failure) -> String {
    let strong = palette::strong();
    let mut text = format!("{strong}{}{strong:#}: {}\n", failure.name(), meaning(failure));
    // Writing to a `String` cannot fail.
    for collector in &safety.collectors {
        let Some(cell) = safety.cell(failure, &collector.name) else { continue };
        let style = palette::collector(&collector.colour);
        let _ = writeln!(text, "\n{style}{}{style:#}: {}", collector.name, in_words(cell));
        let of_cell: Vec<&Series> = safety
            .series
            .iter()
            .filter(|s| s.subject.failure == failure && s.collector == collector.name)
            .collect();
        text.push_str(&trials(&of_cell));
    }
    for case in &safety.cases {
        let is_named = safety.cells.iter().any(|cell| {
            cell.failure == failure
                && matches!(&cell.verdict, Verdict::Rejected { cases } if cases.contains(&case.name))
        });
        if is_named {
            let _ =
                writeln!(text, "\n{strong}{}.rs{strong:#}\n{}", case.name, indented(&case.program));
            let _ = writeln!(text, "the compiler:\n{}", indented(&case.error));
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

fn meaning(failure: Failure) -> &'static str {
    match failure {
        Failure::Leak => "unreachable objects are never reclaimed",
        Failure::LogicalLeak => {
            "objects that the program no longer needs stay reachable, which no discipline can detect"
        }
        Failure::UseAfterFree => "an object is used after its memory was freed",
        Failure::UseBeforeInit => "a new object is read before it is written",
        Failure::DoubleFree => "an object is freed a second time, when its memory may hold another",
        Failure::DanglingBorrow => "a borrow is used after its owner has freed the object",
        Failure::CycleLeak => "objects that refer to each other in a ring are never reclaimed",
        Failure::DeepDrop => "dropping a long chain overflows the stack",
        Failure::UnboundedGarbage => "a program that keeps little runs out of memory",
    }
}

fn in_words(cell: &SafetyCell) -> String {
    let verdict = match &cell.verdict {
        Verdict::Rejected { cases } => format!("rejected by the compiler ({})", cases.join(", ")),
        Verdict::Impossible => {
            format!("impossible by construction: {} had no effect", runs(cell.runs))
        }
        Verdict::Detected => {
            format!(
                "detected at run time: {} uses refused in {}",
                cell.counts.refused,
                runs(cell.runs)
            )
        }
        Verdict::Happens => {
            format!("happens, in {}: {}", runs(cell.runs), counted(&cell.counts, &cell.end))
        }
        Verdict::NotApplicable { reason } => format!("n/a: {reason}"),
    };
    match &cell.bent {
        Some(bent) => format!(
            "{verdict}. With {}: {}, in {}: {}",
            bent.by,
            bent.verdict.word(),
            runs(bent.runs),
            counted(&bent.counts, &TrialEnd::Right)
        ),
        None => verdict,
    }
}

fn counted(counts: &Counts, end: &TrialEnd) -> String {
    let numbers = [
        (counts.stale_reads, "stale reads"),
        (counts.wrong_reads, "of them wrong values"),
        (counts.stale_writes, "stale writes"),
        (counts.stale_frees, "stale frees"),
        (counts.corrupted_objects, "objects corrupted"),
        (counts.leaked_bytes, "bytes leaked"),
    ];
    let mut words: Vec<String> = numbers
        .into_iter()
        .filter(|&(number, _)| number > 0)
        .map(|(number, what)| format!("{} {what}", format::count(number)))
        .collect();
    words.extend(match end {
        TrialEnd::StackOverflow { why } => Some(why.clone()),
        TrialEnd::OutOfMemory => Some("out of memory".to_owned()),
        _ => None,
    });
    if words.is_empty() { "nothing counted".to_owned() } else { words.join(", ") }
}

fn trials(series: &[&Series]) -> String {
    let headings =
        [("program", Left), ("order of reuse", Left), ("runs", Right), ("outcome", Left)];
    let line = |series: &&Series| -> Line {
        let effects: Vec<String> = series
            .effects
            .iter()
            .map(|&(effect, runs)| format!("{runs} {}", effect.word()))
            .collect();
        let outcome = match &series.end {
            TrialEnd::NotApplicable { reason } => format!("n/a: {reason}"),
            TrialEnd::Stopped { why } => format!("{}; stopped: {why}", effects.join(", ")),
            TrialEnd::StackOverflow { why } => format!("stack overflow: {why}"),
            TrialEnd::OutOfMemory => "out of memory".to_owned(),
            _ if series.counts.leaked_bytes > 0 => {
                format!("{} leaked", format::bytes(series.counts.leaked_bytes as f64))
            }
            _ => effects.join(", "),
        };
        vec![
            series.subject.program.as_str().into(),
            series.subject.order.as_str().into(),
            series.runs().to_string().into(),
            outcome.into(),
        ]
    };
    let mut text = String::new();
    let mut rest = series;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|s| s.subject.mistake == first.subject.mistake).count();
        let bends = match first.subject.bends.as_str() {
            "" => String::new(),
            bends => format!(" (with {bends})"),
        };
        let _ = writeln!(text, "  {}{bends}", first.subject.mistake);
        let lines: Vec<Line> = rest[..same].iter().map(line).collect();
        text.push_str(&indented(&lay_out(&headings, &lines)));
        rest = &rest[same..];
    }
    text
}
