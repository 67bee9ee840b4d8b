//! Whether the logged pauses are as long as the collections.
//!
//! The kit's clock does not see into a collection, and a busy machine may stop the program at any point. So what
//! counts is the share of the operation that its pauses cover, in collections that scan a million bytes, and of
//! several the largest: a disturbance outside a pause makes the share smaller, and one inside makes no half a whole.

use crate::detector::{Detector, violate};
use crate::player::state::{M, Player};
use crate::program::Schedule;
use heap::{Collector, Root, Shared, Slot};
use std::iter;

/// Arrays that a collection scans, and their slots.
const ARRAYS: usize = 4;
const SLOTS: u32 = 60_000;
/// Number of collections, of which the pauses of one at least cover this share. Pauses that are logged half as long
/// cover a half.
const COLLECTIONS: usize = 9;
const COVERED_SHARE: f64 = 0.7;

impl Player<'_> {
    /// Checks that the pauses of requested collections cover these, and those of allocations without room: at the end
    /// of a program that leaves collections to the collector.
    pub(crate) fn pauses_cover_collections(&self, m: &mut M) {
        let is_chosen = self.program.schedule == Schedule::Natural
            && self.program.limit_bytes.is_none()
            && m.collector().caps().cycles;
        if !is_chosen || !self.checks(Detector::Pauses) {
            return;
        }
        let array = |m: &mut M| m.alloc_array(Shared, SLOTS, 0).expect("there is no limit");
        let arrays: Vec<Root> = (0..ARRAYS).map(|_| array(m)).collect();
        let mut shares = [const { Vec::new() }; 2];
        for _ in 0..COLLECTIONS {
            lose_references(m, &arrays);
            m.collect();
            shares[0].extend(covered_share(m));
            lose_references(m, &arrays);
            let budget = m.heap().budget();
            let limit_bytes = budget.set_limit_bytes(budget.committed_bytes());
            // Some may find room in blocks that were free.
            let more: Vec<Root> = iter::from_fn(|| m.alloc_array(Shared, SLOTS, 0).ok()).collect();
            shares[1].extend(covered_share(m));
            m.heap().budget().set_limit_bytes(limit_bytes);
            more.into_iter().for_each(|root| m.free(root));
        }
        if shares[0].is_empty() {
            let message = "`collect` counts no collection".to_owned();
            violate(Detector::Pauses, message, None);
        }
        for (shares, operation) in shares.iter().zip(["`collect`", "an allocation without room"]) {
            let largest = shares.iter().copied().fold(0.0, f64::max);
            if shares.len() == COLLECTIONS && largest < COVERED_SHARE {
                let message = format!(
                    "the logged pauses cover at most {:.0} % of {operation}, in {COLLECTIONS} collections",
                    100.0 * largest
                );
                violate(Detector::Pauses, message, None);
            }
        }
        arrays.into_iter().for_each(|array| m.free(array));
        m.tear_down();
    }
}

/// Each array loses a reference from a slot: trial deletion tries only such objects.
fn lose_references(m: &M, arrays: &[Root]) {
    for array in arrays.iter().map(|array| m.get(array)) {
        m.store(array, Slot::<Shared>::element(0), array);
        m.store(array, Slot::<Shared>::element(0), None);
    }
}

/// The share of the last operation that its pauses cover; `None` if no collection began in it.
fn covered_share(m: &M) -> Option<f64> {
    let timed = m.collector().timed();
    (timed.collections > 0).then(|| timed.paused_ns as f64 / timed.elapsed_ns.max(1) as f64)
}
