//! When a bounded collector may refuse an allocation: only if the live objects leave no room for it.
//!
//! The shadow knows which objects a collection now would leave, and the heap where they lie. With the [`Room`]
//! that the collector declares, an allocation may be refused if
//!
//! `copies * small + large + request + tables + kept_share * limit + SLACK > limit`, where
//!
//! * *small* are the blocks of the small objects: those that their bytes fill in any order, if a collection
//!   compacts (no block is left emptier than the largest of them); else those in which one of them lies. So the
//!   fragmentation is the one that the program and the collector have brought about, not the worst that a program
//!   of as many bytes could have (Robson, "Bounds for some functions concerning dynamic storage allocation",
//!   JACM 1974: half the logarithm of the largest size times the live bytes, which would excuse any refusal);
//! * *large* are the pages of the large objects, and *request* is a run of blocks, or for a small object a block
//!   times *copies*, although a free cell may do;
//! * *tables* are the side tables, stacks and queues by the footprint, which the account checks.
//!
//! So one that gives up with half of a heap of 16 blocks unused is noticed, unless it moves objects that are nearly
//! as long as half a block; with three quarters unused, in a heap of 8 blocks.

use crate::detector::{Detector, violate};
use crate::player::state::{M, Player};
use crate::watched::Refusal;
use heap::{BLOCK_BYTES, Block, Collector, GRANULE_BYTES, Inspect, os};
use std::collections::HashSet;

const BLOCK: u64 = BLOCK_BYTES as u64;

/// Memory of which the bound takes no account: two blocks, which a space may have taken for objects of another
/// size, and pages by which tables grow with the block of the request.
const SLACK_BYTES: u64 = 2 * BLOCK + 8 * os::PAGE_BYTES as u64;

/// The live objects of a heap, by the memory that they occupy.
#[derive(Debug, Default)]
struct Live {
    objects: u64,
    bytes: u64,
    /// Bytes of the small ones, and of the largest of those.
    small_bytes: u64,
    largest_bytes: u64,
    /// Blocks in which a small one lies.
    blocks: HashSet<Block>,
    /// Bytes of the pages of large ones.
    large_bytes: u64,
}

impl Player<'_> {
    /// Checks that the allocation that has just been refused finds no room.
    pub(crate) fn check_refusal(&self, m: &M) {
        let collector = m.collector();
        let Some(Refusal { layout, limit_bytes }) = collector.refusal() else { return };
        if !self.checks(Detector::Room) || !collector.caps().bounded {
            return;
        }
        let (room, live) = (collector.room(), self.live(m));
        let (mut largest_bytes, mut request_bytes) = (live.largest_bytes, layout.bytes().into());
        if layout.is_small() {
            largest_bytes = largest_bytes.max(request_bytes);
            request_bytes = u64::from(room.copies) * BLOCK;
        }
        let blocks = match room.compacts {
            true => live.small_bytes.div_ceil(BLOCK - largest_bytes + GRANULE_BYTES as u64),
            false => live.blocks.len() as u64,
        };
        let needed_bytes = u64::from(room.copies) * blocks * BLOCK
            + live.large_bytes
            + request_bytes.next_multiple_of(BLOCK)
            + m.footprint().metadata_bytes
            + (limit_bytes as f64 * room.kept_share) as u64;
        if needed_bytes + SLACK_BYTES <= limit_bytes {
            let Live { objects, bytes, .. } = live;
            let message = format!(
                "an object of {} bytes is refused under a limit of {limit_bytes} bytes: the {objects} live \
                 objects of {bytes} bytes and this one need {needed_bytes} bytes",
                layout.bytes()
            );
            violate(Detector::Room, message, None);
        }
    }

    /// The objects that a collection now would leave, where they lie.
    fn live(&self, m: &M) -> Live {
        let mut shadow = self.shadow.clone();
        shadow.collect();
        let mut live = Live::default();
        for (id, object) in self.placed(m).into_iter().filter(|&(id, _)| !shadow.is_freed(id)) {
            let layout = shadow.objects[id].form.layout();
            let bytes = u64::from(layout.bytes());
            live.objects += 1;
            live.bytes += bytes;
            if layout.is_small() {
                live.small_bytes += bytes;
                live.largest_bytes = live.largest_bytes.max(bytes);
                live.blocks.insert(Block::of(object));
            } else {
                live.large_bytes += bytes.next_multiple_of(os::PAGE_BYTES as u64);
            }
        }
        live
    }
}
