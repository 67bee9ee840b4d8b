//! A space whose objects may move: bump allocation in blocks, in the order of allocation.
//!
//! Objects lie one behind the other, so the order of allocation is that of the list of blocks, and the
//! space can be walked object by object. One that does not fit the rest of a block begins the next one:
//! no object crosses the end of a block. Large objects do not move and are kept elsewhere
//! ([`crate::LargeSpace`]).
//!
//! **Invariant:** no object here is larger than `largest_bytes`. This bounds the blocks that copies of all
//! of them can need, in any order: see [`MovableSpace::copies_bytes`].

mod slide;

use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::units::{BLOCK_BYTES, BLOCK_UNITS, GRANULE_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{Extent, FORWARDED, Layout};
use crate::space::bump::{Bump, bytes_between};
use crate::space::mark_tables::{MarkTables, bitmaps};
use crate::space::with_large::WithLarge;
use crate::space::{SmallSpace, Space};
use std::io;

pub use slide::Sliding;

/// Least `largest_bytes`: up to this size every object takes the fast path.
const COMMON_BYTES: u32 = 256;
const GRANULE_UNITS: u32 = (GRANULE_BYTES / UNIT_BYTES) as u32;

/// A block and its allocated part.
#[derive(Clone, Copy, Debug)]
struct BumpBlock {
    /// Reference bits of the first object.
    start: u32,
    /// Reference bits of the end of the last object; meaningless for the last block of a space.
    end: u32,
}

/// How the objects of a space move.
pub trait Movement: MarkTables {
    /// Whether room is kept for copies of all objects at once.
    const COPIES: bool;
}

/// Objects are copied to another space.
#[derive(Debug)]
pub struct Copying {}

impl MarkTables for Copying {
    bitmaps!();
}

impl Movement for Copying {
    const COPIES: bool = true;
}

/// Blocks of bump allocation, whose objects may move.
#[derive(Debug)]
pub struct MovableSpace<M: Movement> {
    /// The rest of the last block.
    bump: Bump,
    largest_bytes: u32,
    blocks: ChargedVec<BumpBlock>,
    /// Bytes of the objects in all blocks but the last.
    closed_bytes: u64,
    tables: M,
    heap: Heap,
}

impl BumpBlock {
    fn block(&self) -> Block {
        Block::at_granule(self.start >> 1)
    }
}

/// Position of a walk, which also visits objects that are added meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    block: usize,
    next: u32,
}

/// A half of a copying heap, and large objects: the `CopySpace` of MMTk.
pub type CopySpace = WithLarge<MovableSpace<Copying>>;

impl<M: Movement> MovableSpace<M> {
    /// An empty space.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn new(heap: &Heap) -> io::Result<Self> {
        Ok(Self::with(heap, M::new(heap)?))
    }

    fn with(heap: &Heap, tables: M) -> Self {
        Self {
            bump: Bump::default(),
            largest_bytes: COMMON_BYTES,
            blocks: heap.table(),
            closed_bytes: 0,
            tables,
            heap: heap.clone(),
        }
    }

    // ---- allocating ---------------------------------------------------------------------------

    /// Copies an object of another space to the end of this one. Always succeeds: the caller has kept
    /// room for it.
    ///
    /// # Panics
    /// If the 16 GiB that references can address are used up.
    #[inline(always)]
    pub fn copy(&mut self, object: ObjectReference) -> ObjectReference {
        let bytes = Extent::of(self.heap.memory(), object).small_bytes();
        self.largest_bytes = self.largest_bytes.max(bytes);
        let copy = match self.bump.bump(bytes) {
            Some(copy) => copy,
            None => self.bump_in_next_block(bytes),
        };
        self.heap.memory().copy(object, copy, bytes);
        copy
    }

    #[cold]
    #[inline(never)]
    fn bump_in_next_block(&mut self, bytes: u32) -> ObjectReference {
        let block = self.heap.acquire_overdrawing();
        self.append(block);
        self.bump.bump(bytes).expect("an object fits an empty block")
    }

    /// Closes the last block and continues in this one.
    fn append(&mut self, block: Block) {
        self.close();
        let start = block.first_granule() << 1;
        self.blocks.push(BumpBlock { start, end: start });
        self.bump = Bump { next: start, limit: start + BLOCK_UNITS };
    }

    fn close(&mut self) {
        if let Some(last) = self.blocks.last_mut() {
            last.end = self.bump.next;
            self.closed_bytes += bytes_between(last.start, last.end);
        }
    }

    /// Releases all blocks.
    pub fn clear(&mut self) {
        self.release_from(0);
        (self.bump, self.closed_bytes) = (Bump::default(), 0);
        self.largest_bytes = COMMON_BYTES;
    }

    /// Releases the blocks from this place of the list on, neighbours together.
    fn release_from(&mut self, place: usize) {
        let released = &self.blocks[place..];
        for run in released.chunk_by(|a, b| a.start + BLOCK_UNITS == b.start) {
            let keeps = mutant!(self.heap.memory(), "an evacuated space keeps a block");
            let lost = if keeps && run.len() > 1 { 1 } else { 0 };
            self.heap.release(run[0].block(), run.len() as u32 - lost);
        }
        self.blocks.truncate(place);
    }

    // ---- walking ------------------------------------------------------------------------------

    /// The next object of a walk; `None` at the end, until another object is added.
    #[inline(always)]
    pub fn next_object(&self, cursor: &mut Cursor) -> Option<ObjectReference> {
        loop {
            let (start, end) = self.extent(cursor.block)?;
            let at = cursor.next.max(start);
            if at < end {
                let object = ObjectReference::from_bits(at)?;
                let last = self.heap.memory().last_granule(object);
                cursor.next = last.saturating_add(1).saturating_mul(GRANULE_UNITS);
                return Some(object);
            }
            if cursor.block + 1 == self.blocks.len() {
                return None;
            }
            *cursor = Cursor { block: cursor.block + 1, next: 0 };
        }
    }

    /// Reference bits of the start and end of the objects of a block.
    #[inline(always)]
    fn extent(&self, place: usize) -> Option<(u32, u32)> {
        let block = self.blocks.get(place)?;
        let is_last = place + 1 == self.blocks.len();
        Some((block.start, if is_last { self.bump.next } else { block.end }))
    }

    /// Every object, in the order of allocation.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        let mut cursor = Cursor::default();
        std::iter::from_fn(move || self.next_object(&mut cursor))
    }

    /// Maximum bytes that copies of all objects can need, in blocks and their list.
    pub fn copies_bytes(&self) -> u64 {
        copies_bytes(self.allocated_bytes(), self.largest_bytes)
    }
}

impl MovableSpace<Copying> {
    /// Leaves this space empty, to be to-space; returns its contents, from-space.
    pub fn flip(&mut self) -> Self {
        let to_space = Self::with(&self.heap, Copying {});
        std::mem::replace(self, to_space)
    }
}

impl<M: Movement> Space for MovableSpace<M> {
    fn reserved_bytes(&self) -> u64 {
        self.blocks.len() as u64 * u64::from(BLOCK_BYTES)
    }

    /// Bytes of the list of blocks and of the side tables.
    fn metadata_bytes(&self) -> u64 {
        self.blocks.bytes() + self.tables.covered_bytes()
    }

    /// Objects, counted by walking them, and their bytes.
    fn allocated(&self) -> Occupancy {
        Occupancy { objects: self.objects().count() as u64, bytes: self.allocated_bytes() }
    }

    fn allocated_bytes(&self) -> u64 {
        let last = self.blocks.last().map_or(0, |last| bytes_between(last.start, self.bump.next));
        self.closed_bytes + last
    }

    /// Whether an object begins here. Walks its block.
    fn is_allocated(&self, object: ObjectReference) -> bool {
        let start = Block::of(object).first_granule() << 1;
        let Some(place) = self.blocks.iter().rposition(|block| block.start == start) else {
            return false;
        };
        let mut cursor = Cursor { block: place, next: start };
        while cursor.block == place && cursor.next < object.bits() {
            if self.next_object(&mut cursor).is_none() {
                return false;
            }
        }
        let is_below_end = self.extent(place).is_some_and(|(_, end)| object.bits() < end);
        is_below_end && cursor.block == place && cursor.next == object.bits()
    }

    fn verify(&self) -> Result<(), String> {
        let memory = self.heap.memory();
        let mut bytes = 0;
        for object in self.objects() {
            if memory.has(object, FORWARDED) {
                return Err(format!("{object:?} is forwarded, and no collection is under way"));
            }
            bytes += Extent::of(memory, object).bytes();
        }
        if bytes != self.allocated_bytes() {
            let allocated_bytes = self.allocated_bytes();
            return Err(format!("objects of {bytes} bytes fill {allocated_bytes} bytes of blocks"));
        }
        match self.blocks.iter().find(|block| self.tables.has_marks(block.block())) {
            Some(marked) => Err(format!("{:?} has marks between collections", marked.block())),
            None => Ok(()),
        }
    }
}

impl<M: Movement> SmallSpace for MovableSpace<M> {
    #[inline(always)]
    fn heap(&self) -> &Heap {
        &self.heap
    }

    /// In the last block; `None` if it has no room, or the object is larger than any before it.
    #[inline(always)]
    fn alloc(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        if layout.bytes() > COMMON_BYTES && layout.bytes() > self.largest_bytes {
            return None;
        }
        let object = self.bump.bump(layout.bytes())?;
        layout.install(self.heap.memory(), object, bits);
        Some(object)
    }

    /// Not without room for the copies of all objects: a collection has left the last block to copies.
    fn alloc_in_slow_path(&mut self, _: Layout, _: u32) -> Option<ObjectReference> {
        None
    }

    /// Keeps room for the copies of all objects, too, unless they slide.
    fn alloc_growing(
        &mut self,
        layout: Layout,
        bits: u32,
        kept_bytes: u64,
    ) -> Option<ObjectReference> {
        let bytes = layout.bytes();
        let available_bytes = self.heap.available_bytes().saturating_sub(kept_bytes);
        let largest_bytes = self.largest_bytes.max(bytes);
        let needed_bytes = |more_bytes: u32| match M::COPIES {
            true => copies_bytes(self.allocated_bytes() + u64::from(more_bytes), largest_bytes),
            false => 0,
        };
        let needed_with_block_bytes = needed_bytes(BLOCK_BYTES) + u64::from(BLOCK_BYTES);
        if needed_bytes(bytes) <= available_bytes {
            self.largest_bytes = largest_bytes;
            if let Some(object) = self.alloc(layout, bits) {
                return Some(object);
            }
        }
        if needed_with_block_bytes > available_bytes {
            return None;
        }
        let block = self.heap.acquire(1)?;
        if !self.heap.charges(|| self.tables.cover(block)) {
            self.heap.release(block, 1);
            return None;
        }
        self.largest_bytes = largest_bytes;
        self.append(block);
        self.alloc(layout, bits)
    }

    fn admits_large(&self, run_bytes: u64, kept_bytes: u64) -> bool {
        let copies_bytes = if M::COPIES { self.copies_bytes() } else { 0 };
        run_bytes + copies_bytes <= self.heap.available_bytes().saturating_sub(kept_bytes)
    }

    fn cover_large(&mut self, large: ObjectReference) -> bool {
        self.tables.cover(Block::of(large))
    }

    /// Bytes of the objects: blocks have no holes.
    fn sized_bytes(&self) -> u64 {
        self.allocated_bytes()
    }
}

/// Maximum bytes that copies of `bytes` of objects need: a block is closed only when the next object does
/// not fit, so all but the last are filled up to less than the largest of them.
fn copies_bytes(bytes: u64, largest_bytes: u32) -> u64 {
    let least_filled = BLOCK_BYTES - largest_bytes + GRANULE_BYTES as u32;
    let blocks = bytes.div_ceil(u64::from(least_filled));
    // Twice, for a list that grows doubles, and begins with a few; so does the heap's table, of bytes.
    let tables_bytes = 2 * (size_of::<BumpBlock>() as u64 + 1) * (blocks + 4);
    blocks * u64::from(BLOCK_BYTES) + tables_bytes
}

#[cfg(test)]
mod tests;
