//! Walks a mark-region space, and checks all tables against its objects. Slow: for tests.

use super::LineSpace;
use super::blocks::{BlockInfo, SHORT_BYTES, State};
use super::map::LineMap;
use crate::blocks::block::Block;
use crate::memory::units::{BLOCK_BYTES, BLOCK_GRANULES, GRANULE_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::object::header::{Extent, FORWARDED};
use crate::space::Space;
use std::ops::Range;

impl LineSpace {
    /// Every object: block by block those that the last collection kept, then those allocated since.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.used().flat_map(|(block, info)| self.kept(block, info).chain(self.new_in(block, info)))
    }

    /// Whether an object begins here. Walks the hole that it lies in: for checks.
    pub(super) fn begins_at(&self, object: ObjectReference) -> bool {
        let block = Block::of(object);
        match self.blocks.get(block.index() as usize) {
            None => false,
            Some(info) if info.state.get() == State::Foreign => false,
            Some(info) if info.lines.has(self.first_line(object)) => self.marks.test(object),
            Some(info) => self.new_in(block, info).any(|other| other == object),
        }
    }

    fn used(&self) -> impl Iterator<Item = (Block, &BlockInfo)> {
        let used = self.blocks.iter().zip(0..).filter(|(i, _)| i.state.get() != State::Foreign);
        used.filter_map(|(info, index)| Some((Block::from_index(index)?, info)))
    }

    /// The objects of a block that the last collection kept: the marks in its lines.
    fn kept(&self, block: Block, info: &BlockInfo) -> impl Iterator<Item = ObjectReference> {
        self.marks.objects_in(block).filter(|&object| info.lines.has(self.first_line(object)))
    }

    fn first_line(&self, object: ObjectReference) -> u32 {
        self.lines(object, 1)[0]
    }

    /// The first and the last line that an object of `bytes` reaches.
    fn lines(&self, object: ObjectReference, bytes: u32) -> [u32; 2] {
        let offset = object.granule() % BLOCK_GRANULES * GRANULE_BYTES as u32;
        [offset, (offset + bytes - 1).min(BLOCK_BYTES - 1)].map(|byte| byte / self.line_bytes)
    }

    /// The objects in the holes of a block.
    fn new_in(&self, block: Block, info: &BlockInfo) -> impl Iterator<Item = ObjectReference> {
        let entered = u32::from(info.entered.get());
        let holes = info.lines.holes(self.block_lines()).take_while(move |h| h.start < entered);
        holes.flat_map(move |hole| self.new_in_hole(block, hole))
    }

    fn new_in_hole(
        &self,
        block: Block,
        lines: Range<u32>,
    ) -> impl Iterator<Item = ObjectReference> {
        let [start, limit] = [lines.start, lines.end].map(|line| self.line(block, line));
        let is_open = |hole: &&super::Hole| hole.block == Some(block) && hole.start == start;
        let open = [&self.hole, &self.overflow].into_iter().find(is_open);
        let end = open.map_or(limit, |hole| hole.rest.next);
        let (mut at, memory) = (start, self.heap.memory());
        std::iter::from_fn(move || {
            // Up to a stopper.
            let object = ObjectReference::from_bits(at).filter(|_| at < end)?;
            let object = (!self.marks.test(object)).then_some(object)?;
            at += Extent::of(memory, object).small_bytes() / UNIT_BYTES as u32;
            Some(object)
        })
    }

    /// Checks line maps and counts against objects, and states against holes.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub(super) fn verify_tables(&self) -> Result<(), String> {
        let (mut live_bytes, mut new_bytes) = (0, 0);
        for (block, info) in self.used() {
            live_bytes += self.verify_kept(block, info)?;
            let new = self.new_in(block, info);
            new_bytes += new
                .map(|object| u64::from(Extent::of(self.heap.memory(), object).small_bytes()))
                .sum::<u64>();
            self.verify_state(block, info)?;
        }
        let used = self.used().count();
        if used != self.used_blocks as usize {
            return Err(format!(
                "{used} blocks are in the space, which counts {}",
                self.used_blocks
            ));
        }
        let allocated_bytes = self.allocated_bytes();
        if live_bytes + new_bytes != allocated_bytes {
            return Err(format!(
                "objects of {live_bytes} and {new_bytes} bytes fill {allocated_bytes} bytes"
            ));
        }
        Ok(())
    }

    /// The lines of a block are exactly those that its marked objects reach; returns their bytes.
    fn verify_kept(&self, block: Block, info: &BlockInfo) -> Result<u64, String> {
        let (memory, reached) = (self.heap.memory(), LineMap::default());
        let (mut live_bytes, mut long_bytes) = (0, 0);
        for object in self.kept(block, info) {
            if memory.has(object, FORWARDED) {
                return Err(format!("{object:?} is forwarded, and no collection is under way"));
            }
            let bytes = Extent::of(memory, object).small_bytes();
            let [first, last] = self.lines(object, bytes);
            reached.set(first, last);
            live_bytes += u64::from(bytes);
            long_bytes += if bytes > SHORT_BYTES { bytes } else { 0 };
        }
        if long_bytes > info.long_bytes.into() {
            let counted = info.long_bytes;
            return Err(format!("{block:?} counts {counted} long bytes, but has {long_bytes}"));
        }
        if reached != info.lines {
            return Err(format!("{block:?} marks other lines than its objects reach"));
        }
        if live_bytes != u64::from(info.live_bytes) {
            let counted = info.live_bytes;
            return Err(format!("{block:?} counts {counted} live bytes, but has {live_bytes}"));
        }
        Ok(live_bytes)
    }

    fn verify_state(&self, block: Block, info: &BlockInfo) -> Result<(), String> {
        let is_open = [&self.hole, &self.overflow].iter().any(|hole| hole.block == Some(block));
        let longest = info.lines.holes(self.block_lines()).map(|hole| hole.len()).max();
        let wrong = match info.state.get() {
            _ if info.is_candidate => "is still a candidate",
            State::Full if longest.is_some() => "has holes, and counts as full",
            State::Holey if self.next_hole_in(block).is_none() => "has no hole to enter",
            State::Holey if is_open => "is open, and counts as not entered",
            State::Holey if (block.index() as usize) < self.scan => "has holes behind the scan",
            State::Holey if usize::from(info.longest_hole) < longest.unwrap_or(0) => {
                "has a hole longer than `longest_hole`"
            }
            _ => return Ok(()),
        };
        Err(format!("{block:?} {wrong}"))
    }
}
