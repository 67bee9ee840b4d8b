//! Sliding compaction: live objects move to the front of their space and keep their order.
//!
//! Two side words for every 64 granules determine all moves, so no object stores its destination (after
//! Kermany and Petrank, "The Compressor: concurrent, incremental, and parallel compaction", PLDI 2006):
//!
//! 1. *Mark* sets a bit where an object begins and one where it ends: as a rule in one word, which the test
//!    of the mark has loaded.
//! 2. *Plan* reads these words only. The objects that begin in one word stay together as a group; the
//!    second word becomes the destination of the group. A group that does not fit the rest of a block
//!    moves to the next block.
//! 3. *The new place* of an object is that destination plus the live granules before it in its word.
//! 4. *Slide* copies each object, in order, and updates its slots some slots later: the two words of a
//!    referent lie anywhere, and are prefetched meanwhile.
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
use crate::memory::units::{BLOCK_UNITS, BLOCK_WORDS, GRANULE_BYTES};
use crate::memory::value::ObjectReference;
use crate::memory::{Memory, Offset32};
use crate::mutant;
use crate::object::header::{Extent, LARGE};
use crate::space::MarkedSpace;
use crate::space::bump::{Bump, bytes_between};
use crate::space::mark_tables::{MarkTables, bitmaps};
use crate::trace::mark::{Marker, visiting};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Slots between the prefetch of a referent's words and their use.
const AHEAD: usize = if cfg!(tiny) { 2 } else { 16 };

/// Two words for every 64 granules.
#[derive(Debug)]
pub struct Sliding {
    /// First granules of live objects, of large objects as well; and last ones, of those of this space.
    bounds: Bitmap,
    /// No bits: the destination of the objects that begin in this word, as reference bits, less the
    /// granules of an object that only reaches into it, with [`REACHED_INTO`] if there is one. 0 where no
    /// object of this space begins, outside a collection everywhere.
    destinations: Bitmap,
    /// Number of blocks still needed after the planned slide.
    kept: usize,
}

/// Bit of a destination: an object that began before reaches into the word.
const REACHED_INTO: u64 = 1 << 63;

/// The bounds of one word, told apart.
struct Word {
    /// First granules of objects.
    begins: u64,
    /// All their granules.
    live: u64,
    /// Whether the last object reaches into the next word.
    goes_on: bool,
}

impl Word {
    /// From its bounds, and whether an object that began before reaches into it.
    #[inline(always)]
    fn of(bounds: u64, reached_into: bool) -> Self {
        // Bit i is the parity of the bounds up to it, so set from a begin on and clear from an end on.
        let parity = [1, 2, 4, 8, 16, 32].iter().fold(bounds, |bits, by| bits ^ bits << by);
        let inside = parity ^ u64::from(reached_into).wrapping_neg();
        Self { begins: bounds & inside, live: bounds | inside, goes_on: inside >> 63 != 0 }
    }
}

/// Slots that still hold old places, in the order in which they are updated.
struct Ahead<'t> {
    tables: &'t Sliding,
    memory: Memory<'t>,
    slots: [Option<(ObjectReference, Offset32, ObjectReference)>; AHEAD],
    next: usize,
}

impl Ahead<'_> {
    /// Prefetches the words of `child`, to which the slot at `at` of `object` refers, and updates the
    /// slot that was added [`AHEAD`] slots before.
    #[inline(always)]
    fn push(&mut self, object: ObjectReference, at: Offset32, child: ObjectReference) {
        self.tables.bounds.prefetch(child);
        self.tables.destinations.prefetch(child);
        let oldest = self.slots[self.next % AHEAD].replace((object, at, child));
        self.next += 1;
        self.update(oldest);
    }

    #[inline(always)]
    fn update(&self, slot: Option<(ObjectReference, Offset32, ObjectReference)>) {
        if let Some((object, at, child)) = slot {
            self.memory.write(object, at, self.tables.new_place(child).bits());
        }
    }
}

/// The objects that begin in one word.
struct Group<'t> {
    destination: &'t AtomicU64,
    reached_into: bool,
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
        let is_new = self.bounds.set(object);
        if is_new && !memory.has(object, LARGE) {
            let granules = Extent::of(memory, object).small_bytes() / GRANULE_BYTES as u32;
            self.bounds.set(ObjectReference::from_granule(object.granule() + granules - 1));
        }
        is_new
    }

    #[inline(always)]
    fn new_place(&self, object: ObjectReference) -> ObjectReference {
        let group = self.destinations.word(object).load(Relaxed);
        if group == 0 {
            return object;
        }
        let bounds = self.bounds.word(object).load(Relaxed);
        let Word { live, .. } = Word::of(bounds, group & REACHED_INTO != 0);
        let before = (live & (Bitmap::bit(object) - 1)).count_ones();
        let place = (group as u32).wrapping_add(before * GRANULE_UNITS);
        ObjectReference::from_bits(place).unwrap_or(object)
    }
}

impl MarkTables for Sliding {
    bitmaps!(bounds, destinations; kept: 0);
}

impl Movement for Sliding {
    const COPIES: bool = false;
}

impl MarkedSpace for MovableSpace<Sliding> {
    fn unmark_large(&self, large: ObjectReference) -> bool {
        self.tables.bounds.clear(large)
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
        let is_marked = |object| tables.bounds.test(object);
        let mark = |object| tables.mark(memory, object);
        marker.trace(&self.heap, is_marked, visiting(mark, visit))
    }

    /// Whether an object was marked since the last slide; large ones included.
    fn is_marked(&self, object: ObjectReference) -> bool {
        self.tables.bounds.test(object)
    }

    /// Computes the [`MovableSpace::new_place`] of every marked object. Until [`MovableSpace::slide`] the
    /// space cannot be walked or allocated in.
    pub fn plan(&mut self) {
        let Sliding { bounds, destinations, .. } = &self.tables;
        let memory = self.heap.memory();
        let begin = |place: usize| {
            let next = self.blocks.get(place).map_or(0, |block| block.start);
            Front { place, rest: Bump { next, limit: next + BLOCK_UNITS } }
        };
        let mut front: Option<Front> = None;
        let mut ends = Vec::new();
        let mut settle = |group: Option<Group<'_>>| {
            let Some(Group { destination, reached_into, skipped, granules }) = group else {
                return;
            };
            let units = granules * GRANULE_UNITS;
            let to = front.get_or_insert_with(|| begin(0));
            if to.rest.limit - to.rest.next < units {
                ends.push(to.rest.next);
                *to = begin(to.place + 1);
            }
            let first = to.rest.next.wrapping_sub(skipped * GRANULE_UNITS);
            let is_kept = reached_into && !mutant!(memory, "a word forgets what reaches into it");
            destination.store(u64::from(first) | if is_kept { REACHED_INTO } else { 0 }, Relaxed);
            to.rest.next += units;
        };
        for block in self.blocks.iter().map(|bumped| bumped.block()) {
            let (mut group, mut reached_into) = (None, false);
            for (bounds, destination) in bounds.block(block).iter().zip(destinations.block(block)) {
                let Word { begins, live, goes_on } = Word::of(bounds.load(Relaxed), reached_into);
                // All bits below the first object, or all.
                let before = (begins & begins.wrapping_neg()).wrapping_sub(1);
                let skipped = (live & before).count_ones();
                if let Some(Group { granules, .. }) = &mut group
                    && !mutant!(memory, "a group ends with its word")
                {
                    *granules += skipped;
                }
                if begins != 0 {
                    let granules = (live & !before).count_ones();
                    let next = Group { destination, reached_into, skipped, granules };
                    settle(group.replace(next));
                }
                reached_into = goes_on;
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

    /// Executes the plan: moves all marked objects here, updates their slots, and releases the blocks
    /// behind them. Clears all marks.
    pub fn slide(&mut self, moves: &mut Moves) {
        let (tables, memory) = (&self.tables, self.heap.memory());
        let mut largest_bytes = super::COMMON_BYTES;
        let mut ahead = Ahead { tables, memory, slots: [None; AHEAD], next: 0 };
        for bumped in self.blocks.iter() {
            let block = bumped.block();
            let mut reached_into = false;
            for (word, bounds) in (0..BLOCK_WORDS as u32).zip(tables.bounds.block(block)) {
                let Word { mut begins, goes_on, .. } = Word::of(bounds.load(Relaxed), reached_into);
                reached_into = goes_on;
                while begins != 0 {
                    let granule = block.first_granule() + word * 64 + begins.trailing_zeros();
                    begins &= begins - 1;
                    let object = ObjectReference::from_granule(granule);
                    let bytes = Extent::of(memory, object).small_bytes();
                    largest_bytes = largest_bytes.max(bytes);
                    let place = tables.new_place(object);
                    if place != object {
                        memory.copy(object, place, bytes);
                        moves.record(object, place);
                    }
                    memory.visit_references(place, |at, child| ahead.push(place, at, child));
                }
            }
        }
        if !mutant!(memory, "a slide forgets its queue") {
            ahead.slots.iter().for_each(|&slot| ahead.update(slot));
        }
        self.largest_bytes = largest_bytes;
        let kept = tables.kept;
        for bumped in self.blocks.iter() {
            tables.bounds.clear_block(bumped.block());
            tables.destinations.clear_block(bumped.block());
        }
        self.release_from(kept);
        for (start, end) in (0..kept).filter_map(|place| self.extent(place)) {
            poison::poison_behind(self.heap.memory(), Block::at_granule(start >> 1), end);
        }
    }
}
