//! Turns a manifest into cells: the passes that run once, and the blocks of every group.
//!
//! The unit is the *randomised complete block*: every cell of a [`Group`] once, adjacent in time and in
//! shuffled order, and the reference twice. Drift of the machine then affects all cells alike, and ratios
//! can be taken inside a block (Fisher, *The Design of Experiments*, 1935; as advised for
//! benchmarks by Kalibera and Jones, ISMM 2013). A group is one workload under every collector and heap
//! size, or the sides of a duel.
//!
//! 1. Pairs that cannot work come first. They need no process.
//! 2. Then a memory block of each group and the census of each workload: an interrupted run has its memory
//!    charts, and the machine is warm when times are measured.
//! 3. Then [`PAUSE_BLOCKS`] rounds of pause blocks.
//!
//! [`crate::schedule`] adds the timed blocks. Modes that the manifest omits have no cells.
//!
//! Every function here is a pure function of the manifest, so a resumed run continues the same plan.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use record::{Cell, CollectorInfo, HeapSize, Manifest, Mode, Record};
use std::collections::HashSet;

/// One cell with its place in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The cell.
    pub cell: Cell,
    /// Number of the block among the blocks of this group and mode (0-based).
    pub block: u32,
    /// Whether it is the second run of the reference in its block.
    pub twin: bool,
    /// Seed of the workload's random numbers.
    pub seed: u64,
    /// The reason why the pair cannot work; no process is started then.
    pub ruled_out: Option<String>,
}

impl Planned {
    /// Identity of the measurement inside a run: equal exactly for the same cell and block.
    pub fn key(&self) -> String {
        key(&self.cell, self.block, self.twin)
    }
}

/// Pause blocks: enough for a median and a maximum over repeats.
pub const PAUSE_BLOCKS: u32 = 5;

/// Identity of a measurement inside a run, for planned cells and records alike.
fn key(cell: &Cell, block: u32, twin: bool) -> String {
    let Cell { collector, workload, size, heap, mode } = cell;
    format!("{collector}/{workload}@{heap} {size:?} {mode:?} #{block} {twin}")
}

/// The identities of records.
pub(crate) fn keys(records: &[Record]) -> HashSet<String> {
    records.iter().map(|r| key(&r.cell, r.block, r.twin)).collect()
}

/// The cells that are compared with one another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The workload, or `duel`.
    pub(crate) name: String,
    /// Every applicable cell once, in the order of the manifest.
    members: Vec<Planned>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan<'a> {
    pub(crate) manifest: &'a Manifest,
    /// Groups with a cell that can work.
    pub(crate) groups: Vec<Group>,
    /// Pairs that cannot work.
    ruled_out: Vec<Planned>,
    census: Vec<Planned>,
}

/// An error with the reason if a collector cannot run a workload.
pub type Applies<'a> = &'a dyn Fn(&str, &str) -> Result<(), String>;

impl<'a> Plan<'a> {
    /// `census` names the collector of the census (exact live bytes over time); without one there is none.
    pub(crate) fn new(manifest: &'a Manifest, census: Option<&str>, applies: Applies<'_>) -> Self {
        let member = |cell: &Cell| planned(manifest, cell.clone(), applies);
        let cell = |collector: &str, workload: &record::WorkloadInfo, heap| Cell {
            collector: collector.to_owned(),
            workload: workload.name.clone(),
            size: workload.size,
            heap,
            mode: Mode::Time,
        };
        let of_workload = |workload: &record::WorkloadInfo| {
            let cells = manifest.collectors.iter().flat_map(|collector| {
                let heaps = heaps_of(collector, &manifest.heaps).into_iter();
                heaps.map(|heap| member(&cell(&collector.name, workload, heap)))
            });
            Group { name: workload.name.clone(), members: cells.collect() }
        };
        let mut groups: Vec<Group> = match &manifest.sides[..] {
            [] => manifest.workloads.iter().map(of_workload).collect(),
            sides => {
                let members = sides.iter().map(member).collect();
                vec![Group { name: "duel".to_owned(), members }]
            }
        };
        let members = groups.iter_mut().flat_map(|group| &mut group.members);
        let ruled_out = members.filter(|p| !is_applicable(p)).map(|p| p.clone()).collect();
        groups.iter_mut().for_each(|group| group.members.retain(is_applicable));
        groups.retain(|group| !group.members.is_empty());
        let census = census.into_iter().flat_map(|collector| {
            let cells = manifest.workloads.iter().map(|workload| {
                let cell = cell(collector, workload, HeapSize::Unlimited);
                member(&Cell { mode: Mode::Census, ..cell })
            });
            cells.collect::<Vec<_>>()
        });
        let census = census.filter(is_applicable).collect();
        Self { manifest, groups, ruled_out, census }
    }

    /// The passes before the timed blocks, in order.
    pub(crate) fn passes(&self) -> Vec<Planned> {
        let mut cells = self.ruled_out.clone();
        let has = |mode| self.manifest.modes.contains(&mode);
        if has(Mode::Memory) {
            cells.extend(self.round(Mode::Memory, 0));
        }
        if has(Mode::Census) {
            cells.extend(self.census.iter().cloned());
        }
        if has(Mode::Pauses) {
            cells.extend((0..PAUSE_BLOCKS).flat_map(|block| self.round(Mode::Pauses, block)));
        }
        cells
    }

    /// The same block of all groups, in shuffled order.
    fn round(&self, mode: Mode, block: u32) -> Vec<Planned> {
        let order = self.order(mode, block);
        order.into_iter().flat_map(|group| self.block(group, mode, block)).collect()
    }

    /// The order of the groups in a round: their numbers.
    pub(crate) fn order(&self, mode: Mode, round: u32) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.shuffle(&mut self.rng(mode, usize::MAX, round));
        order
    }

    /// Every cell of a group once, shuffled; in a timed block also the twin of the reference.
    pub(crate) fn block(&self, group: usize, mode: Mode, block: u32) -> Vec<Planned> {
        let mut cells = Vec::new();
        for member in &self.groups[group].members {
            let is_external = self.manifest.commands.contains_key(&member.cell.collector);
            if is_external && mode != Mode::Time {
                continue;
            }
            let cell = Cell { mode, ..member.cell.clone() };
            let planned = Planned { cell, block, ..member.clone() };
            if mode == Mode::Time && self.is_reference(&member.cell) {
                cells.push(Planned { twin: true, ..planned.clone() });
            }
            cells.push(planned);
        }
        cells.shuffle(&mut self.rng(mode, group, block));
        cells
    }

    fn is_reference(&self, cell: &Cell) -> bool {
        match self.manifest.sides.last() {
            Some(last) => self.manifest.reference.is_some() && cell == last,
            None => self.manifest.reference.as_ref() == Some(&cell.collector),
        }
    }

    /// Random numbers of one block: they depend on no other block, because an adaptive run chooses its
    /// blocks as it goes.
    fn rng(&self, mode: Mode, group: usize, block: u32) -> Pcg64 {
        let place = (mode as u64) << 48 ^ (group as u64) << 32 ^ u64::from(block);
        Pcg64::seed_from_u64(self.manifest.seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

fn is_applicable(planned: &Planned) -> bool {
    planned.ruled_out.is_none()
}

fn planned(manifest: &Manifest, cell: Cell, applies: Applies<'_>) -> Planned {
    let workload = manifest.workloads.iter().find(|w| w.name == cell.workload);
    let has_live = workload.is_some_and(|w| w.peak_live_bytes > 0);
    let is_multiple = matches!(cell.heap, HeapSize::LiveMultiple(_));
    let ruled_out = match manifest.commands.contains_key(&cell.collector) {
        true => None,
        false => applies(&cell.collector, &cell.workload).err().or_else(|| {
            let reason = "the workload has no recorded peak of live bytes for a heap multiple";
            (is_multiple && !has_live).then(|| reason.to_owned())
        }),
    };
    let seed = workload.map_or(0, |w| w.seed);
    Planned { cell, block: 0, twin: false, seed, ruled_out }
}

/// The heap sizes at which a collector is run. A multiple of the live size does not bind a collector
/// that never collects by itself, so all multiples become one unlimited cell.
fn heaps_of(collector: &CollectorInfo, heaps: &[HeapSize]) -> Vec<HeapSize> {
    let mut kept = Vec::new();
    for &heap in heaps {
        let heap = match heap {
            HeapSize::LiveMultiple(_) if !collector.bounded => HeapSize::Unlimited,
            other => other,
        };
        if !kept.contains(&heap) {
            kept.push(heap);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
