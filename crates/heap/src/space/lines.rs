//! A mark-region space: blocks of lines, bump allocation into the holes between lines in use (after the
//! paper on Immix: Blackburn and McKinley, PLDI 2008).
//!
//! 1. *Allocate*: bump through a hole, a run of free lines. When an object does not fit the rest of the
//!    hole, the allocator takes the next hole of the block's line map, then of the next block with holes.
//!    A hole is at least a line, so an object of up to a line always fits the next hole.
//! 2. *Overflow*: a longer object that does not fit goes to a separate block, taken empty. So it wastes no
//!    holes that others could use.
//! 3. *Mark*: a bitmap has a bit for the first granule of each live object, and one for the last (see
//!    `lines/mark.rs`).
//! 4. *Sweep*: make the line map of each block from these bits, and count its live bytes. A block without
//!    objects is released. No object is touched.
//! 5. *Evacuate*, if the heap is fragmented: copy the live objects of the emptiest blocks while marking, as
//!    long as there is room for copies (see `lines/evacuate.rs`).
//! 6. *Reference processing*: weak slots, ephemerons and finalizable objects, after marking (see
//!    `lines/weak.rs`).
//!
//! Line marks are exact, and no table records where new objects begin: holes are filled from the front,
//! so a walk finds them. Where an allocator leaves a hole before its end, it puts a *stopper*, a mark
//! without an object.
//!
//! **Invariant:** line maps change in collections only. So an object in a hole was allocated since the
//! last one, and has no mark; every other allocated object has one.

mod blocks;
mod evacuate;
mod map;
mod mark;
#[cfg(test)]
mod tests;
mod verify;
mod weak;

use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::units::{BLOCK_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::Layout;
use crate::space::bump::{Bump, bytes_between};
use crate::space::{MarkedSpace, SmallSpace, Space};
use blocks::{BlockInfo, State};
use std::io;
use std::ops::Range;

/// A run of free lines that is being allocated from; none by default.
#[derive(Clone, Copy, Debug, Default)]
struct Hole {
    rest: Bump,
    /// Reference bits of its start.
    start: u32,
    block: Option<Block>,
}

impl Hole {
    fn new(block: Block, start: u32, limit: u32) -> Self {
        Self { rest: Bump { next: start, limit }, start, block: Some(block) }
    }

    fn allocated_bytes(&self) -> u64 {
        bytes_between(self.start, self.rest.next)
    }
}

/// Blocks of lines, whose objects may move.
#[derive(Debug)]
pub struct LineSpace {
    /// For objects that fit it, or are no longer than a line.
    hole: Hole,
    /// For longer objects.
    overflow: Hole,
    line_bytes: u32,
    /// First granules of the objects that the last collection kept; while marking, of large ones as well, and
    /// last granules. In holes that were left: a stopper where the empty part begins.
    marks: Bitmap,
    blocks: ChargedVec<BlockInfo>,
    /// No block below has a hole that is not entered.
    scan: usize,
    used_blocks: u32,
    /// Blocks that copies may take in this collection; 0 without evacuation.
    copy_blocks: u32,
    /// Bytes of the objects that the last collection kept.
    live_bytes: u64,
    /// Bytes of those in blocks that are worth evacuating.
    sparse_bytes: u64,
    /// Bytes of the objects allocated since, in holes that were left.
    closed_bytes: u64,
    heap: Heap,
}

impl LineSpace {
    /// An empty space with lines of `line_bytes`: 128 or 256.
    ///
    /// # Errors
    /// If the operating system refuses address space for the bits.
    pub fn new(heap: &Heap, line_bytes: u32) -> io::Result<Self> {
        let longest = 2 * map::SHORTEST_LINE_BYTES;
        let line_bytes = line_bytes.next_power_of_two().clamp(map::SHORTEST_LINE_BYTES, longest);
        Ok(Self {
            hole: Hole::default(),
            overflow: Hole::default(),
            line_bytes,
            marks: heap.bitmap()?,
            blocks: heap.table(),
            scan: 0,
            used_blocks: 0,
            copy_blocks: 0,
            live_bytes: 0,
            sparse_bytes: 0,
            closed_bytes: 0,
            heap: heap.clone(),
        })
    }

    // ---- allocating ---------------------------------------------------------------------------

    #[inline(never)]
    fn bump_elsewhere(&mut self, bytes: u32) -> Option<ObjectReference> {
        if bytes > self.line_bytes {
            return self.overflow.rest.bump(bytes);
        }
        self.next_hole().then(|| self.hole.rest.bump(bytes))?
    }

    /// Enters the next hole, in this block or in another one.
    fn next_hole(&mut self) -> bool {
        let last = self.close_hole();
        if let Some(block) = last
            && let Some(hole) = self.next_hole_in(block)
        {
            self.hole = self.enter(block, hole);
            return true;
        }
        while self.scan < self.blocks.len() {
            if self.blocks[self.scan].state.get() == State::Holey
                && let Some(block) = Block::from_index(self.scan as u32)
                && let Some(hole) = self.next_hole_in(block)
            {
                self.hole = self.enter(block, hole);
                return true;
            }
            self.scan += 1;
        }
        false
    }

    /// The next hole of a block that is not entered.
    fn next_hole_in(&self, block: Block) -> Option<Range<u32>> {
        let info = &self.blocks[block.index() as usize];
        info.lines.hole(u32::from(info.entered.get()), self.block_lines())
    }

    fn enter(&mut self, block: Block, lines: Range<u32>) -> Hole {
        let info = &self.blocks[block.index() as usize];
        info.state.set(State::Entered);
        info.entered.set(lines.end as u16);
        let reaches = mutant!(self.heap.memory(), "a hole ends a line late");
        let end = self.block_lines().min(lines.end + u32::from(reaches));
        let [start, limit] = [lines.start, end].map(|line| self.line(block, line));
        Hole::new(block, start, limit)
    }

    fn close_hole(&mut self) -> Option<Block> {
        let hole = std::mem::take(&mut self.hole);
        self.close(hole)
    }

    /// Leaves a hole; returns its block.
    fn close(&mut self, hole: Hole) -> Option<Block> {
        self.closed_bytes += hole.allocated_bytes();
        if hole.rest.next < hole.rest.limit
            && let Some(stopper) = ObjectReference::from_bits(hole.rest.next)
            && !mutant!(self.heap.memory(), "a hole that is left has no stopper")
        {
            self.marks.set(stopper);
        }
        hole.block
    }

    /// Takes an empty block from the heap for objects of this layout, to allocate from next, if that leaves
    /// `kept_bytes` available; false if it does not.
    #[cold]
    fn grow(&mut self, layout: Layout, kept_bytes: u64) -> bool {
        let bytes = layout.bytes();
        let needed_bytes = kept_bytes.saturating_add(u64::from(BLOCK_BYTES));
        if !layout.is_small() || self.heap.available_bytes() < needed_bytes {
            return false;
        }
        let Some(block) = self.take_block() else { return false };
        if bytes > self.line_bytes {
            self.leave_overflow();
            self.overflow = self.enter(block, 0..self.block_lines());
        } else {
            self.close_hole();
            self.hole = self.enter(block, 0..self.block_lines());
        }
        true
    }

    /// Enters a hole among lines in use for an object of this layout, longer than a line: the last resort of
    /// a heap without an empty block. Returns whether there is such a hole.
    #[cold]
    fn open_large_hole(&mut self, layout: Layout) -> bool {
        let lines = layout.bytes().div_ceil(self.line_bytes);
        if lines == 1 || !layout.is_small() {
            return false;
        }
        self.leave_overflow();
        for index in self.scan..self.blocks.len() {
            if self.blocks[index].state.get() != State::Holey || self.longest_hole(index) < lines {
                continue;
            }
            let Some(block) = Block::from_index(index as u32) else { continue };
            while let Some(hole) = self.next_hole_in(block) {
                let fits = hole.len() as u32 >= lines;
                let hole = self.enter(block, hole);
                if fits {
                    self.overflow = hole;
                    return true;
                }
                self.close(hole);
            }
        }
        false
    }

    /// Upper bound of the lines of a block's holes, computed at the first call.
    fn longest_hole(&mut self, index: usize) -> u32 {
        let lines = self.block_lines();
        let info = &mut self.blocks[index];
        if info.longest_hole == u16::MAX {
            let longest = info.lines.holes(lines).map(|hole| hole.len()).max();
            info.longest_hole = longest.unwrap_or(0) as u16;
        }
        info.longest_hole.into()
    }

    /// Leaves the hole of the longer objects. Its block may have others.
    fn leave_overflow(&mut self) {
        let hole = std::mem::take(&mut self.overflow);
        if let Some(block) = self.close(hole)
            && self.next_hole_in(block).is_some()
        {
            self.blocks[block.index() as usize].state.set(State::Holey);
            self.scan = self.scan.min(block.index() as usize);
        }
    }

    /// Reference bits of a line of a block.
    fn line(&self, block: Block, line: u32) -> u32 {
        (block.first_granule() << 1) + line * (self.line_bytes / UNIT_BYTES as u32)
    }

    /// Lines of a block.
    fn block_lines(&self) -> u32 {
        BLOCK_BYTES / self.line_bytes
    }
}

impl Space for LineSpace {
    fn reserved_bytes(&self) -> u64 {
        u64::from(self.used_blocks) * u64::from(BLOCK_BYTES)
    }

    /// Bytes of mark bits and of the table of blocks, line maps included.
    fn metadata_bytes(&self) -> u64 {
        self.marks.covered_bytes() + self.blocks.bytes()
    }

    /// Objects, counted by walking them, and their bytes.
    fn allocated(&self) -> Occupancy {
        Occupancy { objects: self.objects().count() as u64, bytes: self.allocated_bytes() }
    }

    fn allocated_bytes(&self) -> u64 {
        let open_bytes = self.hole.allocated_bytes() + self.overflow.allocated_bytes();
        self.live_bytes + self.closed_bytes + open_bytes
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.begins_at(object)
    }

    fn verify(&self) -> Result<(), String> {
        self.verify_tables()
    }
}

impl SmallSpace for LineSpace {
    #[inline(always)]
    fn heap(&self) -> &Heap {
        &self.heap
    }

    /// In the open holes of this space; `None` if none is left for objects of this length.
    #[inline(always)]
    fn alloc(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        if !layout.is_small() {
            return None;
        }
        let object = match self.hole.rest.bump(layout.bytes()) {
            Some(object) => object,
            None => self.bump_elsewhere(layout.bytes())?,
        };
        layout.install(self.heap.memory(), object, bits);
        Some(object)
    }

    fn alloc_growing(
        &mut self,
        layout: Layout,
        bits: u32,
        kept_bytes: u64,
    ) -> Option<ObjectReference> {
        self.grow(layout, kept_bytes).then(|| self.alloc(layout, bits))?
    }

    /// An object longer than a line, in a hole among lines in use.
    fn alloc_anywhere(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.open_large_hole(layout).then(|| self.alloc(layout, bits))?
    }

    fn admits_large(&self, run_bytes: u64, kept_bytes: u64) -> bool {
        run_bytes + kept_bytes <= self.heap.available_bytes()
    }

    fn cover_large(&mut self, large: ObjectReference) -> bool {
        self.cover(Block::of(large))
    }
}

impl MarkedSpace for LineSpace {
    fn unmark_large(&self, large: ObjectReference) -> bool {
        if mutant!(self.heap.memory(), "a large object stays marked") {
            return self.marks.test(large);
        }
        let is_marked = self.marks.test(large);
        // Copies may go to its block next, and no bit of its own may be among theirs.
        self.marks.clear_block(Block::of(large));
        is_marked
    }
}
