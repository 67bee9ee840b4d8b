//! The conclusions of a run: verdicts for every comparison, a league of collectors, and sentences.
//!
//! [`conclude`] is a function of the records alone, so the terminal, `summary.md`, the page and `--json`
//! conclude the same, from runs of this and the previous schema.

use crate::best_group::best_group;
use crate::conclusions::{Conclusions, Judged, JudgedCompetitor, Sentinel};
use crate::contest::{Clock, Competitor, Contest, contests};
use crate::league::league;
use crate::sentences::sentences;
use crate::verdict::{Comparison, TIME_MARGIN, judge};
use crate::{Estimate, Measured, sentinel, summarise};
use record::{DISTURBED, Mode, Run, Sample};
use std::collections::BTreeMap;

/// Concludes from the records of a run.
pub fn conclude(run: &Run) -> Conclusions {
    let summary = summarise(run);
    let contests = contests(run);
    let [cpu, wall] = Clock::ALL.map(|clock| comparisons(&contests, clock));
    let reclaims = |contest: &Contest<'_>, competitor: &Competitor<'_>| {
        let cell = &competitor.cell;
        let row = summary.rows.iter().find(|row| {
            row.workload == contest.workload
                && row.collector == cell.collector
                && row.heap == cell.heap
        });
        row.is_some_and(crate::Row::reclaims)
    };
    let judged = contests.iter().zip(cpu).zip(wall).map(|((contest, cpu), wall)| {
        let reclaims: Vec<bool> =
            contest.competitors.iter().map(|competitor| reclaims(contest, competitor)).collect();
        judged(contest, &reclaims, cpu, wall)
    });
    let judged: Vec<Judged> = judged.collect();
    let heap = match run.manifest.sides.last() {
        Some(reference) => Some(reference.heap),
        None => summary.reference_heap(),
    };
    let reference = contests.iter().find_map(|c| Some(c.reference()?.name.clone()));
    let (league, left_out) = league(run, &summary, &contests, heap);
    let compared = || judged.iter().flat_map(|c| &c.competitors).filter_map(|c| c.cpu.known());
    let decided = (compared().filter(|c| c.verdict.is_decided()).count(), compared().count());
    let mut conclusions = Conclusions {
        reference,
        heap,
        sentinel: sentinel(run, &contests),
        contests: judged,
        league,
        left_out,
        decided,
        sentences: Vec::new(),
    };
    conclusions.sentences = sentences(&run.manifest, &conclusions);
    conclusions
}

/// The verdicts of all contests by one clock: one table, over which false discoveries are controlled.
fn comparisons(contests: &[Contest<'_>], clock: Clock) -> Vec<Vec<Measured<Comparison>>> {
    let logs = contests.iter().map(|contest| {
        let competitors = contest.competitors.iter().enumerate();
        let logs = competitors.map(|(place, competitor)| match contest.reference {
            Some(reference) if reference == place => {
                Measured::Missing("it is the reference".to_owned())
            }
            _ => contest.log_ratios(competitor, clock),
        });
        logs.collect()
    });
    let logs: Vec<Vec<Measured<Vec<f64>>>> = logs.collect();
    let table: Vec<Vec<f64>> =
        logs.iter().flatten().map(|logs| logs.known().cloned().unwrap_or_default()).collect();
    let mut verdicts = judge(&table, TIME_MARGIN).into_iter();
    let none = || "no block has both it and the reference".to_owned();
    let mut verdict = |logs: &Measured<Vec<f64>>| {
        let verdict = verdicts.next().flatten();
        logs.as_ref().and_then(|_| Measured::known_or(verdict, none))
    };
    logs.iter().map(|contest| contest.iter().map(&mut verdict).collect()).collect()
}

fn judged(
    contest: &Contest<'_>,
    reclaims: &[bool],
    cpu: Vec<Measured<Comparison>>,
    wall: Vec<Measured<Comparison>>,
) -> Judged {
    let verdicts = cpu.into_iter().zip(wall).zip(reclaims);
    let competitors = contest.competitors.iter().enumerate().zip(verdicts);
    let competitors = competitors.map(|((place, competitor), ((cpu, wall), &reclaims))| {
        let is_reference = contest.reference == Some(place);
        let (name, outcome) = (competitor.name.clone(), competitor.outcome.clone());
        let times = |samples: &BTreeMap<u32, &Sample>| {
            let times = samples.values().map(|sample| Clock::Cpu.of(sample) as f64).collect();
            Measured::known_or(Estimate::of(times), || "no block finished".to_owned())
        };
        let cpu_ns = competitor.samples.as_ref().and_then(times);
        JudgedCompetitor { name, is_reference, reclaims, outcome, cpu_ns, cpu, wall }
    });
    let chosen: Vec<&Competitor<'_>> = contest
        .competitors
        .iter()
        .zip(reclaims)
        .filter(|(competitor, reclaims)| **reclaims && competitor.samples.known().is_some())
        .map(|(competitor, _)| competitor)
        .collect();
    Judged {
        workload: contest.workload.clone(),
        heap: contest.heap,
        blocks: contest.blocks(),
        competitors: competitors.collect(),
        best: best(&chosen),
    }
}

/// The names of the best group of competitors that finished.
fn best(competitors: &[&Competitor<'_>]) -> Measured<Vec<String>> {
    let times: Vec<Vec<f64>> = competitors
        .iter()
        .filter_map(|c| Some(c.samples.known()?.values().map(|s| (Clock::Cpu.of(s) as f64).ln())))
        .map(Iterator::collect)
        .collect();
    let group = best_group(&times);
    let names = group.map(|places| places.iter().map(|&p| competitors[p].name.clone()).collect());
    Measured::known_or(names, || match competitors.len() {
        0 | 1 => "fewer than two collectors that reclaim finished".to_owned(),
        _ => format!("fewer than {} blocks", crate::best_group::MIN_BLOCKS),
    })
}

fn sentinel(run: &Run, contests: &[Contest<'_>]) -> Sentinel {
    let twins: Vec<Vec<f64>> = contests.iter().map(|c| c.twin_log_ratios(Clock::Cpu)).collect();
    let sentinel::Sentinel { differs, resolution } = sentinel::sentinel(&twins);
    let names = |places: Vec<usize>| places.iter().map(|&p| contests[p].workload.clone()).collect();
    Sentinel { differs: differs.map(names), resolution, disturbed: disturbed(run) }
}

/// Share of timed processes whose calibration took much longer than the median.
fn disturbed(run: &Run) -> Option<f64> {
    let timed = run.records.iter().filter(|r| r.cell.mode == Mode::Time);
    let mut times: Vec<f64> = timed.filter_map(|r| r.calibration_ns).map(|ns| ns as f64).collect();
    times.sort_by(f64::total_cmp);
    let median = crate::estimate::median_of_sorted(&times)?;
    let disturbed = times.iter().filter(|&&ns| ns > DISTURBED * median).count();
    Some(disturbed as f64 / times.len() as f64)
}

#[cfg(test)]
mod tests;
