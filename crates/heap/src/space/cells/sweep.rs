//! Marking and sweeping a space of cells: steps 5 and 2 of its outline.

use super::blocks::{NONE, State};
use super::{CellSpace, NO_WINDOW};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::poison;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};

impl CellSpace {
    /// The mark bits, if there are any, and what marks with them and counts the marks of each block:
    /// it tells whether an object was not marked before. Works for any object under the bitmap, large
    /// ones included.
    #[inline(always)]
    pub(crate) fn marking(
        &mut self,
    ) -> (Option<&Bitmap>, impl FnMut(ObjectReference) -> bool + use<'_>) {
        let Self { marks, blocks, heap, .. } = self;
        let marks = marks.as_ref();
        let memory = heap.memory();
        let mark = move |object: ObjectReference| {
            if !marks.is_some_and(|marks| marks.set(object)) {
                return false;
            }
            if let Some(info) = blocks.get_mut(object.block() as usize) {
                let forgets =
                    mutant!(memory, "a mark is not counted") && object.granule().is_multiple_of(6);
                info.marked = info.marked.wrapping_add(u16::from(!forgets));
            }
            true
        };
        (marks, mark)
    }

    /// The mark bits, if this space has any.
    #[inline(always)]
    pub fn marks(&self) -> Option<&Bitmap> {
        self.marks.as_ref()
    }

    /// Makes the mark bits reach an object of another space, charging for them.
    pub fn cover_object(&mut self, object: ObjectReference) -> bool {
        self.cover(Block::of(object))
    }

    /// Reclaims every unmarked cell: exchanges the two bitmaps and classifies each block by its
    /// count of marks. Mark bits are clear afterwards. Large objects are swept by their own space,
    /// before this.
    pub fn sweep(&mut self) {
        let Some(marks) = self.marks.as_mut() else { return };
        std::mem::swap(&mut self.allocated, marks);
        self.cursors = [NO_WINDOW; CLASSES];
        self.newest_listed = [NONE; CLASSES];
        self.forget_spare();
        let mut is_used = [false; CLASSES];
        // Downwards, so that each list begins with its lowest block.
        for index in (0..self.blocks.len()).rev() {
            let Some(block) = Block::from_index(index as u32) else { continue };
            let info = &mut self.blocks[index];
            let marked = std::mem::take(&mut info.marked);
            if info.state == State::Foreign {
                continue;
            }
            if let Some(marks) = &self.marks {
                let bitmaps = [marks, &self.allocated];
                poison::poison_swept(self.heap.memory(), block, bitmaps, info.class);
                if !mutant!(self.heap.memory(), "marks are not cleared") {
                    marks.clear_block(block);
                }
            }
            info.live = marked;
            info.state = State::Full;
            is_used[usize::from(info.class)] |= marked > 0;
            if u32::from(marked) < cells_per_block(usize::from(info.class)) {
                self.reclassify(block);
            }
        }
        self.share_out(is_used);
    }

    /// Gives a block to every class that is in use and has not a single free cell, before the classes
    /// that allocate first take all that was reclaimed: in a tight heap the others would find nothing
    /// at their next allocation, and collect again for nothing.
    pub(super) fn share_out(&mut self, is_used: [bool; CLASSES]) {
        for (class, is_used) in is_used.into_iter().enumerate() {
            if is_used
                && self.newest_listed[class] == NONE
                && let Some(block) = self.take_block(class)
            {
                self.list(block);
            }
        }
    }
}
