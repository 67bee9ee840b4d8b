//! Cells and large objects together: where every discipline but bump allocation keeps its objects.

mod mark;

use crate::blocks::heap::Heap;
use crate::memory::Memory;
use crate::memory::footprint::{Footprint, Occupancy};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{Extent, Layout};
use crate::object::size_class::{CLASSES, MAX_CELL_BYTES, class_of};
use crate::space::cells::{Batch, CellSpace};
use crate::space::large::LargeSpace;
use crate::trace::parallel::ParallelMarker;
use std::io;

/// A space for objects of any size.
#[derive(Debug)]
pub struct ObjectSpace {
    cells: CellSpace,
    large: LargeSpace,
    heap: Heap,
    /// Whether new objects are marked from birth.
    is_black: bool,
    /// Whether the last collection left no cell of the right size for the object that was waiting for one.
    is_tight: bool,
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

    /// A space whose objects are marked by several threads, and swept.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn with_marks_for(heap: &Heap, marker: &ParallelMarker) -> io::Result<Self> {
        let cells = match marker.has_helpers() {
            true => CellSpace::with_shared_marks(heap, marker.alone())?,
            false => CellSpace::with_marks(heap)?,
        };
        Ok(Self::of(heap, cells))
    }

    /// A space whose objects are marked and swept by another thread: see [`crate::SnapshotTracer`].
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn with_marks_beside(heap: &Heap) -> io::Result<Self> {
        Ok(Self::of(heap, CellSpace::with_marks_beside(heap)?))
    }

    fn of(heap: &Heap, cells: CellSpace) -> Self {
        Self {
            cells,
            large: LargeSpace::new(heap),
            heap: heap.clone(),
            is_black: false,
            is_tight: false,
        }
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
        let cells = &mut self.cells;
        let object = self.large.alloc_covered(layout, collector_bits, |object| {
            cells.marks().is_none() || cells.cover_object(object)
        })?;
        if self.is_black && !mutant!(self.heap.memory(), "a large object is born white") {
            self.shade(object);
        }
        self.cells.spend(layout.bytes());
        Some(object)
    }

    /// A new object in any memory that this space holds, however much larger: the last resort at the
    /// heap limit; `None` if no free cell can hold it.
    pub fn alloc_larger(&mut self, layout: Layout, collector_bits: u32) -> Option<ObjectReference> {
        self.cells.alloc_larger(layout, collector_bits)
    }

    /// A new object without a collection: in a free cell of its size, or growing if it `may_grow`; or else,
    /// where the last collection left no cell of the right size, in a larger one, for another collection so
    /// soon would not find one either.
    pub fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        let object = self.alloc(layout, 0);
        let object = object.or_else(|| may_grow.then(|| self.alloc_growing(layout, 0))?);
        object.or_else(|| self.is_tight.then(|| self.alloc_larger(layout, 0))?)
    }

    /// The new object that a collection was for, in what that left, whatever its policy; `None` if the heap
    /// is too small.
    pub fn alloc_after_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let object = self.alloc(layout, 0).or_else(|| self.alloc_growing(layout, 0));
        self.is_tight = object.is_none();
        object.or_else(|| self.alloc_larger(layout, 0))
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

    // ---- for copies: see `cells/spare.rs` --------------------------------------------------------

    /// Free cells of a size class, counted until there are `most`.
    pub fn free_cells(&self, class: usize, most: u32) -> u32 {
        self.cells.free_cells(class, most)
    }

    /// Takes a block for whichever class will need it; false if the limit has no room.
    pub fn set_aside(&mut self) -> bool {
        self.cells.set_aside()
    }

    /// Blocks that are set aside.
    pub fn spare_blocks(&self) -> u32 {
        self.cells.spare_blocks()
    }

    /// Copies an object of another space into a free cell; `None` if there is none, or no cell could hold
    /// the object: whoever copies has seen to it that there is.
    #[inline(always)]
    pub fn copy(&mut self, object: ObjectReference) -> Option<ObjectReference> {
        let bytes = Extent::of(self.heap.memory(), object).bytes();
        // What a wrong program made of its header must not be believed.
        let bytes = bytes.min(u64::from(MAX_CELL_BYTES)) as u32;
        let copy = self.cells.take(usize::from(class_of(bytes)))?;
        self.heap.memory().copy(object, copy, bytes);
        Some(copy)
    }

    // ---- checks and accounts ---------------------------------------------------------------------

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
        self.cells.verify(false)
    }

    /// [`ObjectSpace::verify`] where marks stay between collections.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn verify_with_marks(&self) -> Result<(), String> {
        self.cells.verify(true)
    }

    /// Objects not reclaimed and the bytes of their cells.
    pub fn occupied(&self) -> Occupancy {
        self.cells.occupied().plus(self.large.occupied())
    }

    /// Bytes of the blocks it holds.
    pub fn used_bytes(&self) -> u64 {
        self.cells.used_bytes() + self.large.used_bytes()
    }

    /// Bytes of its tables.
    pub fn metadata_bytes(&self) -> u64 {
        self.cells.metadata_bytes() + self.large.metadata_bytes()
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
