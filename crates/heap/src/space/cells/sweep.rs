//! Marking and sweeping a space of cells: steps 5 and 2 of its outline.

use super::blocks::{NONE, State};
use super::{NO_WINDOW, SegregatedSpace, Traced};
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::poison;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::size_class::{CLASSES, cells_per_block};

impl<M: Traced> SegregatedSpace<M> {
    /// The mark bits, and a function that sets the bit of an object, counts the marks of its block and
    /// returns whether the bit was clear. Works for any object under the bitmap, large ones included.
    #[inline(always)]
    pub(crate) fn marking(
        &mut self,
    ) -> (&Bitmap, impl FnMut(ObjectReference) -> bool + use<'_, M>) {
        let Self { marks, blocks, heap, .. } = self;
        let (marks, memory) = (marks.bits(), heap.memory());
        let mark = move |object: ObjectReference| {
            if !marks.set(object) {
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

    /// The mark bits.
    #[inline(always)]
    pub(crate) fn marks(&self) -> &Bitmap {
        self.marks.bits()
    }

    /// Reclaims every unmarked cell: exchanges the two bitmaps, classifies each block by its count of
    /// marks, and clears the mark bits. Large objects have been swept before.
    pub fn sweep(&mut self) {
        std::mem::swap(&mut self.allocated, self.marks.bits_mut());
        self.cursors = [NO_WINDOW; CLASSES];
        self.newest_listed = [NONE; CLASSES];
        self.release_reserve();
        let mut is_used = [false; CLASSES];
        // Downwards, so that each list begins with its lowest block.
        for index in (0..self.blocks.len()).rev() {
            let Some(block) = Block::from_index(index as u32) else { continue };
            let info = &mut self.blocks[index];
            let marked = std::mem::take(&mut info.marked);
            if info.state == State::Foreign {
                continue;
            }
            let bitmaps = [self.marks.bits(), &self.allocated];
            poison::poison_swept(self.heap.memory(), block, bitmaps, info.class);
            if !mutant!(self.heap.memory(), "marks are not cleared") {
                self.marks.bits().clear_block(block);
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

    /// Gives a block to every class that is in use and has no free cell, before the classes that allocate
    /// first take all reclaimed blocks: in a tight heap the others would find no cell at their next
    /// allocation, and trigger another collection.
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
