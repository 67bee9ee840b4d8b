//! The main results as sentences: time, memory, utilisation, and the limits of the run.
//!
//! A sentence says only what its own comparisons decide. A winner by chance is not named: of a group of
//! more than three nothing is concluded.

use crate::conclusions::{Conclusions, Judged, JudgedCompetitor};
use crate::league::{LeagueRow, WINDOW_NS};
use crate::verdict::{Comparison, TIME_MARGIN, Verdict};
use crate::{Measured, format};
use record::{Manifest, Outcome};

/// Largest best group that answers a question.
const GROUP_MAX: usize = 3;
/// Open comparisons that are named.
const OPEN_MAX: usize = 3;

/// The sentences of a run; of a duel one for each side.
pub(crate) fn sentences(manifest: &Manifest, conclusions: &Conclusions) -> Vec<String> {
    if conclusions.contests.iter().all(|contest| contest.blocks == 0) {
        return vec!["Nothing is concluded: no timed block has finished.".to_owned()];
    }
    let unreliable = unreliable(conclusions);
    let results = match manifest.sides.is_empty() {
        true => [
            time(conclusions),
            memory(conclusions),
            utilisation(conclusions),
            undecided(conclusions),
        ]
        .into_iter()
        .flatten()
        .collect(),
        false => duel(conclusions),
    };
    unreliable.into_iter().chain(results).collect()
}

/// The warning that stands first if the reference differs from itself.
fn unreliable(conclusions: &Conclusions) -> Option<String> {
    let names = conclusions.sentinel.differs.as_ref().filter(|names| !names.is_empty());
    names.map(|names| {
        format!(
            "UNRELIABLE: {} differs from itself on {}; the machine is disturbed, and the verdicts there mean \
             nothing.",
            conclusions.reference.as_deref().unwrap_or("the reference"),
            and(names)
        )
    })
}

/// The least CPU time: over all programs, then on each.
fn time(conclusions: &Conclusions) -> Option<String> {
    let reference = conclusions.reference.as_ref()?;
    let contests: Vec<&Judged> = conclusions.main_contests().collect();
    let reason = |contest: &&Judged| contest.best.reason().map(str::to_owned);
    let with_group: Vec<&&Judged> = contests.iter().filter(|c| c.best.known().is_some()).collect();
    if with_group.is_empty() {
        let reason = contests.iter().find_map(reason)?;
        return Some(format!("Least CPU time: n/a ({reason})."));
    }
    let is_small =
        |contest: &&&&Judged| contest.best.known().is_some_and(|best| answers(contest, best));
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for contest in with_group.iter().filter(is_small) {
        let names = or(contest.best.known()?);
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, workloads)) => workloads.push(contest.workload.clone()),
            None => groups.push((names, vec![contest.workload.clone()])),
        }
    }
    let open: Vec<String> =
        with_group.iter().filter(|c| !is_small(c)).map(|c| c.workload.clone()).collect();
    let mut parts: Vec<String> = groups
        .into_iter()
        .map(|(names, workloads)| format!("{names} on {}", and(&workloads)))
        .collect();
    if !open.is_empty() {
        parts.push(format!("open on {}", and(&open)));
    }
    let reclaiming = |row: &&LeagueRow| {
        contests.iter().flat_map(|c| &c.competitors).any(|c| c.name == row.name && c.reclaims)
    };
    let first = conclusions.league.iter().find(|row| reclaiming(row) && row.cpu.known().is_some());
    let overall = first.and_then(|row| {
        let mean = row.cpu.known()?;
        let (low, high) = mean.interval.filter(|_| mean.is_decided(TIME_MARGIN)).map(range)?;
        Some(format!(
            " Over {} programs {} needs {} ({low} to {high}) of {reference}'s.",
            mean.workloads,
            row.name,
            format::ratio(mean.ratio)
        ))
    });
    let heap = conclusions.heap.map_or(String::new(), |heap| format!(" at {heap} of live"));
    Some(format!("Least CPU time{heap}: {}.{}", parts.join("; "), overall.unwrap_or_default()))
}

/// Whether a best group answers its question: it is small, and it leaves a collector out.
fn answers(contest: &Judged, best: &[String]) -> bool {
    let compared = |c: &&JudgedCompetitor| c.reclaims && c.outcome == Outcome::Ok;
    best.len() <= GROUP_MAX && best.len() < contest.competitors.iter().filter(compared).count()
}

/// The smallest minimum heap, or the smallest peak where minimum heaps are not recorded. Bytes are exact.
fn memory(conclusions: &Conclusions) -> Option<String> {
    let rows = || conclusions.league.iter();
    let has_minimum =
        rows().all(|row| row.minimum_heap.known().is_some() || row.peak.known().is_none());
    let of = |row: &LeagueRow| match has_minimum {
        true => row.minimum_heap.known().copied(),
        false => row.peak.known().copied(),
    };
    let mut known: Vec<(&LeagueRow, f64)> =
        rows().filter_map(|row| Some((row, of(row)?))).collect();
    if known.len() < 2 {
        return None;
    }
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let least = known[0].1;
    let is_least = |value: f64| (value / least).ln().abs() < 1e-12;
    let names: Vec<String> = known
        .iter()
        .filter(|(_, value)| is_least(*value))
        .map(|(row, _)| row.name.clone())
        .collect();
    let tie = if names.len() > 1 { ", equal to the byte" } else { "" };
    let others = &known[names.len()..];
    let with = |word: &str, row: &LeagueRow, value: f64| {
        format!("; {word} {} with {}", row.name, format::ratio(value))
    };
    let (next, most) = match others {
        [] => (String::new(), String::new()),
        [(row, value)] => (with("then", row, *value), String::new()),
        [(row, value), .., (last, most)] => (with("then", row, *value), with("last", last, *most)),
    };
    let what = match has_minimum {
        true => "minimum heap, or peak of a collector that no limit binds",
        false => "peak footprint",
    };
    // The peak of a collector that fills its limit is the limit, not a need.
    let most = if has_minimum { most } else { String::new() };
    Some(format!(
        "Least memory ({what}, over live): {} with {}{tie}{next}{most}.",
        and(&names),
        format::ratio(least)
    ))
}

/// The best utilisation of the program in short windows.
fn utilisation(conclusions: &Conclusions) -> Option<String> {
    let rows = conclusions.league.iter();
    let mut known: Vec<(&LeagueRow, f64)> =
        rows.filter_map(|row| Some((row, *row.utilisation.known()?))).collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ((best, most), (worst, least)) =
        (known.first()?, known.last().filter(|_| known.len() > 1)?);
    let paused = |row: &LeagueRow| {
        let share = row.paused_share.known();
        share.map_or(String::new(), |share| format!(", paused {:.1} % of its time", 100.0 * share))
    };
    Some(format!(
        "Best utilisation in any {} of any program: {} leaves at least {:.0} %{}; {} at least {:.0} %{}.",
        format::duration_ns(WINDOW_NS as f64),
        best.name,
        100.0 * most,
        paused(best),
        worst.name,
        100.0 * least,
        paused(worst)
    ))
}

/// The number of decided comparisons, the open ones and the pairs that cannot run.
fn undecided(conclusions: &Conclusions) -> Option<String> {
    let (decided, all) = conclusions.decided;
    if all == 0 {
        return None;
    }
    let resolution = conclusions.sentinel.resolution.map_or(String::new(), |width| {
        format!("; this machine distinguishes {:.0} % today", 100.0 * width)
    });
    let pairs = || {
        let contests = conclusions.main_contests();
        contests.flat_map(|contest| contest.competitors.iter().map(move |c| (contest, c)))
    };
    let open: Vec<String> = pairs().filter_map(|(contest, c)| open(contest, c)).collect();
    let more = open.len().saturating_sub(OPEN_MAX);
    let named = match (&open[..open.len().min(OPEN_MAX)], more) {
        ([], _) => String::new(),
        (named, 0) => format!(" Open: {}.", named.join(", ")),
        (named, more) => format!(" Open: {}, and {more} more.", named.join(", ")),
    };
    let mut cannot: Vec<(String, Vec<String>)> = Vec::new();
    for (contest, c) in pairs().filter(|(_, c)| c.outcome != Outcome::Ok) {
        let (name, workload) = (c.name.clone(), contest.workload.clone());
        match cannot.iter_mut().find(|(known, _)| *known == name) {
            Some((_, workloads)) => workloads.push(workload),
            None => cannot.push((name, vec![workload])),
        }
    }
    let cannot: Vec<String> =
        cannot.into_iter().map(|(name, on)| format!("{name} on {}", and(&on))).collect();
    let cannot = match cannot.is_empty() {
        true => String::new(),
        false => format!(" Not finished: {}.", cannot.join("; ")),
    };
    Some(format!("Decided: {decided} of {all} comparisons in CPU time{resolution}.{named}{cannot}"))
}

/// `rc on splay (34 blocks)`.
fn open(contest: &Judged, competitor: &JudgedCompetitor) -> Option<String> {
    let Verdict::Open { blocks } = competitor.cpu.known()?.verdict else { return None };
    let needed = blocks.map_or(String::new(), |blocks| format!(" ({blocks} blocks would decide)"));
    Some(format!("{} on {}{needed}", competitor.name, contest.workload))
}

/// One sentence for each side of a duel but the reference.
fn duel(conclusions: &Conclusions) -> Vec<String> {
    let sides = conclusions.contests.iter().flat_map(|contest| &contest.competitors);
    let reference = conclusions.reference.as_deref().unwrap_or("the reference");
    let sentence = |side: &JudgedCompetitor| match &side.cpu {
        Measured::Known(comparison) => format!(
            "{} needs {} of the CPU time of {reference}: {}.",
            side.name,
            with_interval(comparison),
            word(comparison.verdict)
        ),
        Measured::Missing(reason) => format!("{}: n/a ({reason}).", side.name),
    };
    sides.filter(|side| !side.is_reference).map(sentence).collect()
}

/// `0.59x (0.56 to 0.67)`.
pub fn with_interval(comparison: &Comparison) -> String {
    let ratio = format::ratio(comparison.ratio.estimate);
    match comparison.ratio.interval().map(range) {
        Some((low, high)) => format!("{ratio} ({low} to {high})"),
        None => ratio,
    }
}

/// The word of a verdict.
pub fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Faster => "decided, less".to_owned(),
        Verdict::Slower => "decided, more".to_owned(),
        Verdict::Equivalent => "equivalent".to_owned(),
        Verdict::Tie => "a tie".to_owned(),
        Verdict::Open { blocks: Some(n) } => format!("open, {n} blocks would decide"),
        Verdict::Open { blocks: None } => "open".to_owned(),
    }
}

fn range((low, high): (f64, f64)) -> (String, String) {
    (format::significant(low), format::significant(high))
}

/// `a, b and c`.
fn and(names: &[String]) -> String {
    joined(names, "and")
}

/// `a, b or c`.
fn or(names: &[String]) -> String {
    joined(names, "or")
}

fn joined(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
