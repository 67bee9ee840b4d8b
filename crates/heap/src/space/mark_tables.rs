//! The mark tables of a space, as part of its type.

use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use std::{fmt, io};

/// Bitmaps in which a collector marks the objects of a space.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait MarkTables: Sized + fmt::Debug {
    /// Empty tables.
    ///
    /// # Errors
    /// If the operating system refuses address space for them.
    fn new(heap: &Heap) -> io::Result<Self>;

    /// The bitmaps; the first marks the cells that are allocated black.
    fn bitmaps(&self) -> impl Iterator<Item = &Bitmap>;

    /// [`MarkTables::bitmaps`], to be grown.
    fn bitmaps_mut(&mut self) -> impl Iterator<Item = &mut Bitmap>;

    /// Extends the tables to `block` and charges for them; false if the limit has no room.
    fn cover(&mut self, block: Block) -> bool {
        self.bitmaps_mut().all(|marks| marks.cover(block))
    }

    /// Bytes of the tables.
    fn covered_bytes(&self) -> u64 {
        self.bitmaps().map(Bitmap::covered_bytes).sum()
    }

    /// Whether anything is marked in a block. Slow: for checks.
    fn has_marks(&self, block: Block) -> bool {
        self.bitmaps().any(|marks| marks.objects_in(block).next().is_some())
    }

    /// Checks between collections that a block, which counts `counted` marks, has none left. Slow: for
    /// tests.
    ///
    /// # Errors
    /// The contradiction, in words.
    fn verify(&self, block: Block, allocated: &Bitmap, counted: u16) -> Result<(), String> {
        match counted > 0 || self.has_marks(block) {
            true => Err(format!("{block:?} has marks outside a collection")),
            false => Ok(()),
        }
    }
}

/// [`MarkTables`] of bitmaps in fields of these names, and another field with its initial value.
macro_rules! bitmaps {
    ($($field:ident),* $(; $other:ident: $value:expr)?) => {
        fn new(heap: &$crate::Heap) -> std::io::Result<Self> {
            let _ = heap;
            Ok(Self { $($field: heap.bitmap()?,)* $($other: $value)? })
        }

        #[inline(always)]
        fn bitmaps(&self) -> impl Iterator<Item = &$crate::Bitmap> {
            [$(&self.$field),*].into_iter()
        }

        fn bitmaps_mut(&mut self) -> impl Iterator<Item = &mut $crate::Bitmap> {
            [$(&mut self.$field),*].into_iter()
        }
    };
}
pub(super) use bitmaps;
