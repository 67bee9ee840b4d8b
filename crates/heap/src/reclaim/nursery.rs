//! A nursery: bump allocation in adjacent blocks, whose survivors are copied to an old space of cells.
//!
//! 1. *Adjacent*: whether an object is young is one subtraction and one comparison, which a write barrier
//!    can afford.
//! 2. *Promotion reserve*: an object may be allocated here only if a cell of its class is reserved in the
//!    old space: a free one, or one of a reserved block. So a minor collection cannot be refused memory,
//!    even if every object survives. Cells are reserved in bulk and counted down for each size class.
//! 3. *Grey list*: a copy still to be scanned is found through the original, whose memory is free for a
//!    reference to the next one. So the list takes no memory and cannot overflow.
//!
//! Objects above half a block are not allocated here.

use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::units::{BLOCK_BYTES, BLOCK_UNITS, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::memory::{Memory, asan};
use crate::mutant;
use crate::object::header::{Extent, FORWARDED, Layout};
use crate::object::size_class::{CELL_BYTES, CLASSES, cells_per_block, class_of};
use crate::reclaim::dead_list::DeadList;
use crate::space::bump::{Bump, bytes_between, objects_between};
use crate::space::cells::MarkBits;
use crate::space::non_moving::NonMovingSpace;
use crate::space::{CollectedSpace, Space, accounts_of};
use std::io;

/// The young objects of a heap.
#[derive(Debug)]
pub struct Nursery {
    /// The rest of the open stretch.
    bump: Bump,
    /// Reference bits of the first object, and the size of the nursery in units.
    start: u32,
    units: u32,
    /// Cells of each class that are reserved for objects not allocated yet.
    reserved: [u32; CLASSES],
    /// Whether the free cells of a class have been reserved.
    is_counted: [bool; CLASSES],
    /// Reserved blocks of the old space that have no class yet.
    unassigned_blocks: u32,
    /// Starts of objects, about one for each block that has been reached.
    stretches: ChargedVec<u32>,
    heap: Heap,
}

impl Nursery {
    /// A nursery without memory: nothing can be allocated in it until it is given some.
    pub fn new(heap: &Heap) -> Self {
        Self {
            bump: Bump::default(),
            start: 0,
            units: 0,
            reserved: [0; CLASSES],
            is_counted: [false; CLASSES],
            unassigned_blocks: 0,
            stretches: heap.table(),
            heap: heap.clone(),
        }
    }

    /// Sets its size to `bytes`, rounded down to whole blocks; to none if the limit has no room for
    /// them. It must be empty.
    pub fn resize(&mut self, bytes: u64, old: &NonMovingSpace<MarkBits>) {
        debug_assert_eq!(self.allocated_bytes(), 0, "resizing would lose young objects");
        let (blocks, before) = ((bytes / u64::from(BLOCK_BYTES)) as u32, self.blocks());
        if blocks < before {
            self.release(blocks, before - blocks);
        } else if blocks > before {
            self.release(0, before);
            if let Some(first) = self.heap.acquire(blocks) {
                (self.start, self.units) = (first.first_granule() << 1, blocks * BLOCK_UNITS);
            }
        }
        self.rewind(old);
    }

    /// Releases its last `released` blocks and keeps the first `kept`.
    fn release(&mut self, kept: u32, released: u32) {
        if released > 0 {
            let first = self.start + kept * BLOCK_UNITS;
            self.heap.release(Block::at_granule(first >> 1), released);
            self.units = kept * BLOCK_UNITS;
        }
    }

    // ---- allocating ---------------------------------------------------------------------------

    /// The heap it takes its blocks from.
    #[inline(always)]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Whether an object is young.
    #[inline(always)]
    pub fn contains(&self, object: ObjectReference) -> bool {
        object.bits().wrapping_sub(self.start) < self.units
    }

    /// A new object, its slots null and its payload zero; `None` if no cell is reserved for it or the
    /// stretch is full: see [`Nursery::alloc_reserving`].
    #[inline(always)]
    pub fn alloc(&mut self, layout: Layout) -> Option<ObjectReference> {
        let reserved =
            self.reserved.get_mut(usize::from(layout.class())).filter(|cells| **cells > 0)?;
        let object = self.bump.bump(layout.bytes())?;
        if !mutant!(self.heap.memory(), "a cell is reserved again and again") {
            *reserved -= 1;
        }
        layout.install(self.heap.memory(), object, 0);
        Some(object)
    }

    /// A new object, for which a cell of the old space is reserved if need be; if `may_grow`, in a new
    /// block. `None` if the nursery is full, no cell can be reserved, or the object is large.
    pub fn alloc_reserving(
        &mut self,
        layout: Layout,
        old: &mut NonMovingSpace<MarkBits>,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        let class = usize::from(layout.class());
        let units = layout.bytes() / UNIT_BYTES as u32;
        let end = self.start + self.units;
        if class >= CLASSES || end - self.bump.next < units {
            return None;
        }
        if self.reserved[class] == 0 && !self.reserve(class, old, may_grow) {
            return None;
        }
        if self.bump.limit - self.bump.next < units {
            self.open_stretch(units.max(BLOCK_UNITS).min(end - self.bump.next));
        }
        self.alloc(layout)
    }

    #[cold]
    #[inline(never)]
    fn reserve(
        &mut self,
        class: usize,
        old: &mut NonMovingSpace<MarkBits>,
        may_grow: bool,
    ) -> bool {
        if !self.is_counted[class] {
            self.is_counted[class] = true;
            // The nursery has no room for more objects.
            let left_bytes = (self.start + self.units - self.bump.next) * UNIT_BYTES as u32;
            self.reserved[class] = old.small.free_cells(class, left_bytes / CELL_BYTES[class] + 1);
            if self.reserved[class] > 0 {
                return true;
            }
        }
        if self.unassigned_blocks == 0 {
            if !may_grow || !old.small.reserve_block() {
                return false;
            }
            self.unassigned_blocks = 1;
        }
        self.unassigned_blocks -= 1;
        self.reserved[class] = cells_per_block(class);
        true
    }

    #[cold]
    #[inline(never)]
    fn open_stretch(&mut self, units: u32) {
        self.stretches.push(self.bump.next);
        self.bump.limit = self.bump.next + units;
    }

    /// The current place of an object that is old or has been copied; `None` if it is young and was not
    /// reached.
    pub fn survivor(&self, object: ObjectReference) -> Option<ObjectReference> {
        match self.contains(object) {
            true => self.heap.memory().forwarded(object),
            false => Some(object),
        }
    }

    /// Discards all objects: those that were reached have been copied. The reserved cells are void.
    pub fn clear(&mut self, old: &NonMovingSpace<MarkBits>) {
        if let Some(start) = ObjectReference::from_bits(self.start).filter(|_| self.units > 0) {
            asan::poison(self.heap.memory(), start, self.reserved_bytes());
        }
        self.rewind(old);
    }

    fn rewind(&mut self, old: &NonMovingSpace<MarkBits>) {
        self.bump = Bump { next: self.start, limit: self.start };
        self.stretches.clear();
        self.reserved = [0; CLASSES];
        self.is_counted = [false; CLASSES];
        self.unassigned_blocks = old.small.reserved_blocks();
    }

    // ---- inspection ---------------------------------------------------------------------------

    /// Every object, in the order of allocation.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.objects_from(self.start)
    }

    fn objects_from(&self, start: u32) -> impl Iterator<Item = ObjectReference> {
        objects_between(self.heap.memory(), start, self.bump.next)
    }

    fn blocks(&self) -> u32 {
        self.units / BLOCK_UNITS
    }

    /// Checks that its objects fill it and that the old space has a cell for each of them and for each
    /// reserved one. Slow: for [`crate::Inspect::verify`].
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn verify_reserve(&self, old: &NonMovingSpace<MarkBits>) -> Result<(), String> {
        let memory = self.heap.memory();
        let mut needed = self.reserved;
        let mut bytes = 0;
        for object in self.objects() {
            if memory.has(object, FORWARDED) {
                return Err(format!("{object:?} is forwarded, and no collection is under way"));
            }
            let object_bytes = Extent::of(memory, object).bytes();
            bytes += object_bytes;
            match needed.get_mut(usize::from(class_of(object_bytes as u32))) {
                Some(cells) => *cells += 1,
                None => return Err(format!("{object:?} is too large for a nursery")),
            }
        }
        let allocated_bytes = self.allocated_bytes();
        if bytes != allocated_bytes {
            return Err(format!("young objects of {bytes} bytes fill {allocated_bytes} bytes"));
        }
        let missing_blocks = |(class, cells): (usize, &u32)| {
            (cells - old.small.free_cells(class, *cells)).div_ceil(cells_per_block(class))
        };
        let missing: u32 = needed.iter().enumerate().map(missing_blocks).sum();
        let (unassigned, reserved) = (self.unassigned_blocks, old.small.reserved_blocks());
        match missing + unassigned <= reserved {
            true => Ok(()),
            false => Err(format!(
                "{missing} blocks are needed and {unassigned} are unassigned, but {reserved} are reserved"
            )),
        }
    }
}

impl Space for Nursery {
    fn reserved_bytes(&self) -> u64 {
        u64::from(self.units) * UNIT_BYTES as u64
    }

    /// Bytes of the list of stretches.
    fn metadata_bytes(&self) -> u64 {
        self.stretches.bytes()
    }

    /// Objects, counted by walking them, and their bytes.
    fn allocated(&self) -> Occupancy {
        Occupancy { objects: self.objects().count() as u64, bytes: self.allocated_bytes() }
    }

    fn allocated_bytes(&self) -> u64 {
        bytes_between(self.start, self.bump.next)
    }

    /// Whether an object begins here. Walks its stretch.
    fn is_allocated(&self, object: ObjectReference) -> bool {
        let bits = object.bits();
        let stretch = self.stretches.partition_point(|&start| start <= bits).checked_sub(1);
        let Some(stretch) = stretch.filter(|_| self.contains(object)) else { return false };
        let mut objects = self.objects_from(self.stretches[stretch]);
        objects.find(|other| other.bits() >= bits) == Some(object)
    }
}

/// A nursery and the old space that its survivors are copied to.
#[derive(Debug)]
pub struct WithNursery {
    /// The young objects; it has no memory while all objects are allocated old.
    pub nursery: Nursery,
    /// All others.
    pub old: NonMovingSpace<MarkBits>,
}

impl WithNursery {
    /// An empty old space, and a nursery without memory.
    ///
    /// # Errors
    /// If the operating system refuses address space for the tables.
    pub fn new(heap: &Heap) -> io::Result<Self> {
        Ok(Self { nursery: Nursery::new(heap), old: NonMovingSpace::new(heap)? })
    }
}

impl CollectedSpace for WithNursery {
    /// With a nursery, only large objects may be allocated old: `build` fills a new object without a
    /// barrier.
    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        bits: u32,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        let Self { nursery, old } = self;
        if nursery.reserved_bytes() > 0 && layout.is_small() {
            return nursery.alloc_reserving(layout, old, may_grow);
        }
        old.alloc_without_collecting(layout, bits, may_grow)
    }

    /// In the old space; the nursery releases its memory.
    fn alloc_after_collecting(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.nursery.resize(0, &self.old);
        self.old.alloc_after_collecting(layout, bits)
    }

    /// Bytes of the blocks of the old space.
    fn sized_bytes(&self) -> u64 {
        self.old.sized_bytes()
    }
}

impl Space for WithNursery {
    accounts_of!(nursery, old);

    fn verify(&self) -> Result<(), String> {
        self.old.verify()?;
        self.nursery.verify_reserve(&self.old)
    }
}

/// Copies still to be scanned, the latest first: a list through their originals.
#[derive(Debug, Default)]
pub struct GreyList {
    originals: DeadList,
}

impl GreyList {
    /// Adds the copy of `original`, which holds a forwarding reference.
    #[inline(always)]
    pub fn push(&mut self, memory: Memory<'_>, original: ObjectReference) {
        if !mutant!(memory, "a promoted object is not scanned") {
            self.originals.push(memory, original);
        }
    }

    /// Takes the copy that was added last; returns its original and the copy.
    #[inline(always)]
    pub fn pop(&mut self, memory: Memory<'_>) -> Option<(ObjectReference, ObjectReference)> {
        let original = self.originals.pop(memory)?;
        Some((original, memory.forwarded(original)?))
    }
}

#[cfg(test)]
mod tests;
