//! Which cells run next: the passes of the plan, then timed blocks, as many as the budget allows.
//!
//! 1. Without a budget: `repeats` blocks of every group, round by round.
//! 2. With one: two rounds show the cost of a block. Groups whose `repeats` blocks do not fit are dropped,
//!    the costliest first, and are named. Then rounds until every kept group has `repeats` blocks.
//! 3. Then two more blocks at a time for the group with the widest interval, *wherever it lies*, until all
//!    half widths are at most [`HALF_WIDTH_WANTED`], there are [`LOOKS`]'s last number of blocks, or the next
//!    two do not fit.
//!
//! **Invariant:** a run stops, and distributes its blocks, by precision, never by significance; to stop at a
//! small p-value would find differences that do not exist (Armitage, McPherson and Rowe, *Repeated
//! significance tests on accumulating data*, 1969).
//!
//! The next cells are a pure function of the manifest and of the records, so a resumed run continues the
//! same schedule.

use crate::plan::{Applies, Plan, Planned, keys};
use record::{DISTURBED, Manifest, Mode, Record};
use std::collections::{BTreeMap, HashSet};

/// Half width of an interval, as a share of its ratio, at which a group needs no more blocks.
pub const HALF_WIDTH_WANTED: f64 = 0.05;
/// Numbers of blocks at which the half width may end a group: few, so that the end of a run depends little
/// on chance.
pub const LOOKS: [u32; 5] = [10, 14, 20, 28, 40];
/// Share of the budget that may repeat disturbed blocks.
const REPEAT_SHARE: f64 = 0.1;
/// Rounds that show the cost of a block.
const TRIAL_BLOCKS: u32 = 2;

/// The widest half width of the intervals of a group's ratios to the reference; `None` if there is no
/// interval.
pub type HalfWidth<'a> = &'a dyn Fn(&[Record], &str) -> Option<f64>;

/// The cells of a run, in an order that depends on the records so far.
pub struct Schedule<'a> {
    plan: Plan<'a>,
    passes: Vec<Planned>,
    half_width: HalfWidth<'a>,
}

/// The timed blocks of one group so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Spent {
    blocks: u32,
    process_ns: u64,
    disturbed: u32,
}

impl Spent {
    fn block_ns(self) -> f64 {
        self.process_ns as f64 / f64::from(self.blocks.max(1))
    }
}

/// The number of processes of a run and their time, before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Groups: workloads, or one duel.
    pub groups: usize,
    /// Processes of the passes before the timed blocks.
    pub passes: usize,
    /// Processes of one timed block of every group.
    pub block: usize,
    /// Timed blocks, or the fewest with a budget.
    pub blocks: u32,
}

impl<'a> Schedule<'a> {
    /// `census` names the collector of the census; `half_width` gives the precision of a group.
    pub fn new(
        manifest: &'a Manifest,
        census: Option<&str>,
        applies: Applies<'_>,
        half_width: HalfWidth<'a>,
    ) -> Self {
        let plan = Plan::new(manifest, census, applies);
        Self { passes: plan.passes(), plan, half_width }
    }

    /// The cells to run next, in order; empty at the end of the run.
    pub fn next(&self, records: &[Record]) -> Vec<Planned> {
        let done = keys(records);
        let left = |cells: Vec<Planned>| -> Vec<Planned> {
            cells.into_iter().filter(|planned| !done.contains(&planned.key())).collect()
        };
        let passes = left(self.passes.clone());
        if !passes.is_empty() || !self.plan.manifest.modes.contains(&Mode::Time) {
            return passes;
        }
        // A block that an interrupt left incomplete comes first.
        let spent = self.spent(records);
        let groups = 0..self.plan.groups.len();
        let torn = groups.map(|group| (group, spent[group].blocks)).filter(|&(_, n)| n > 0);
        let torn: Vec<Planned> =
            torn.flat_map(|(group, n)| left(self.timed(group, n - 1))).collect();
        if !torn.is_empty() {
            return torn;
        }
        let next = self.next_blocks(records, &spent);
        next.into_iter().flat_map(|(group, block)| self.timed(group, block)).collect()
    }

    fn timed(&self, group: usize, block: u32) -> Vec<Planned> {
        self.plan.block(group, Mode::Time, block)
    }

    /// The next timed blocks: (group, number).
    fn next_blocks(&self, records: &[Record], spent: &[Spent]) -> Vec<(usize, u32)> {
        let repeats = self.plan.manifest.repeats;
        let dropped = self.dropped(spent);
        let kept: Vec<usize> = (0..spent.len()).filter(|group| !dropped.contains(group)).collect();
        let Some(round) = kept.iter().map(|&group| spent[group].blocks).min() else {
            return vec![];
        };
        if round < repeats {
            let order = self.plan.order(Mode::Time, round).into_iter();
            let behind = order.filter(|&g| kept.contains(&g) && spent[g].blocks == round);
            return behind.map(|group| (group, round)).collect();
        }
        let Some(budget_ms) = self.plan.manifest.budget_ms else { return vec![] };
        let left_ns = budget_ms as f64 * 1e6 - process_ns(spent);
        let fits = |group: usize| 2.0 * spent[group].block_ns() <= left_ns;
        let chosen = self.widest(records, spent, &kept).into_iter().find(|&group| fits(group));
        chosen.map_or(vec![], |group| {
            let block = spent[group].blocks;
            vec![(group, block), (group, block + 1)]
        })
    }

    /// The groups that need more blocks: first those with disturbed blocks to repeat, then those between two
    /// looks, then by the width of their intervals.
    fn widest(&self, records: &[Record], spent: &[Spent], kept: &[usize]) -> Vec<usize> {
        let repeats = self.plan.manifest.repeats;
        let cost_ns = |group: &usize| f64::from(spent[*group].disturbed) * spent[*group].block_ns();
        let may_repeat = kept.iter().map(cost_ns).sum::<f64>() <= REPEAT_SHARE * process_ns(spent);
        let need = |&group: &usize| {
            let Spent { blocks, disturbed, .. } = spent[group];
            let width = (self.half_width)(records, &self.plan.groups[group].name);
            let width = width.unwrap_or(f64::INFINITY);
            // A block that repeats a disturbed one does not count.
            let blocks = blocks - if may_repeat { disturbed.min(blocks) } else { 0 };
            if blocks < repeats {
                return Some((2, width, group));
            }
            // Blocks come in pairs, and an odd number of them may not count.
            let is_at = |look: &u32| (*look..look + 2).contains(&blocks);
            let is_look = blocks < LOOKS[0] || LOOKS.iter().any(is_at);
            let is_enough = is_look && width <= HALF_WIDTH_WANTED;
            let is_last = blocks >= LOOKS[LOOKS.len() - 1].max(repeats);
            (!is_enough && !is_last).then_some((u8::from(!is_look), width, group))
        };
        let mut needs: Vec<(u8, f64, usize)> = kept.iter().filter_map(need).collect();
        needs.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        needs.into_iter().map(|(_, _, group)| group).collect()
    }

    /// The groups whose `repeats` blocks do not fit into the budget, by the cost of their first blocks.
    fn dropped(&self, spent: &[Spent]) -> HashSet<usize> {
        let Some(budget_ms) = self.plan.manifest.budget_ms else { return HashSet::new() };
        if spent.iter().any(|group| group.blocks < TRIAL_BLOCKS) {
            return HashSet::new();
        }
        let repeats = f64::from(self.plan.manifest.repeats);
        // What has been dropped stays dropped although the costs of the others change a little.
        let mut by_cost: Vec<usize> = (0..spent.len()).collect();
        by_cost.retain(|&group| spent[group].blocks == TRIAL_BLOCKS);
        by_cost.sort_by(|&a, &b| spent[a].block_ns().total_cmp(&spent[b].block_ns()));
        let mut dropped = HashSet::new();
        let going_on = spent.iter().any(|group| group.blocks > TRIAL_BLOCKS);
        let mut wanted_ns: f64 = spent.iter().map(|group| repeats * group.block_ns()).sum();
        while wanted_ns > budget_ms as f64 * 1e6 && by_cost.len() > usize::from(!going_on) {
            let Some(group) = by_cost.pop() else { break };
            wanted_ns -= (repeats - f64::from(TRIAL_BLOCKS)) * spent[group].block_ns();
            dropped.insert(group);
        }
        dropped
    }

    /// The names of the groups that the budget has no room for.
    pub fn dropped_groups(&self, records: &[Record]) -> Vec<String> {
        let mut dropped: Vec<usize> = self.dropped(&self.spent(records)).into_iter().collect();
        dropped.sort_unstable();
        dropped.into_iter().map(|group| self.plan.groups[group].name.clone()).collect()
    }

    /// The number of processes, before the run begins.
    pub fn forecast(&self) -> Forecast {
        let groups = self.plan.groups.len();
        let timed = self.plan.manifest.modes.contains(&Mode::Time);
        let block = (0..groups).map(|group| self.timed(group, 0).len()).sum();
        let passes = self.passes.iter().filter(|p| p.ruled_out.is_none()).count();
        let blocks = if timed { self.plan.manifest.repeats } else { 0 };
        Forecast { groups, passes, block, blocks }
    }

    /// The timed blocks of each group so far.
    fn spent(&self, records: &[Record]) -> Vec<Spent> {
        let timed =
            || records.iter().filter(|r| r.cell.mode == Mode::Time && r.process_wall_ns > 0);
        let mut calibrations: Vec<u64> = timed().filter_map(|r| r.calibration_ns).collect();
        calibrations.sort_unstable();
        let median_ns =
            calibrations.get(calibrations.len() / 2).map_or(f64::INFINITY, |&ns| ns as f64);
        let is_disturbed =
            |r: &Record| r.calibration_ns.is_some_and(|ns| ns as f64 > DISTURBED * median_ns);
        let mut blocks: BTreeMap<(usize, u32), (u64, bool)> = BTreeMap::new();
        for record in timed() {
            let Some(group) = self.group_of(record) else { continue };
            let (process_ns, disturbed) = blocks.entry((group, record.block)).or_default();
            *process_ns += record.process_wall_ns;
            *disturbed |= is_disturbed(record);
        }
        let mut spent = vec![Spent::default(); self.plan.groups.len()];
        for ((group, block), (process_ns, disturbed)) in blocks {
            let of_group = &mut spent[group];
            of_group.blocks = of_group.blocks.max(block + 1);
            of_group.process_ns += process_ns;
            of_group.disturbed += u32::from(disturbed);
        }
        spent
    }

    fn group_of(&self, record: &Record) -> Option<usize> {
        if !self.plan.manifest.sides.is_empty() {
            return Some(0);
        }
        self.plan.groups.iter().position(|group| group.name == record.cell.workload)
    }
}

fn process_ns(spent: &[Spent]) -> f64 {
    spent.iter().map(|group| group.process_ns as f64).sum()
}

#[cfg(test)]
mod tests;
