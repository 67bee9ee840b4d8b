//! A batch of cells to be freed with one store.

use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;

/// Cells that share a word of allocation bits. A cascade mostly walks through neighbours, and frees a
/// word's worth of them with one store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// Number of the bitmap word.
    pub(super) word: u32,
    pub(super) cells: u64,
}

impl Batch {
    /// Adds an object; false if it belongs to another word, and this batch must be freed first.
    #[inline(always)]
    pub(crate) fn add(&mut self, object: ObjectReference) -> bool {
        let granule = object.granule();
        if granule / 64 != self.word {
            return false;
        }
        self.cells |= 1 << (granule % 64);
        true
    }

    /// A batch of one object.
    #[inline(always)]
    pub(crate) fn of(object: ObjectReference) -> Self {
        Self { word: object.granule() / 64, cells: 1 << (object.granule() % 64) }
    }

    /// The block that all its objects start in.
    #[inline(always)]
    pub(super) fn block(self) -> Block {
        Block::at_granule(self.word * 64)
    }

    /// Whether it has no objects.
    #[inline(always)]
    pub(crate) fn is_empty(self) -> bool {
        self.cells == 0
    }

    pub(crate) fn objects(self) -> impl Iterator<Item = ObjectReference> {
        (0..64)
            .filter(move |bit| self.cells >> bit & 1 == 1)
            .filter_map(move |bit| ObjectReference::from_bits((self.word * 64 + bit) << 1))
    }
}
