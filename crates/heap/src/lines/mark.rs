//! Marking and sweeping a mark-region space: steps 3 and 4 of its outline.
//!
//! Whoever marks an object has its header at hand, so its size is free to know, and lines can be marked
//! exactly. (The paper marks only the first line of a small object, and skips the first free line of
//! every hole for what may reach into it.)

use super::blocks::{BlockInfo, FOREIGN, State};
use super::evacuate::Evacuation;
use super::map::LineMap;
use super::{LineSpace, NO_HOLE};
use crate::bitmap::Bitmap;
use crate::block::{BLOCK_BYTES, BLOCK_GRANULES, Block};
use crate::header::Extent;
use crate::mark::Marker;
use crate::memory::Memory;
use crate::moves::Moves;
use crate::mutant;
use crate::roots::RootStack;
use crate::size_class::MAX_CELL_BYTES;
use crate::value::{GRANULE_BYTES, ObjectReference};
use std::sync::atomic::Ordering::Relaxed;

/// What a marker writes to.
#[derive(Clone, Copy)]
struct Marks<'s> {
    memory: Memory<'s>,
    bits: &'s Bitmap,
    blocks: &'s [BlockInfo],
    /// Binary logarithm of the bytes of a line.
    line_shift: u32,
}

impl Marks<'_> {
    /// Marks an object and tells whether it was not marked.
    #[inline(always)]
    fn mark(self, object: ObjectReference) -> bool {
        if !self.bits.set(object) {
            return false;
        }
        if let Some(info) = self.blocks.get(object.block() as usize)
            && info.state.get() != State::Foreign
        {
            let bytes = bytes(self.memory, object);
            info.live_bytes.set(info.live_bytes.get().wrapping_add(bytes));
            let [first, last] = lines(object, bytes, self.line_shift);
            if first != last && !mutant!(self.memory, "an object marks its first line only") {
                info.lines.set(first, last);
            }
        }
        true
    }
}

/// The first and the last line that an object of so many bytes reaches; the bytes of a line as a binary
/// logarithm.
#[inline(always)]
pub(super) fn lines(object: ObjectReference, bytes: u32, line_shift: u32) -> [u32; 2] {
    let offset = object.granule() % BLOCK_GRANULES * GRANULE_BYTES as u32;
    [offset >> line_shift, (offset + bytes - 1).min(BLOCK_BYTES - 1) >> line_shift]
}

/// The bytes of an object here; a wrong program may have overwritten its header.
#[inline(always)]
pub(super) fn bytes(memory: Memory<'_>, object: ObjectReference) -> u32 {
    Extent::of(memory, object).bytes().min(u64::from(MAX_CELL_BYTES)) as u32
}

impl LineSpace {
    /// Forgets what the last collection has found, and where new objects lie.
    pub(super) fn begin_marking(&mut self) {
        (self.hole, self.overflow) = (NO_HOLE, NO_HOLE);
        for (info, index) in self.blocks.iter().zip(0..) {
            if info.state.get() == State::Foreign {
                continue;
            }
            info.live_bytes.set(0);
            info.lines.clear();
            if let Some(block) = Block::from_index(index)
                && !mutant!(self.heap.memory(), "marks are not cleared")
            {
                self.marks.clear_block(block);
            }
        }
    }

    /// Marks everything reachable from the roots, large objects included. What lives in the blocks that
    /// [`LineSpace::choose`] has chosen is copied, as long as there is room, and what refers to it follows.
    pub fn trace(&mut self, marker: &mut Marker, roots: &RootStack, moves: &mut Moves) {
        self.begin_marking();
        let memory = self.heap.memory();
        let (bits, blocks, line_shift) = (&self.marks, &*self.blocks, self.line_bytes.ilog2());
        let is_marked = |object| bits.test(object);
        let mark = |object| Marks { memory, bits, blocks, line_shift }.mark(object);
        if self.copy_blocks == 0 {
            roots.iter().for_each(|root| marker.push(root.object));
            marker.trace(&self.heap, is_marked, mark);
            return;
        }
        let mut copies = Evacuation::new(&self.heap, blocks, self.copy_blocks, moves);
        roots.update(|object| {
            let place = copies.forward(object);
            marker.push(place);
            place
        });
        marker.trace_moving(&self.heap, is_marked, mark, |object| copies.forward(object));
        self.used_blocks += copies.taken_blocks();
        self.copy_blocks = 0;
    }

    /// Takes the mark of a large object away and tells whether it had one.
    pub fn unmark(&self, large: ObjectReference) -> bool {
        self.marks.clear(large)
    }

    /// Reclaims what is not marked: makes the line map of every block from its bits, and gives back the
    /// blocks that have none.
    pub fn sweep(&mut self) {
        let lines = self.block_lines();
        self.live_bytes = 0;
        for index in 0..self.blocks.len() {
            let (Some(block), info) = (Block::from_index(index as u32), &mut self.blocks[index])
            else {
                continue;
            };
            if info.state.get() == State::Foreign {
                continue;
            }
            let live_bytes = info.live_bytes.get();
            if live_bytes == 0 {
                *info = FOREIGN;
                self.used_blocks -= 1;
                self.heap.release(block, 1);
                continue;
            }
            self.live_bytes += u64::from(live_bytes);
            add_starts(&info.lines, &self.marks, block, self.line_bytes);
            let longest = info.lines.holes(lines).map(|hole| hole.len()).max();
            info.state.set(if longest.is_some() { State::Holey } else { State::Full });
            info.is_candidate = false;
            info.entered.set(0);
            info.longest_hole = longest.unwrap_or(0) as u16;
        }
        (self.scan, self.closed_bytes) = (0, 0);
    }
}

/// Sets the bits of the lines in which marked objects begin.
fn add_starts(lines: &LineMap, marks: &Bitmap, block: Block, line_bytes: u32) {
    let line_granules = line_bytes / GRANULE_BYTES as u32;
    for (word, first) in marks.block(block).iter().zip((0..).step_by(64)) {
        let mut rest = word.load(Relaxed);
        while rest != 0 {
            let line = (first + rest.trailing_zeros()) / line_granules;
            lines.set(line, line);
            let end = (line + 1) * line_granules - first;
            rest = rest.checked_shr(end).map_or(0, |rest| rest << end);
        }
    }
}
