//! Objects that never move: size-classed cells, and large objects. Used by every discipline that
//! neither copies objects nor bump-allocates.

mod tracing;

use crate::blocks::heap::Heap;
use crate::memory::Memory;
use crate::memory::value::ObjectReference;
use crate::object::header::Extent;
use crate::object::size_class::class_of;
use crate::space::cells::{Batch, NoMarks, SegregatedSpace};
use crate::space::large::LargeSpace;
use crate::space::mark_tables::MarkTables;
use crate::space::with_large::WithLarge;
use std::io;

/// Cells with mark tables `M`, and large objects.
pub type NonMovingSpace<M> = WithLarge<SegregatedSpace<M>>;

impl<M: MarkTables> NonMovingSpace<M> {
    /// An empty space.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn new(heap: &Heap) -> io::Result<Self> {
        Ok(Self::over(SegregatedSpace::new(heap)?))
    }

    /// Every object that is allocated. Slow: for checks.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.small.objects().chain(self.large.objects())
    }

    /// Copies an object of another space into a free cell, which the caller has reserved (see
    /// `cells/promotion.rs`); `None` if there is none.
    #[inline(always)]
    pub fn copy(&mut self, object: ObjectReference) -> Option<ObjectReference> {
        let bytes = Extent::of(self.heap().memory(), object).small_bytes();
        let copy = self.small.take(usize::from(class_of(bytes)))?;
        self.heap().memory().copy(object, copy, bytes);
        Some(copy)
    }
}

impl NonMovingSpace<NoMarks> {
    /// Frees an object. Returns whether it was allocated.
    #[inline(always)]
    pub fn free(&mut self, object: ObjectReference) -> bool {
        self.small.free(object) || self.free_large(object)
    }

    #[cold]
    #[inline(never)]
    fn free_large(&mut self, object: ObjectReference) -> bool {
        self.large.free(object)
    }

    /// Frees objects, neighbours together.
    #[inline(always)]
    pub fn free_all(&mut self, mut objects: impl Iterator<Item = ObjectReference>) {
        let (_, mut space) = self.split();
        let Some(first) = objects.next() else { return };
        let mut batch = Batch::of(first);
        for object in objects {
            if !batch.add(object) {
                space.free_batch(batch);
                batch = Batch::of(object);
            }
        }
        space.free_batch(batch);
    }

    /// The memory, and a handle that frees objects while the memory is read.
    #[inline(always)]
    pub(crate) fn split(&mut self) -> (Memory<'_>, Freer<'_>) {
        (self.heap.memory(), Freer { cells: &mut self.small, large: &mut self.large })
    }
}

/// Frees objects of a space whose memory is borrowed.
pub(crate) struct Freer<'s> {
    cells: &'s mut SegregatedSpace<NoMarks>,
    large: &'s mut LargeSpace,
}

impl Freer<'_> {
    /// Frees the objects of a batch; returns the number of cells freed.
    #[inline(always)]
    pub(crate) fn free_batch(&mut self, batch: Batch) -> u32 {
        let (count, others) = self.cells.free_batch(batch);
        if !others.is_empty() {
            self.free_large(others);
        }
        count
    }

    #[cold]
    #[inline(never)]
    fn free_large(&mut self, batch: Batch) {
        batch.objects().for_each(|object| {
            self.large.free(object);
        });
    }
}
