//! Turns a manifest into the list of cells, in execution order.
//!
//! The unit is the *randomised complete block*: every (collector, heap) of one workload once, in
//! shuffled order. Drift of the machine then affects all collectors alike, and ratios can be taken
//! inside a block (Fisher, *The Design of Experiments*, 1935; as advised for
//! benchmarks by Kalibera and Jones, ISMM 2013).
//!
//! 1. Pairs that cannot work come first. They need no process.
//! 2. Then a memory block per workload, followed by its census cell, and a second round of memory
//!    blocks to check that footprints are equal to the byte. So an interrupted run has its memory
//!    charts, and the machine is warm when times are measured.
//! 3. Then the time blocks, round by round: block `k` of every workload before block `k + 1` of
//!    any, the workloads shuffled in each round.
//!
//! Modes that the manifest omits have no cells.
//!
//! The plan is a pure function of the manifest, so a resumed run continues the same plan.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use record::{Cell, CollectorInfo, HeapSize, Manifest, Mode, WorkloadInfo};

/// One cell with its place in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The cell.
    pub cell: Cell,
    /// Number of the block among the blocks of this workload and mode (0-based).
    pub block: u32,
    /// Seed of the workload's random numbers.
    pub seed: u64,
    /// The reason why the pair cannot work; no process is started then.
    pub ruled_out: Option<String>,
}

impl Planned {
    /// Identity of the measurement inside a run: equal exactly for the same cell and block.
    pub fn key(&self) -> String {
        key(&self.cell, self.block)
    }
}

/// Footprints hardly vary between runs: two blocks are enough to detect a difference.
const MEMORY_BLOCKS: u32 = 2;

/// Identity of a measurement inside a run, for planned cells and records alike.
pub(crate) fn key(cell: &Cell, block: u32) -> String {
    let Cell { collector, workload, size, heap, mode } = cell;
    format!("{collector}/{workload}@{heap} {size:?} {mode:?} #{block}")
}

/// Plans all cells of a run.
///
/// `applies` returns an error with the reason if a collector cannot run a workload. `census` names the
/// collector of the census (exact live bytes over time); without one there is no census.
pub fn plan(
    manifest: &Manifest,
    census: Option<&str>,
    applies: &dyn Fn(&str, &str) -> Result<(), String>,
) -> Vec<Planned> {
    let matrix = Matrix { manifest, applies };
    let mut rng = Pcg64::seed_from_u64(manifest.seed);
    let mut workloads: Vec<&WorkloadInfo> = manifest.workloads.iter().collect();

    let mut cells: Vec<Planned> = workloads
        .iter()
        .flat_map(|w| matrix.cells(w, Mode::Time, 0))
        .filter(not_applicable)
        .collect();
    workloads.shuffle(&mut rng);
    for &workload in &workloads {
        cells.extend(matrix.block(workload, Mode::Memory, 0, &mut rng));
        cells.extend(census.map(|collector| {
            matrix.planned(collector, workload, HeapSize::Unlimited, Mode::Census, 0)
        }));
    }
    for block in 1..manifest.repeats.min(MEMORY_BLOCKS) {
        for &workload in &workloads {
            cells.extend(matrix.block(workload, Mode::Memory, block, &mut rng));
        }
    }
    for block in 0..manifest.repeats {
        workloads.shuffle(&mut rng);
        for &workload in &workloads {
            cells.extend(matrix.block(workload, Mode::Time, block, &mut rng));
        }
    }
    cells.retain(|planned| not_applicable(planned) || manifest.modes.contains(&planned.cell.mode));
    cells
}

fn not_applicable(planned: &Planned) -> bool {
    planned.ruled_out.is_some()
}

/// The matrix of the experiment: collectors and heap sizes crossed with workloads.
struct Matrix<'a> {
    manifest: &'a Manifest,
    applies: &'a dyn Fn(&str, &str) -> Result<(), String>,
}

impl Matrix<'_> {
    /// Every applicable (collector, heap) of one workload once, shuffled.
    fn block(
        &self,
        workload: &WorkloadInfo,
        mode: Mode,
        block: u32,
        rng: &mut Pcg64,
    ) -> Vec<Planned> {
        let mut cells = self.cells(workload, mode, block);
        cells.retain(|planned| !not_applicable(planned));
        cells.shuffle(rng);
        cells
    }

    /// Every (collector, heap) of one workload, in registry order.
    fn cells(&self, workload: &WorkloadInfo, mode: Mode, block: u32) -> Vec<Planned> {
        self.manifest
            .collectors
            .iter()
            .flat_map(|collector| {
                heaps_of(collector, &self.manifest.heaps)
                    .into_iter()
                    .map(|heap| self.planned(&collector.name, workload, heap, mode, block))
            })
            .collect()
    }

    fn planned(
        &self,
        collector: &str,
        workload: &WorkloadInfo,
        heap: HeapSize,
        mode: Mode,
        block: u32,
    ) -> Planned {
        let cell = Cell {
            collector: collector.to_owned(),
            workload: workload.name.clone(),
            size: workload.size,
            heap,
            mode,
        };
        let unknown_multiple =
            matches!(heap, HeapSize::LiveMultiple(_)) && workload.peak_live_bytes == 0;
        let ruled_out = (self.applies)(collector, &workload.name).err().or_else(|| {
            let reason = "the workload has no recorded peak of live bytes for a heap multiple";
            unknown_multiple.then(|| reason.to_owned())
        });
        Planned { cell, block, seed: workload.seed, ruled_out }
    }
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
mod tests {
    use super::*;
    use crate::fixture::manifest;
    use std::collections::BTreeMap;

    fn any(_: &str, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn blocks(plan: &[Planned], mode: Mode) -> BTreeMap<(String, u32), Vec<String>> {
        let mut blocks: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for p in plan.iter().filter(|p| p.cell.mode == mode) {
            let cell = format!("{}@{}", p.cell.collector, p.cell.heap);
            blocks.entry((p.cell.workload.clone(), p.block)).or_default().push(cell);
        }
        blocks
    }

    #[test]
    fn every_block_holds_every_collector_and_heap_once() {
        let plan = plan(&manifest(7), None, &any);
        for mode in [Mode::Time, Mode::Memory] {
            let blocks = blocks(&plan, mode);
            assert_eq!(blocks.len(), if mode == Mode::Time { 2 * 5 } else { 2 * 2 });
            for cells in blocks.values() {
                let mut cells = cells.clone();
                cells.sort();
                assert_eq!(
                    cells,
                    ["bound@1.5x", "bound@3x", "bound@64MiB", "loose@64MiB", "loose@unlimited"]
                );
            }
        }
    }

    #[test]
    fn a_run_of_one_mode_has_no_cells_of_others() {
        let mut manifest = manifest(7);
        let all = plan(&manifest, Some("bound"), &any);
        manifest.modes = vec![Mode::Time];
        let timed = plan(&manifest, Some("bound"), &any);
        let of_time: Vec<_> =
            all.into_iter().filter(|planned| planned.cell.mode == Mode::Time).collect();
        assert!(!timed.is_empty() && timed == of_time, "the same cells in the same order");
    }

    #[test]
    fn the_order_follows_the_seed() {
        let one = plan(&manifest(1), None, &any);
        assert_eq!(one, plan(&manifest(1), None, &any));
        let orders =
            |seed| plan(&manifest(seed), None, &any).iter().map(Planned::key).collect::<Vec<_>>();
        assert_ne!(orders(1), orders(2));
        // The blocks of one run differ from each other, too.
        let of_a: Vec<_> = blocks(&one, Mode::Time)
            .into_iter()
            .filter(|((workload, _), _)| workload == "a")
            .map(|(_, cells)| cells)
            .collect();
        assert!(of_a.windows(2).any(|pair| pair[0] != pair[1]), "{of_a:?}");
    }

    #[test]
    fn rounds_advance_together_and_memory_comes_before_time() {
        let plan = plan(&manifest(3), Some("bound"), &any);
        let modes: Vec<_> = plan.iter().map(|p| p.cell.mode).collect();
        let first_time = modes.iter().position(|&m| m == Mode::Time).unwrap();
        assert!(modes[first_time..].iter().all(|&m| m == Mode::Time));
        assert_eq!(modes.iter().filter(|&&m| m == Mode::Census).count(), 2);
        let rounds: Vec<_> = plan[first_time..].iter().map(|p| p.block).collect();
        assert!(rounds.is_sorted(), "block k + 1 before block k ended: {rounds:?}");
    }

    #[test]
    fn keys_are_distinct_for_all_cells() {
        let plan = plan(&manifest(3), Some("bound"), &any);
        let mut keys: Vec<_> = plan.iter().map(Planned::key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), plan.len());
    }

    #[test]
    fn a_pair_that_cannot_work_is_planned_once_with_its_reason() {
        let applies = |collector: &str, workload: &str| match (collector, workload) {
            ("loose", "b") => Err("no cycles".to_owned()),
            _ => Ok(()),
        };
        let plan = plan(&manifest(3), None, &applies);
        let out: Vec<_> = plan.iter().filter(|p| p.ruled_out.is_some()).collect();
        assert_eq!(out.len(), 2, "one per heap of the pair: {out:?}");
        assert!(out.iter().all(|p| p.cell.collector == "loose" && p.cell.workload == "b"));
        assert!(out.iter().all(|p| p.ruled_out.as_deref() == Some("no cycles")));
        assert_eq!(&plan[0], out[0], "they come first");
    }
}
