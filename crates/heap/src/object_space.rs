//! Cells and large objects together: where every discipline but bump allocation keeps its objects.

use crate::cells::{Batch, CellSpace};
use crate::footprint::{Footprint, Occupancy};
use crate::header::Layout;
use crate::heap::Heap;
use crate::large::LargeSpace;
use crate::mark::Marker;
use crate::memory::Memory;
use crate::size_class::CLASSES;
use crate::value::ObjectReference;
use std::io;

/// A space for objects of any size.
#[derive(Debug)]
pub struct ObjectSpace {
    cells: CellSpace,
    large: LargeSpace,
    heap: Heap,
}

impl ObjectSpace {
    /// A space whose objects are freed one by one.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn new(heap: &Heap) -> io::Result<Self> {
        Ok(Self::of(heap, CellSpace::new(heap)?))
    }

    /// A space whose objects are marked and swept.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn with_marks(heap: &Heap) -> io::Result<Self> {
        Ok(Self::of(heap, CellSpace::with_marks(heap)?))
    }

    fn of(heap: &Heap, cells: CellSpace) -> Self {
        Self { cells, large: LargeSpace::new(heap), heap: heap.clone() }
    }

    /// The heap it takes its blocks from.
    #[inline(always)]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// A new object in memory that this space already holds; `None` if it has no free cell for it.
    #[inline(always)]
    pub fn alloc(&mut self, layout: Layout, collector_bits: u32) -> Option<ObjectReference> {
        self.cells.alloc(layout, collector_bits)
    }

    /// A new object, for which the space may grow; `None` if the heap limit has no room.
    #[cold]
    #[inline(never)]
    pub fn alloc_growing(
        &mut self,
        layout: Layout,
        collector_bits: u32,
    ) -> Option<ObjectReference> {
        if usize::from(layout.class()) < CLASSES {
            if let Some(object) = self.cells.alloc(layout, collector_bits) {
                return Some(object);
            }
            return self.cells.grow(layout).then(|| self.cells.alloc(layout, collector_bits))?;
        }
        let object = self.large.alloc(layout, collector_bits)?;
        if self.cells.marks().is_some() && !self.cells.cover_object(object) {
            self.large.free(object);
            return None;
        }
        Some(object)
    }

    /// A new object in any memory that this space holds, however much larger: the last resort at the
    /// heap limit; `None` if no free cell can hold it.
    pub fn alloc_larger(&mut self, layout: Layout, collector_bits: u32) -> Option<ObjectReference> {
        self.cells.alloc_larger(layout, collector_bits)
    }

    /// Frees an object. Tells whether it was allocated.
    #[inline(always)]
    pub fn free(&mut self, object: ObjectReference) -> bool {
        self.cells.free(object) || self.free_large(object)
    }

    /// The memory, and the space to free in while looking at it.
    #[inline(always)]
    pub(crate) fn split(&mut self) -> (Memory<'_>, Freer<'_>) {
        (self.heap.memory(), Freer { cells: &mut self.cells, large: &mut self.large })
    }

    #[cold]
    #[inline(never)]
    fn free_large(&mut self, object: ObjectReference) -> bool {
        self.large.free(object)
    }

    /// Marks everything reachable from the edges that `marker` holds. Returns the objects marked.
    pub fn trace(&mut self, marker: &mut Marker) -> u64 {
        let Self { cells, heap, .. } = self;
        let (marks, mark) = cells.marking();
        let is_marked = |object| marks.is_some_and(|marks| marks.test(object));
        marker.trace(heap, is_marked, mark)
    }

    /// Reclaims what is not marked and clears the marks.
    pub fn sweep(&mut self) {
        let Self { cells, large, .. } = self;
        if let Some(marks) = cells.marks() {
            large.sweep(|object| marks.clear(object));
        }
        cells.sweep();
    }

    /// Whether the object is allocated now.
    pub fn is_allocated(&self, object: ObjectReference) -> bool {
        self.cells.is_allocated(object) || self.large.is_allocated(object)
    }

    /// Every object that is allocated. Slow: for checks.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.cells.objects().chain(self.large.objects())
    }

    /// Checks its tables against each other. Slow: for [`crate::Collector::verify`].
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn verify(&self) -> Result<(), String> {
        self.cells.verify()
    }

    /// Objects not reclaimed and the bytes of their cells.
    pub fn occupied(&self) -> Occupancy {
        self.cells.occupied().plus(self.large.occupied())
    }

    /// Bytes of the blocks it holds.
    pub fn used_bytes(&self) -> u64 {
        self.cells.used_bytes() + self.large.used_bytes()
    }

    /// What it holds, with `metadata_bytes` of its collector beside its own.
    pub fn footprint(&self, metadata_bytes: u64) -> Footprint {
        Footprint {
            used_bytes: self.used_bytes(),
            retained_bytes: 0,
            metadata_bytes: self.cells.metadata_bytes()
                + self.large.metadata_bytes()
                + metadata_bytes,
        }
    }
}

/// An object space while its memory is being looked at.
pub(crate) struct Freer<'s> {
    cells: &'s mut CellSpace,
    large: &'s mut LargeSpace,
}

impl Freer<'_> {
    /// Frees the objects of a batch. Returns how many it was given.
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
