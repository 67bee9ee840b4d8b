//! The pause pass of a cell: every pause is logged, and the utilisation follows from all of them.

use super::Task;
use analysis::utilisation;
use heap::EventLog;
use record::Sample;

/// Maximum pauses that are kept, in 256 MiB.
const MOST: u64 = 1 << 25;
/// Room for pauses that free no object, and for a program whose objects are not known.
const LEAST: u64 = 1 << 20;

/// The number of pauses to set memory aside for: a cascade frees an object.
pub(super) fn capacity(task: &Task) -> usize {
    let objects = task.census.map_or(0, |census| census.objects);
    (LEAST + objects).min(MOST) as usize
}

/// Completes a sample by what follows from all its pauses.
pub(super) fn complete(sample: &mut Sample, log: &EventLog) {
    let grid_ns = utilisation::grid(log.run_ns());
    sample.utilisation = utilisation::curve(log.pause_trace(), log.run_ns(), &grid_ns);
    sample.pause_count = Some(log.pause_count());
    sample.pauses_lost = log.pauses_lost();
}
