//! The main results of a run as sentences, with inconclusive comparisons named.
//!
//! For each measure and workload the collector with the smallest median leads. It leads *clearly* if
//! its interval lies below those of all others. The interval is that of the median (from six
//! repeats); a footprint that several repeats reproduced to the byte counts as exact. Every other
//! comparison is reported as inconclusive. Collectors that reclaimed nothing ([`Row::reclaims`]) are
//! left out, because they did not do the compared work.

use crate::estimate::MIN_OBSERVATIONS;
use crate::{Estimate, Measure, Row, Summary};
use record::{HeapSize, Outcome};
use std::cmp::Reverse;

/// One workload's comparison.
struct Contest<'a> {
    /// The collector with the smallest median; `None` for a tie.
    leader: Option<&'a str>,
    /// Whether its interval lies below all others.
    clear: bool,
    /// Whether every contender has an interval.
    bounded: bool,
}

/// Up to three sentences: memory, wall time, longest pause. A measure that no workload has for two
/// collectors gets none.
pub fn statements(summary: &Summary) -> Vec<String> {
    let Some(heap) = summary.reference_heap() else { return Vec::new() };
    [
        (Measure::PeakFootprint, "Least memory (peak footprint"),
        (Measure::WallTime, "Shortest run (wall time without teardown"),
        (Measure::LongestPause, "Shortest maximum pause (wall time"),
    ]
    .into_iter()
    .filter_map(|(measure, claim)| {
        let contests = contests(summary, measure, heap);
        (!contests.is_empty()).then(|| {
            sentence(&contests, &format!("{claim}, heap {heap}) among collectors that reclaim"))
        })
    })
    .collect()
}

/// The sentence for a non-empty list of contests.
fn sentence(contests: &[Contest], claim: &str) -> String {
    let all = contests.len();
    let clear = tally(contests.iter().filter(|c| c.clear));
    if clear.is_empty() {
        let cause = if contests.iter().all(|c| c.bounded) {
            "the intervals overlap".to_owned()
        } else {
            format!("fewer than {MIN_OBSERVATIONS} repeats give no interval")
        };
        let medians = tally(contests.iter());
        let by_medians = if medians.is_empty() {
            "the medians are equal".to_owned()
        } else {
            format!("by the medians alone {}", list(&medians, all))
        };
        return format!("{claim}: inconclusive, because {cause}; {by_medians}.");
    }
    let hedge = match all - clear.iter().map(|(_, wins)| wins).sum::<usize>() {
        0 => String::new(),
        1 => "; one workload is inconclusive".to_owned(),
        rest => format!("; {rest} workloads are inconclusive"),
    };
    format!("{claim}: {}{hedge}.", list(&clear, all))
}

/// `ownership on 5 of 9 workloads, rc on 2`.
fn list(tally: &[(&str, usize)], all: usize) -> String {
    let item = |(i, (name, wins)): (usize, &(&str, usize))| match (i, all) {
        (0, 1) => format!("{name} on the one workload compared"),
        (0, _) => format!("{name} on {wins} of {all} workloads"),
        _ => format!("{name} on {wins}"),
    };
    tally.iter().enumerate().map(item).collect::<Vec<_>>().join(", ")
}

/// Leads per collector, most first; then in the order of the contests.
fn tally<'a>(contests: impl Iterator<Item = &'a Contest<'a>>) -> Vec<(&'a str, usize)> {
    let mut tally: Vec<(&str, usize)> = Vec::new();
    for leader in contests.filter_map(|c| c.leader) {
        match tally.iter_mut().find(|(name, _)| *name == leader) {
            Some((_, wins)) => *wins += 1,
            None => tally.push((leader, 1)),
        }
    }
    tally.sort_by_key(|&(_, wins)| Reverse(wins));
    tally
}

/// The workloads on which at least two collectors can be compared.
fn contests(summary: &Summary, measure: Measure, heap: HeapSize) -> Vec<Contest<'_>> {
    let rows =
        |workload| summary.collectors.iter().filter_map(move |c| summary.row_at(workload, c, heap));
    summary.workloads.iter().filter_map(|workload| contest(rows(workload), measure)).collect()
}

/// `None` with fewer than two contenders.
fn contest<'a>(rows: impl Iterator<Item = &'a Row>, measure: Measure) -> Option<Contest<'a>> {
    let contenders: Vec<(&str, &Estimate)> = rows
        .filter(|row| row.outcome == Outcome::Ok && row.reclaims())
        .filter_map(|row| Some((row.collector.as_str(), *measure.of(row).known()?)))
        .collect();
    if contenders.len() < 2 {
        return None;
    }
    let first = contenders.iter().min_by(|a, b| a.1.median.total_cmp(&b.1.median))?;
    let mut others = contenders.iter().filter(|c| c.0 != first.0);
    let tied = others.clone().any(|c| c.1.median == first.1.median);
    let is_above_first = |other: &Estimate| {
        let (first, other) = (bounds(first.1, measure), bounds(other, measure));
        first.zip(other).is_some_and(|((_, high), (low, _))| high < low)
    };
    Some(Contest {
        leader: (!tied).then_some(first.0),
        clear: others.all(|c| is_above_first(c.1)),
        bounded: contenders.iter().all(|c| bounds(c.1, measure).is_some()),
    })
}

/// The interval of the median; that of an exact footprint is the value itself.
fn bounds(estimate: &Estimate, measure: Measure) -> Option<(f64, f64)> {
    let exact = measure == Measure::PeakFootprint && estimate.is_exact();
    estimate.interval().or(exact.then_some((estimate.median, estimate.median)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HEAPS};
    use crate::summarise;
    use record::{Mode, Record};

    /// Records of `repeats` blocks of workload `tree` in both modes; `jitter` is added per block.
    fn side(collector: &str, scale: u64, jitter: u64, repeats: u32) -> Vec<Record> {
        let modes = [Mode::Time, Mode::Memory];
        let of = |mode, block| {
            let scale = scale + jitter * u64::from(block);
            fixture::record("tree", collector, HEAPS[0], mode, block, scale)
        };
        (0..repeats).flat_map(|block| modes.map(|mode| of(mode, block))).collect()
    }

    const CLEAR: &str = "mark-sweep on the one workload compared";
    const OPEN: &str = "inconclusive, because fewer than 6 repeats give no interval; by the medians \
                        alone mark-sweep on the one workload compared";

    /// `expected`: the ends of the three sentences.
    fn check(records: &[Vec<Record>], expected: [&str; 3]) {
        let claims = [
            "Least memory (peak footprint",
            "Shortest run (wall time without teardown",
            "Shortest maximum pause (wall time",
        ];
        let sentence =
            |i| format!("{}, heap 2x) among collectors that reclaim: {}.", claims[i], expected[i]);
        let expected: [String; 3] = [0, 1, 2].map(sentence);
        assert_eq!(statements(&summarise(&fixture::run_of(records.concat()))), expected);
    }

    #[test]
    fn separate_intervals_are_a_verdict_and_controls_do_not_count() {
        let control = side("no-gc", 110, 1, 6);
        check(&[control, side("rc", 300, 1, 6), side("mark-sweep", 200, 1, 6)], [CLEAR; 3]);
    }

    #[test]
    fn few_repeats_give_no_verdict_but_reproduced_bytes_do() {
        check(&[side("rc", 300, 0, 5), side("mark-sweep", 200, 0, 5)], [CLEAR, OPEN, OPEN]);
    }

    #[test]
    fn overlapping_intervals_and_ties_are_inconclusive() {
        let overlap = [side("rc", 205, 10, 6), side("mark-sweep", 200, 10, 6)].concat();
        let found = statements(&summarise(&fixture::run_of(overlap)));
        assert!(found[1].contains("the intervals overlap; by the medians alone mark-sweep"));
        let tie = [side("rc", 200, 1, 6), side("mark-sweep", 200, 1, 6)].concat();
        let found = statements(&summarise(&fixture::run_of(tie)));
        assert!(found[1].contains("the intervals overlap; the medians are equal"), "{found:?}");
    }

    #[test]
    fn workloads_are_counted() {
        let clear = |leader| Contest { leader: Some(leader), clear: true, bounded: true };
        let open = || Contest { leader: Some("rc"), clear: false, bounded: true };
        assert_eq!(
            sentence(&[clear("rc"), clear("manual"), open(), clear("manual"), open()], "Winner"),
            "Winner: manual on 2 of 5 workloads, rc on 1; 2 workloads are inconclusive."
        );
    }

    #[test]
    fn without_two_collectors_there_is_no_statement() {
        assert_eq!(statements(&summarise(&fixture::run_of(vec![]))), Vec::<String>::new());
        let alone = side("rc", 300, 1, 6);
        assert_eq!(statements(&summarise(&fixture::run_of(alone))), Vec::<String>::new());
    }
}
