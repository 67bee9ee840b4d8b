//! Sliding: the objects that live move together, to the front of their space, and keep their order.
//!
//! Three side words for every 64 granules say all there is to know, so no object has to remember where it
//! goes (after Kermany and Petrank, "The Compressor: concurrent, incremental, and parallel compaction",
//! PLDI 2006):
//!
//! 1. *Mark* sets a bit where an object begins and one for every granule that it covers.
//! 2. *Plan* looks at these words only. The objects that begin in one word stay together as a group; the
//!    third word becomes the place that the group goes to. One that does not fit the rest of a block goes
//!    to the next.
//! 3. *Where* an object goes is then that place and the granules that live before it in its word.
//! 4. *Slide* updates the slots of each object and copies it, in order.
//!
//! **Invariant:** a group never goes to a place behind its own. Where it would go is no further than the
//! group before it went, and if that place is in its own block it fits, for it lay there. So copying in
//! order overwrites nothing that is still to be copied.

use super::{BLOCK_UNITS, MovableSpace, Movement};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::blocks::poison;
use crate::context::moves::Moves;
use crate::context::weak::ReferenceProcessor;
use crate::memory::Memory;
use crate::memory::units::BLOCK_WORDS;
use crate::memory::units::{GRANULE_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{Extent, LARGE};
use crate::object::size_class::MAX_CELL_BYTES;
use crate::space::MarkedSpace;
use crate::trace::mark::Marker;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const GRANULE_UNITS: u32 = (GRANULE_BYTES / UNIT_BYTES) as u32;

/// Three words for every 64 granules.
#[derive(Debug)]
pub struct Sliding {
    /// Where an object begins that lives; large objects as well.
    marks: Bitmap,
    /// The granules of all objects that live here.
    live: Bitmap,
    /// No bits: where the objects go that begin in this word, as reference bits, less the granules of an
    /// object that only reaches into it.
    destinations: Bitmap,
    /// How many blocks are still needed after the slide that was planned.
    kept: usize,
}

/// The objects that begin in one word.
struct Group<'t> {
    destination: &'t AtomicU64,
    /// Granules of the word before the first of them.
    skipped: u32,
    granules: u32,
}

/// Where the next group goes.
struct Front {
    place: usize,
    next: u32,
    limit: u32,
}

impl Sliding {
    /// Marks an object and tells whether it was not marked.
    #[inline(always)]
    pub(super) fn mark(&self, memory: Memory<'_>, object: ObjectReference) -> bool {
        let is_new = self.marks.set(object);
        if is_new && !memory.has(object, LARGE) {
            self.live.set_run(object, granules(memory, object));
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

impl Movement for Sliding {
    const COPIES: bool = false;

    fn new(heap: &Heap) -> io::Result<Self> {
        let [marks, live, destinations] = [heap.bitmap()?, heap.bitmap()?, heap.bitmap()?];
        Ok(Self { marks, live, destinations, kept: 0 })
    }

    fn cover(&mut self, block: Block) -> bool {
        self.marks.cover(block) && self.live.cover(block) && self.destinations.cover(block)
    }

    fn metadata_bytes(&self) -> u64 {
        [&self.marks, &self.live, &self.destinations].map(Bitmap::covered_bytes).iter().sum()
    }

    fn is_marked(&self, block: Block) -> bool {
        let words = self.marks.block(block).iter().chain(self.live.block(block));
        words.into_iter().any(|word| word.load(Relaxed) != 0)
    }
}

impl MarkedSpace for MovableSpace<Sliding> {
    fn unmark_large(&self, large: ObjectReference) -> bool {
        self.tables.marks.clear(large)
    }
}

/// What an object covers; a wrong program may have overwritten its header.
#[inline(always)]
fn granules(memory: Memory<'_>, object: ObjectReference) -> u32 {
    let bytes = Extent::of(memory, object).bytes().min(u64::from(MAX_CELL_BYTES));
    bytes as u32 / GRANULE_BYTES as u32
}

impl MovableSpace<Sliding> {
    /// Marks everything reachable from the edges that `marker` holds, large objects included. Returns the
    /// objects marked.
    #[inline(always)]
    pub fn trace(&mut self, marker: &mut Marker) -> u64 {
        self.trace_visiting(marker, |_| ())
    }

    /// What is to be done when a trace is: see [`ReferenceProcessor`]. Objects are still where they were.
    pub fn trace_weak(&mut self, marker: &mut Marker, weak: &mut ReferenceProcessor) {
        let place = |space: &Self, object| space.is_marked(object).then_some(object);
        while weak.advance(|object| place(self, object), |object| marker.push(object)) {
            self.trace_visiting(marker, |object| weak.object_reached(object));
        }
    }

    /// [`MovableSpace::trace`] that tells of each object that it marks.
    #[inline(always)]
    fn trace_visiting(
        &mut self,
        marker: &mut Marker,
        mut tell: impl FnMut(ObjectReference),
    ) -> u64 {
        let (tables, memory) = (&self.tables, self.heap.memory());
        let is_marked = |object| tables.marks.test(object);
        marker.trace(&self.heap, is_marked, |object| {
            let is_new = tables.mark(memory, object);
            if is_new {
                tell(object);
            }
            is_new
        })
    }

    /// Whether an object was marked since the last slide; large ones included.
    fn is_marked(&self, object: ObjectReference) -> bool {
        self.tables.marks.test(object)
    }

    /// Decides where every marked object goes: [`MovableSpace::new_place`]. Until [`MovableSpace::slide`] the
    /// space cannot be walked, and nothing can be allocated.
    pub fn plan(&mut self) {
        let Sliding { marks, live, destinations, .. } = &self.tables;
        let memory = self.heap.memory();
        let begin = |place: usize| {
            let next = self.blocks.get(place).map_or(0, |block| block.start);
            Front { place, next, limit: next + BLOCK_UNITS }
        };
        let mut front: Option<Front> = None;
        let mut ends = Vec::new();
        let mut settle = |group: Option<Group<'_>>| {
            let Some(Group { destination, skipped, granules }) = group else { return };
            let units = granules * GRANULE_UNITS;
            let to = front.get_or_insert_with(|| begin(0));
            if to.limit - to.next < units {
                ends.push(to.next);
                *to = begin(to.place + 1);
            }
            let first = to.next.wrapping_sub(skipped * GRANULE_UNITS);
            destination.store(u64::from(first), Relaxed);
            to.next += units;
        };
        for block in self.blocks.iter().map(|filled| filled.block()) {
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
        self.fill_to(&ends, front.map(|to| (to.next, to.limit)));
    }

    /// What the blocks hold after a slide: how far each but the last is filled, and the last.
    fn fill_to(&mut self, ends: &[u32], last: Option<(u32, u32)>) {
        for (block, &end) in self.blocks.iter_mut().zip(ends) {
            block.end = end;
        }
        let closed = self.blocks.iter().take(ends.len());
        self.closed_bytes = closed.map(|block| super::bytes_between(block.start, block.end)).sum();
        (self.next, self.limit) = last.unwrap_or_default();
        self.tables.kept = ends.len() + usize::from(last.is_some());
    }

    /// Where a marked object goes; what does not move, such as a large object, stays where it is.
    #[inline(always)]
    pub fn new_place(&self, object: ObjectReference) -> ObjectReference {
        self.tables.new_place(object)
    }

    /// Carries out the plan: updates the slots of all marked objects here, moves them, and gives back the
    /// blocks behind them. Afterwards nothing is marked.
    pub fn slide(&mut self, moves: &mut Moves) {
        let (tables, memory) = (&self.tables, self.heap.memory());
        let mut largest_bytes = super::COMMON_BYTES;
        for filled in &self.blocks {
            let block = filled.block();
            for (word, marks) in (0..BLOCK_WORDS as u32).zip(tables.marks.block(block)) {
                let mut marks = marks.load(Relaxed);
                while marks != 0 {
                    let granule = block.first_granule() + word * 64 + marks.trailing_zeros();
                    marks &= marks - 1;
                    let object = ObjectReference::from_granule(granule);
                    memory.update_slots(object, |child| tables.new_place(child));
                    let bytes = granules(memory, object) * GRANULE_BYTES as u32;
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
        for filled in &self.blocks {
            tables.marks.clear_block(filled.block());
            tables.live.clear_block(filled.block());
        }
        self.release_from(kept);
        for (start, end) in (0..kept).filter_map(|place| self.extent(place)) {
            poison::poison_behind(self.heap.memory(), Block::at_granule(start >> 1), end);
        }
    }
}
