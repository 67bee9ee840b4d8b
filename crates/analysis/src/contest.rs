//! The competitors of a run that were measured in the same blocks, and their ratios to the reference.
//!
//! A contest is one workload at one heap size, or a duel. A ratio is taken inside a block, where the machine
//! was the same for all, so its logarithms are observations of one quantity. A competitor of which one
//! repeat failed has no ratio: an average of the surviving repeats would favour it.

use crate::measured::Measured;
use crate::paired;
use crate::summary::{failure, position_or_push};
use record::{Cell, Family, HeapSize, Manifest, Mode, Outcome, Record, Run, Sample};
use serde::Serialize;
use std::collections::BTreeMap;

/// The usual reference, if it takes part.
const USUAL_REFERENCE: &str = "mark-sweep";

/// The place of the reference among collectors, by name and family, where none is named: the usual one, or
/// else the first that reclaims.
pub fn usual_reference<'a>(
    collectors: impl Iterator<Item = (&'a str, Option<Family>)> + Clone,
) -> Option<usize> {
    let usual = collectors.clone().position(|(name, _)| name == USUAL_REFERENCE);
    usual.or_else(|| collectors.clone().position(|(_, family)| family != Some(Family::Control)))
}

/// Competitors in the same blocks.
#[derive(Debug, Clone)]
pub struct Contest<'run> {
    /// The workload; of a duel, that of its reference.
    pub workload: String,
    /// The heap size of the collectors that a limit binds.
    pub heap: HeapSize,
    /// Competitors in registry order, or the sides of a duel.
    pub competitors: Vec<Competitor<'run>>,
    /// Place of the reference among them; `None` if it did not take part.
    pub reference: Option<usize>,
    /// The second runs of the reference, by block.
    twin: BTreeMap<u32, &'run Sample>,
}

/// One competitor.
#[derive(Debug, Clone)]
pub struct Competitor<'run> {
    /// The collector; of a duel the side as the user wrote it.
    pub name: String,
    /// Family of the collector; `None` for an external program.
    pub family: Option<Family>,
    /// Its cell in time mode.
    pub cell: Cell,
    /// Samples by block, if every block finished with the right answer; otherwise the reason.
    pub samples: Measured<BTreeMap<u32, &'run Sample>>,
    /// The first outcome that is not `ok`.
    pub outcome: Outcome,
}

/// A quantity measured in every block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// CPU time of all threads, of run and teardown.
    Cpu,
    /// Wall time of run and teardown.
    Wall,
}

impl Clock {
    /// Both, in the order of tables.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Wall];

    /// This quantity of a sample, in ns.
    pub fn of(self, sample: &Sample) -> u64 {
        match self {
            Self::Cpu => sample.cpu_ns + sample.teardown_cpu_ns,
            Self::Wall => sample.wall_ns + sample.teardown_wall_ns,
        }
    }

    /// Its name in a heading or sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU time",
            Self::Wall => "wall time",
        }
    }
}

impl Contest<'_> {
    /// The logarithms of a competitor's ratios to the reference, in block order.
    pub fn log_ratios(&self, competitor: &Competitor<'_>, clock: Clock) -> Measured<Vec<f64>> {
        let reference = match self.reference() {
            Some(reference) => reference.samples.as_ref(),
            None => Measured::Missing("the reference did not take part".to_owned()),
        };
        competitor.samples.as_ref().and_then(|a| reference.map(|b| log_ratios(a, b, clock)))
    }

    /// The logarithms of the ratios of the reference to itself, in block order.
    pub fn twin_log_ratios(&self, clock: Clock) -> Vec<f64> {
        let samples = self.reference().and_then(|reference| reference.samples.known());
        samples.map_or(Vec::new(), |samples| log_ratios(&self.twin, samples, clock))
    }

    /// The reference.
    pub fn reference(&self) -> Option<&Competitor<'_>> {
        self.reference.map(|place| &self.competitors[place])
    }

    /// All competitors but the reference.
    pub fn others(&self) -> impl Iterator<Item = &Competitor<'_>> {
        let others = self.competitors.iter().enumerate();
        others.filter(|&(place, _)| Some(place) != self.reference).map(|(_, competitor)| competitor)
    }

    /// Largest number of blocks in which a competitor finished.
    pub fn blocks(&self) -> usize {
        let samples = self.competitors.iter().filter_map(|c| c.samples.known());
        samples.map(BTreeMap::len).max().unwrap_or(0)
    }
}

/// Blocks of only one side, those that an interrupt left incomplete, are left out.
fn log_ratios(a: &BTreeMap<u32, &Sample>, b: &BTreeMap<u32, &Sample>, clock: Clock) -> Vec<f64> {
    let pairs = a.iter().filter_map(|(block, a)| Some((a, b.get(block)?)));
    let times = pairs.map(|(a, b)| (clock.of(a) as f64, clock.of(b) as f64));
    times.filter(|&(a, b)| a > 0.0 && b > 0.0).map(|(a, b)| a.ln() - b.ln()).collect()
}

/// The contests of a run, in suite order, then the order of the heap sizes.
pub fn contests(run: &Run) -> Vec<Contest<'_>> {
    contests_of(&run.manifest, run.records.iter().collect())
}

fn contests_of<'run>(manifest: &Manifest, mut records: Vec<&'run Record>) -> Vec<Contest<'run>> {
    records.retain(|r| r.cell.mode == Mode::Time);
    let timed = || records.iter().copied();
    if let Some(reference) = manifest.sides.last() {
        let competitors = manifest.sides.iter().map(|side| {
            let of_side = timed().filter(|r| r.cell == *side && !r.twin).collect();
            competitor(manifest, side, side_name(manifest, side), of_side)
        });
        let twin = timed().filter(|r| r.cell == *reference && r.twin);
        return vec![Contest {
            workload: reference.workload.clone(),
            heap: reference.heap,
            reference: Some(manifest.sides.len() - 1),
            competitors: competitors.collect(),
            twin: by_block(twin),
        }];
    }
    let mut workloads: Vec<String> = manifest.workloads.iter().map(|w| w.name.clone()).collect();
    timed().for_each(|r| {
        position_or_push(&mut workloads, &r.cell.workload);
    });
    let mut heaps: Vec<HeapSize> = manifest.heaps.clone();
    timed().for_each(|r| {
        position_or_push(&mut heaps, &r.cell.heap);
    });
    // A limit that binds some collectors makes a contest, in which the others take part without one. None
    // is a contest of its own if the plan says so, or if there is no other.
    let is_planned = manifest.heaps.contains(&HeapSize::Unlimited);
    if !is_planned && heaps.iter().any(|heap| *heap != HeapSize::Unlimited) {
        heaps.retain(|heap| *heap != HeapSize::Unlimited);
    }
    let pairs =
        workloads.iter().flat_map(|workload| heaps.iter().map(move |&heap| (workload, heap)));
    let contests = pairs.map(|(workload, heap)| contest(manifest, &records, workload, heap));
    contests.filter(|contest| !contest.competitors.is_empty()).collect()
}

fn contest<'run>(
    manifest: &Manifest,
    records: &[&'run Record],
    workload: &str,
    heap: HeapSize,
) -> Contest<'run> {
    let of_workload = || records.iter().copied().filter(|r| r.cell.workload == *workload);
    let mut collectors: Vec<String> = manifest.collectors.iter().map(|c| c.name.clone()).collect();
    of_workload().for_each(|r| {
        position_or_push(&mut collectors, &r.cell.collector);
    });
    let at = |collector: &str, heap: HeapSize, twin: bool| -> Vec<&'run Record> {
        let is_cell = |r: &&Record| r.cell.collector == collector && r.cell.heap == heap;
        of_workload().filter(is_cell).filter(|r| r.twin == twin).collect()
    };
    let here = |collector: &str, twin: bool| match at(collector, heap, twin) {
        records if records.is_empty() => at(collector, HeapSize::Unlimited, twin),
        records => records,
    };
    let competitors: Vec<Competitor<'_>> = collectors
        .iter()
        .filter_map(|collector| {
            let records = here(collector, false);
            let cell = records.first()?.cell.clone();
            Some(competitor(manifest, &cell, collector.clone(), records))
        })
        .collect();
    let reference = reference(manifest, &competitors);
    let twin = reference.map_or(Vec::new(), |place| here(&competitors[place].name, true));
    let twin = by_block(twin.into_iter());
    Contest { workload: workload.to_owned(), heap, competitors, reference, twin }
}

/// The place of the named reference, or of the usual one.
fn reference(manifest: &Manifest, competitors: &[Competitor<'_>]) -> Option<usize> {
    match &manifest.reference {
        Some(name) => competitors.iter().position(|c| c.name == *name),
        None => usual_reference(competitors.iter().map(|c| (c.name.as_str(), c.family))),
    }
}

fn competitor<'run>(
    manifest: &Manifest,
    cell: &Cell,
    name: String,
    records: Vec<&'run Record>,
) -> Competitor<'run> {
    let failed = records.iter().find(|r| r.outcome != Outcome::Ok);
    let samples = match failed {
        None => Measured::Known(by_block(records.iter().copied())),
        Some(_) => Measured::Missing(failure(&records)),
    };
    let info = manifest.collectors.iter().find(|c| c.name == cell.collector);
    let outcome = failed.map_or(Outcome::Ok, |r| r.outcome.clone());
    Competitor { name, family: info.map(|c| c.family), cell: cell.clone(), samples, outcome }
}

fn by_block<'run>(records: impl Iterator<Item = &'run Record>) -> BTreeMap<u32, &'run Sample> {
    let right = records.filter(|r| r.outcome == Outcome::Ok);
    right.filter_map(|r| Some((r.block, r.sample.as_ref()?))).collect()
}

/// A side as the user wrote it.
fn side_name(manifest: &Manifest, side: &Cell) -> String {
    manifest.commands.get(&side.collector).cloned().unwrap_or_else(|| side.to_string())
}

/// The widest half width of the intervals of the ratios to the reference in CPU time, as a share, over the
/// contests of a workload, or of a duel; `None` with too few blocks for an interval. It is 0 without any
/// ratio, as after a failure of the reference, because further blocks would make nothing more precise.
pub fn widest_half_width(manifest: &Manifest, records: &[Record], group: &str) -> Option<f64> {
    let is_duel = !manifest.sides.is_empty();
    let of_group = records.iter().filter(|r| is_duel || r.cell.workload == group).collect();
    let contests = contests_of(manifest, of_group);
    let ratios = contests.iter().flat_map(|contest| {
        let others = contest.others().map(|other| contest.log_ratios(other, Clock::Cpu));
        others.filter_map(|logs| paired::ratio_of_logs(logs.known()?))
    });
    let widths: Option<Vec<f64>> = ratios.map(|ratio| ratio.half_width()).collect();
    Some(widths?.into_iter().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests;
