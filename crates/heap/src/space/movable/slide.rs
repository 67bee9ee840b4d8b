//! Sliding compaction: live objects move to the front of their space and keep their order.
//!
//! Three side words for every 64 granules determine all moves, so no object stores its destination (after
//! Kermany and Petrank, "The Compressor: concurrent, incremental, and parallel compaction", PLDI 2006):
//!
//! 1. *Mark* sets a bit where an object begins and one for every granule that it covers.
//! 2. *Plan* reads these words only. The objects that begin in one word stay together as a group; the
//!    third word becomes the destination of the group. A group that does not fit the rest of a block
//!    moves to the next block.
//! 3. *The new place* of an object is that destination plus the live granules before it in its word.
//! 4. *Slide* updates the slots of each object and copies it, in order.
//!
//! **Invariant:** a group never moves to a place behind its own. Its destination directly follows that of
//! the group before it, and if this is in its own block the group fits, for it lay there. So copying in
//! order overwrites no object that is still to be copied.

use super::{GRANULE_UNITS, MovableSpace, Movement};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::poison;
use crate::context::moves::Moves;
use crate::context::weak::ReferenceProcessor;
use crate::memory::Memory;
use crate::memory::units::{BLOCK_UNITS, BLOCK_WORDS, GRANULE_BYTES};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{Extent, LARGE};
use crate::space::MarkedSpace;
use crate::space::bump::{Bump, bytes_between};
use crate::space::mark_tables::{MarkTables, bitmaps};
use crate::trace::mark::{Marker, visiting};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Three words for every 64 granules.
#[derive(Debug)]
pub struct Sliding {
    /// First granules of live objects; of large objects as well.
    marks: Bitmap,
    /// All granules of the live objects of this space.
    live: Bitmap,
    /// No bits: the destination of the objects that begin in this word, as reference bits, less the
    /// granules of an object that only reaches into it.
    destinations: Bitmap,
    /// Number of blocks still needed after the planned slide.
    kept: usize,
}

/// The objects that begin in one word.
struct Group<'t> {
    destination: &'t AtomicU64,
    /// Granules of the word before the first of them.
    skipped: u32,
    granules: u32,
}

/// The place of the next group, in block number `place` of the space.
struct Front {
    place: usize,
    rest: Bump,
}

impl Sliding {
    /// Marks an object; returns whether it was unmarked.
    #[inline(always)]
    pub(super) fn mark(&self, memory: Memory<'_>, object: ObjectReference) -> bool {
        let is_new = self.marks.set(object);
        if is_new && !memory.has(object, LARGE) {
            let bytes = Extent::of(memory, object).small_bytes();
            self.live.set_run(object, bytes / GRANULE_BYTES as u32);
        }
        is_new
    }

    #[inline(always)]
    fn new_place(&self, object: ObjectReference) -> ObjectReference {
        let (live, bit) = (self.live.word(object).load(Relaxed), Bitmap::bit(object));
        if live & bit == 0 {
            return object;
        }
        let before = (live & (bit - 1)).count_ones();
        let group = self.destinations.word(object).load(Relaxed) as u32;
        let place = group.wrapping_add(before * GRANULE_UNITS);
        ObjectReference::from_bits(place).unwrap_or(object)
    }
}

impl MarkTables for Sliding {
    bitmaps!(marks, live, destinations; kept: 0);

    fn has_marks(&self, block: Block) -> bool {
        [&self.marks, &self.live].iter().any(|marks| marks.objects_in(block).next().is_some())
    }
}

impl Movement for Sliding {
    const COPIES: bool = false;
}

impl MarkedSpace for MovableSpace<Sliding> {
    fn unmark_large(&self, large: ObjectReference) -> bool {
        self.tables.marks.clear(large)
    }
}

impl MovableSpace<Sliding> {
    /// Marks all objects reachable from the edges pushed to `marker`, large ones included; returns their
    /// number.
    #[inline(always)]
    pub fn trace(&mut self, marker: &mut Marker) -> u64 {
        self.trace_visiting(marker, |_| ())
    }

    /// Reference processing after a trace: see [`ReferenceProcessor`]. No object has moved yet.
    pub fn trace_weak(&mut self, marker: &mut Marker, weak: &mut ReferenceProcessor) {
        let place = |space: &Self, object| space.is_marked(object).then_some(object);
        while weak.advance(|object| place(self, object), |object| marker.push(object)) {
            self.trace_visiting(marker, |object| weak.object_reached(object));
        }
    }

    /// [`MovableSpace::trace`] that calls `visit` with each object that it marks.
    #[inline(always)]
    fn trace_visiting(&mut self, marker: &mut Marker, visit: impl FnMut(ObjectReference)) -> u64 {
        let (tables, memory) = (&self.tables, self.heap.memory());
        let is_marked = |object| tables.marks.test(object);
        let mark = |object| tables.mark(memory, object);
        marker.trace(&self.heap, is_marked, visiting(mark, visit))
    }

    /// Whether an object was marked since the last slide; large ones included.
    fn is_marked(&self, object: ObjectReference) -> bool {
        self.tables.marks.test(object)
    }

    /// Computes the [`MovableSpace::new_place`] of every marked object. Until [`MovableSpace::slide`] the
    /// space cannot be walked or allocated in.
    pub fn plan(&mut self) {
        let Sliding { marks, live, destinations, .. } = &self.tables;
        let memory = self.heap.memory();
        let begin = |place: usize| {
            let next = self.blocks.get(place).map_or(0, |block| block.start);
            Front { place, rest: Bump { next, limit: next + BLOCK_UNITS } }
        };
        let mut front: Option<Front> = None;
        let mut ends = Vec::new();
        let mut settle = |group: Option<Group<'_>>| {
            let Some(Group { destination, skipped, granules }) = group else { return };
            let units = granules * GRANULE_UNITS;
            let to = front.get_or_insert_with(|| begin(0));
            if to.rest.limit - to.rest.next < units {
                ends.push(to.rest.next);
                *to = begin(to.place + 1);
            }
            let first = to.rest.next.wrapping_sub(skipped * GRANULE_UNITS);
            destination.store(u64::from(first), Relaxed);
            to.rest.next += units;
        };
        for block in self.blocks.iter().map(|bumped| bumped.block()) {
            let mut group = None;
            let words = marks.block(block).iter().zip(live.block(block));
            for ((marks, live), destination) in words.zip(destinations.block(block)) {
                let (marks, live) = (marks.load(Relaxed), live.load(Relaxed));
                // All bits below the first mark, or all.
                let before = (marks & marks.wrapping_neg()).wrapping_sub(1);
                let skipped = (live & before).count_ones();
                if let Some(Group { granules, .. }) = &mut group
                    && !mutant!(memory, "a group ends with its word")
                {
                    *granules += skipped;
                }
                if marks != 0 {
                    let granules = (live & !before).count_ones();
                    settle(group.replace(Group { destination, skipped, granules }));
                }
            }
            settle(group);
        }
        self.fill_to(&ends, front.map(|to| to.rest));
    }

    /// Sets the allocated part of each block after a slide: `ends` of all but the last, and the `last`.
    fn fill_to(&mut self, ends: &[u32], last: Option<Bump>) {
        for (block, &end) in self.blocks.iter_mut().zip(ends) {
            block.end = end;
        }
        let closed = self.blocks.iter().take(ends.len());
        self.closed_bytes = closed.map(|block| bytes_between(block.start, block.end)).sum();
        self.bump = last.unwrap_or_default();
        self.tables.kept = ends.len() + usize::from(last.is_some());
    }

    /// The new place of a marked object; its own if it does not move, as a large object.
    #[inline(always)]
    pub fn new_place(&self, object: ObjectReference) -> ObjectReference {
        self.tables.new_place(object)
    }

    /// Executes the plan: updates the slots of all marked objects here, moves them, and releases the
    /// blocks behind them. Clears all marks.
    pub fn slide(&mut self, moves: &mut Moves) {
        let (tables, memory) = (&self.tables, self.heap.memory());
        let mut largest_bytes = super::COMMON_BYTES;
        for bumped in self.blocks.iter() {
            let block = bumped.block();
            for (word, marks) in (0..BLOCK_WORDS as u32).zip(tables.marks.block(block)) {
                let mut marks = marks.load(Relaxed);
                while marks != 0 {
                    let granule = block.first_granule() + word * 64 + marks.trailing_zeros();
                    marks &= marks - 1;
                    let object = ObjectReference::from_granule(granule);
                    memory.update_slots(object, |child| tables.new_place(child));
                    let bytes = Extent::of(memory, object).small_bytes();
                    largest_bytes = largest_bytes.max(bytes);
                    let place = tables.new_place(object);
                    if place != object {
                        memory.copy(object, place, bytes);
                        moves.record(object, place);
                    }
                }
            }
        }
        self.largest_bytes = largest_bytes;
        let kept = tables.kept;
        for bumped in self.blocks.iter() {
            tables.marks.clear_block(bumped.block());
            tables.live.clear_block(bumped.block());
        }
        self.release_from(kept);
        for (start, end) in (0..kept).filter_map(|place| self.extent(place)) {
            poison::poison_behind(self.heap.memory(), Block::at_granule(start >> 1), end);
        }
    }
}
