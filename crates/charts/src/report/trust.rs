//! The validity checks of a run, shown before any of its numbers.

use crate::scene::RunView;
use analysis::estimate::MIN_OBSERVATIONS;
use analysis::{Row, format};
use record::{Mode, Outcome, Record};
use std::collections::BTreeSet;

/// Largest unremarked difference between footprint and resident set, in bytes.
const RSS_SLACK_BYTES: u64 = 3_000_000;
/// Largest unremarked ratio between repeats of one cell.
const SPREAD: f64 = 1.25;
/// Wall time beyond this multiple of the CPU time is waiting time, most likely for a processor.
const WAITING: f64 = 1.1;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The check passed.
    Good,
    /// A limitation of the numbers.
    Note,
    /// A defect: numbers may be wrong.
    Bad,
}

impl Weight {
    /// The word printed before the finding.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "problem",
        }
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Its severity.
    pub(crate) weight: Weight,
    /// The finding, in a sentence or two.
    pub(crate) text: String,
}

fn finding(weight: Weight, text: impl Into<String>) -> Finding {
    Finding { weight, text: text.into() }
}

/// All findings of a run, most severe first.
pub(crate) fn findings(view: &RunView<'_>) -> Vec<Finding> {
    let mut all = vec![
        completeness(view),
        answers(view),
        accounting(view),
        repeats(view),
        load(view),
        build(view),
    ];
    all.extend(view.run.manifest.stamp().map(|stamp| finding(Weight::Bad, stamp + ".")));
    all.extend(failures(view));
    all.extend(unreadable(view));
    all.extend(resident(view));
    all.extend(spread(view));
    all.extend(waiting(view));
    all.sort_by_key(|f| std::cmp::Reverse(f.weight));
    all
}

/// One sentence on the size of the run.
pub(crate) fn scope(view: &RunView<'_>) -> String {
    let manifest = &view.run.manifest;
    let ran = view.run.records.iter().filter(|r| r.process_wall_ns > 0).count();
    format!(
        "Suite {}, profile {}: {} workloads under {} collectors, {}{} repeats planned for every time cell; {} \
         processes ran, one per cell, in randomised blocks (seed {}).",
        manifest.suite,
        manifest.profile,
        manifest.workloads.len(),
        manifest.collectors.len(),
        if manifest.budget_ms.is_some() { "at least " } else { "" },
        manifest.repeats,
        format::count(ran as u64),
        manifest.seed
    )
}

fn completeness(view: &RunView<'_>) -> Finding {
    let manifest = &view.run.manifest;
    let missing: Vec<String> = manifest
        .workloads
        .iter()
        .flat_map(|w| manifest.collectors.iter().map(move |c| (&w.name, &c.name)))
        .filter(|(w, c)| !view.summary.rows.iter().any(|r| r.workload == **w && r.collector == **c))
        .map(|(w, c)| format!("{c} on {w}"))
        .collect();
    if missing.is_empty() {
        return finding(Weight::Good, "Every planned pair of workload and collector has a row.");
    }
    finding(
        Weight::Note,
        format!("Not run: {}. Resume the run to complete it.", shortened(&missing)),
    )
}

fn answers(view: &RunView<'_>) -> Finding {
    let wrong: Vec<String> = view
        .run
        .records
        .iter()
        .filter(|r| matches!(r.outcome, Outcome::WrongAnswer { .. }))
        .map(|r| format!("{} ({})", r.cell, r.outcome.reason()))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if wrong.is_empty() {
        finding(Weight::Good, "Every finished process computed the published answer.")
    } else {
        finding(Weight::Bad, format!("Wrong answers: {}.", shortened(&wrong)))
    }
}

fn accounting(view: &RunView<'_>) -> Finding {
    let bad: Vec<&Row> = view.summary.rows.iter().filter(|r| r.accounting_errors > 0).collect();
    if bad.is_empty() {
        return finding(
            Weight::Good,
            "The footprint equalled the sum of its parts at every sample.",
        );
    }
    let listed: Vec<String> = bad
        .iter()
        .map(|r| format!("{} on {}: {} samples", r.collector, r.workload, r.accounting_errors))
        .collect();
    finding(
        Weight::Bad,
        format!("The footprint was not the sum of its parts: {}.", shortened(&listed)),
    )
}

fn repeats(view: &RunView<'_>) -> Finding {
    let least = view.summary.rows.iter().filter(|r| r.outcome == Outcome::Ok).map(|r| r.n).min();
    match least {
        Some(n) if n >= MIN_OBSERVATIONS => finding(
            Weight::Good,
            format!("At least {n} repeats of every time cell: medians carry intervals."),
        ),
        Some(n) => finding(
            Weight::Note,
            format!(
                "Only {n} repeats of some time cells: with fewer than {MIN_OBSERVATIONS} there are no intervals and no \
                 verdicts, and every repeat is shown as a dot."
            ),
        ),
        None => finding(Weight::Bad, "No cell finished in all its repeats."),
    }
}

fn load(view: &RunView<'_>) -> Finding {
    let environment = &view.run.manifest.environment;
    let load = environment.load_before;
    if load > 0.5 * f64::from(environment.cpus) {
        let text = format!(
            "The machine was busy when the run began (load average {load:.2} on {} processors); wall times and \
             pauses may be too long.",
            environment.cpus
        );
        return finding(Weight::Note, text);
    }
    finding(
        Weight::Good,
        format!("The machine was quiet when the run began (load average {load:.2})."),
    )
}

fn build(view: &RunView<'_>) -> Finding {
    let environment = &view.run.manifest.environment;
    if environment.build != "release" {
        let text =
            format!("This is a {} build: its times and pauses are invalid.", environment.build);
        return finding(Weight::Bad, text);
    }
    if environment.commit.ends_with('+') || environment.commit == "unknown" {
        let text = format!(
            "The tool was built from commit {}: the exact source cannot be recovered from it.",
            environment.commit
        );
        return finding(Weight::Note, text);
    }
    finding(Weight::Good, format!("A release build of commit {}.", environment.commit))
}

/// Failed cells by outcome; not applicable pairs are not failures.
fn failures(view: &RunView<'_>) -> Vec<Finding> {
    let mut by_word: Vec<(&'static str, bool, Vec<String>)> = Vec::new();
    for row in &view.summary.rows {
        if matches!(
            row.outcome,
            Outcome::Ok | Outcome::NotApplicable { .. } | Outcome::WrongAnswer { .. }
        ) {
            continue;
        }
        let cell = format!("{} on {}", row.collector, row.workload);
        match by_word.iter_mut().find(|(word, ..)| *word == row.outcome.word()) {
            Some((_, _, cells)) => cells.push(cell),
            None => by_word.push((row.outcome.word(), row.outcome.is_defect(), vec![cell])),
        }
    }
    by_word
        .into_iter()
        .map(|(word, defect, cells)| {
            let weight = if defect { Weight::Bad } else { Weight::Note };
            finding(weight, format!("Outcome {word}: {}.", shortened(&cells)))
        })
        .collect()
}

fn unreadable(view: &RunView<'_>) -> Option<Finding> {
    let problems: Vec<String> = view.run.problems.iter().map(ToString::to_string).collect();
    (!problems.is_empty()).then(|| {
        finding(Weight::Bad, format!("Lines that could not be read: {}.", shortened(&problems)))
    })
}

fn resident(view: &RunView<'_>) -> Option<Finding> {
    let far: Vec<String> = view
        .run
        .records
        .iter()
        .filter(|r| r.cell.mode == Mode::Memory)
        .filter_map(|r| {
            let difference = r.sample.as_ref()?.rss_difference_bytes?;
            (difference > RSS_SLACK_BYTES)
                .then(|| format!("{} by {}", r.cell, format::bytes(difference as f64)))
        })
        .collect();
    (!far.is_empty()).then(|| {
        let text = format!(
            "The footprint differs from the resident set of the process: {}.",
            shortened(&far)
        );
        finding(Weight::Note, text)
    })
}

fn spread(view: &RunView<'_>) -> Option<Finding> {
    let widest = view
        .summary
        .rows
        .iter()
        .filter_map(|row| {
            let values = &row.cpu_ns.known()?.values;
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(0.0, f64::max);
            (low > 0.0).then(|| (high / low, row))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (factor, row) = widest.filter(|(factor, _)| *factor > SPREAD)?;
    let text = format!(
        "Repeats of one cell differ by up to {} in CPU time ({} on {}): the machine is noisy, and only ratios \
         inside blocks are compared.",
        format::ratio(factor),
        row.collector,
        row.workload
    );
    Some(finding(Weight::Note, text))
}

fn waiting(view: &RunView<'_>) -> Option<Finding> {
    let timed = |record: &&Record| record.cell.mode == Mode::Time && record.outcome == Outcome::Ok;
    let samples: Vec<_> =
        view.run.records.iter().filter(timed).filter_map(|r| r.sample.as_ref()).collect();
    let waited = samples.iter().filter(|s| s.wall_ns as f64 > WAITING * s.cpu_ns as f64).count();
    (waited * 10 > samples.len()).then(|| {
        let text = format!(
            "In {waited} of {} timed processes the wall time exceeds the CPU time by more than a tenth: the machine \
             had other load, so compare CPU times.",
            samples.len()
        );
        finding(Weight::Note, text)
    })
}

/// The first items of a list, and the number of the others.
fn shortened(items: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if items.len() > SHOWN {
        text.push_str(&format!("; and {} more", items.len() - SHOWN));
    }
    text
}
