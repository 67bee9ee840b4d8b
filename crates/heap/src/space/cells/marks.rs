//! The mark tables of a space of cells. They are part of the type of a space, so a collector cannot mark
//! in a way that its space does not support.
//!
//! | type | marked by | swept |
//! | --- | --- | --- |
//! | [`NoMarks`] | no thread: cells are freed one by one | never |
//! | [`MarkBits`] | one thread, in a pause or incrementally | at once or incrementally |
//! | [`StickyMarks`] | one thread, in a pause; marks are sticky | at once |
//! | [`ParallelMarks`] | several threads, in a pause | at once |
//! | [`ConcurrentMarks`] | a concurrent thread | by that thread, block by block |

use super::parallel::SharedMarks;
use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::memory::value::ObjectReference;
use crate::space::mark_tables::{MarkTables, bitmaps};
use std::sync::atomic::Ordering::Relaxed;

/// Tables that mark objects.
pub trait Marked: MarkTables {
    /// Clears the marks of a large object after a trace. Returns whether it had one.
    fn unmark(&self, large: ObjectReference) -> bool {
        self.bitmaps().fold(false, |was_marked, marks| marks.clear(large) | was_marked)
    }
}

/// Mark tables of a collector that traces on the program's thread.
pub trait Traced: Marked {
    /// A bit at the first granule of each marked object, large ones included.
    fn bits(&self) -> &Bitmap;

    /// [`Traced::bits`], to be exchanged for the allocation bits.
    fn bits_mut(&mut self) -> &mut Bitmap;
}

/// No marks.
#[derive(Debug)]
pub struct NoMarks {}

/// A bit for each granule, set where an object is marked.
#[derive(Debug)]
pub struct MarkBits {
    bits: Bitmap,
}

/// Sticky mark bits, kept from one collection to the next: a marked object is old.
#[derive(Debug)]
pub struct StickyMarks {
    bits: Bitmap,
}

/// Mark bits, and bytes that several markers set in parallel.
#[derive(Debug)]
pub struct ParallelMarks {
    pub(super) bits: Bitmap,
    /// `None` if there is one marker only.
    pub(super) shared: Option<SharedMarks>,
}

/// Objects that the program has allocated since marking began, and objects that the concurrent marker has
/// reached: two tables, so that neither thread writes to a word of the other.
#[derive(Debug)]
pub struct ConcurrentMarks {
    pub(super) new: Bitmap,
    pub(super) traced: Bitmap,
}

impl MarkTables for NoMarks {
    bitmaps!();
}

impl MarkTables for MarkBits {
    bitmaps!(bits);
}

impl MarkTables for ConcurrentMarks {
    bitmaps!(new, traced);
}

impl MarkTables for ParallelMarks {
    bitmaps!(bits; shared: None);

    fn cover(&mut self, block: Block) -> bool {
        self.bits.cover(block) && self.shared.as_mut().is_none_or(|shared| shared.cover(block))
    }

    fn covered_bytes(&self) -> u64 {
        self.bits.covered_bytes() + self.shared.as_ref().map_or(0, SharedMarks::covered_bytes)
    }
}

impl MarkTables for StickyMarks {
    bitmaps!(bits);

    /// Every mark is that of an allocated cell and counted.
    fn verify(&self, block: Block, allocated: &Bitmap, counted: u16) -> Result<(), String> {
        let mut marked = 0;
        for (mark, allocated) in self.bits.block(block).iter().zip(allocated.block(block)) {
            let (mark, allocated) = (mark.load(Relaxed), allocated.load(Relaxed));
            if mark & !allocated != 0 {
                return Err(format!("{block:?} has a mark where no cell is allocated"));
            }
            marked += mark.count_ones();
        }
        match marked == u32::from(counted) {
            true => Ok(()),
            false => Err(format!("{block:?} counts {counted} marks, but has {marked}")),
        }
    }
}

impl Marked for MarkBits {}
impl Marked for ParallelMarks {}
impl Marked for ConcurrentMarks {}

impl Marked for StickyMarks {
    /// The mark stays.
    fn unmark(&self, large: ObjectReference) -> bool {
        self.bits.test(large)
    }
}

macro_rules! traced {
    ($($type:ty),+) => {$(
        impl Traced for $type {
            #[inline(always)]
            fn bits(&self) -> &Bitmap {
                &self.bits
            }

            fn bits_mut(&mut self) -> &mut Bitmap {
                &mut self.bits
            }
        }
    )+};
}
traced!(MarkBits, StickyMarks, ParallelMarks);
