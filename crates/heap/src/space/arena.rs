//! Bump allocation in chunks that are freed all at once: regions, and the heap without a collector.
//!
//! Chunks start at 512 bytes and double, so that a hundred thousand small regions do not cost
//! gigabytes. Chunks below a block are cut from blocks by a [`ChunkPool`], one bit per 512 bytes.

use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::units::{BLOCK_BYTES, GRANULE_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::memory::{Memory, asan};
use crate::mutant;
use crate::object::header::{Layout, SlotKind};
use crate::space::bump::{Bump, bytes_between, objects_between};

/// Bytes of the first chunk of a region: a bit each in the pool's word of a block.
pub(crate) const FIRST_CHUNK_BYTES: u32 = BLOCK_BYTES / 64;

const LEAF_GRANULES: u32 = FIRST_CHUNK_BYTES / GRANULE_BYTES as u32;
/// Blocks with a free leaf that are tried before another block is taken.
const BLOCKS_TRIED: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Chunk {
    granule: u32,
    bytes: u32,
    /// Reference bits of the end of its last object; meaningless while it is the arena's last chunk.
    end: u32,
}

/// A bump allocator whose objects are freed together.
#[derive(Debug)]
pub struct Arena {
    /// The rest of the last chunk.
    bump: Bump,
    next_chunk_bytes: u32,
    chunks: Vec<Chunk>,
    has_owners: bool,
}

impl Arena {
    /// An arena that starts with the smallest chunk.
    pub fn region() -> Self {
        Self {
            bump: Bump::default(),
            next_chunk_bytes: FIRST_CHUNK_BYTES,
            chunks: Vec::new(),
            has_owners: false,
        }
    }

    /// An arena that starts with a whole block.
    pub fn heap() -> Self {
        Self { next_chunk_bytes: BLOCK_BYTES, ..Self::region() }
    }

    /// A new object, its slots null and its payload zero; `None` if the chunk has no room: see
    /// [`Arena::grow`].
    #[inline(always)]
    pub fn alloc(&mut self, layout: Layout, bits: u32, heap: &Heap) -> Option<ObjectReference> {
        let short = u32::from(mutant!(heap.memory(), "a bump is one granule short"));
        let object = self.bump.bump(layout.bytes() - short * GRANULE_BYTES as u32)?;
        self.has_owners |= layout.slots_of(SlotKind::Own) > 0;
        layout.install(heap.memory(), object, bits);
        Some(object)
    }

    /// Takes another chunk with room for `layout`; false if the limit has none.
    #[cold]
    pub fn grow(&mut self, layout: Layout, pool: &mut ChunkPool) -> bool {
        let bytes = self.next_chunk_bytes.max(layout.bytes().next_power_of_two());
        // Above a block, whole blocks: doubling a large object would waste half of it.
        let bytes =
            if bytes > BLOCK_BYTES { layout.bytes().next_multiple_of(BLOCK_BYTES) } else { bytes };
        let Some(chunk) = pool.acquire(bytes) else { return false };
        if let Some(last) = self.chunks.last_mut() {
            last.end = self.bump.next;
        }
        let next = chunk.granule << 1;
        self.bump = Bump { next, limit: next + chunk.bytes / UNIT_BYTES as u32 };
        self.next_chunk_bytes = bytes.min(BLOCK_BYTES / 2) * 2;
        let before = self.metadata_bytes();
        self.chunks.push(chunk);
        pool.heap.budget().charge(self.metadata_bytes() - before);
        true
    }

    /// Frees every object in O(chunks).
    pub fn clear(&mut self, pool: &mut ChunkPool) {
        let before = self.metadata_bytes();
        let memory = pool.heap.memory();
        let keeps = usize::from(mutant!(memory, "a region's last chunk is not given back"));
        for chunk in std::mem::take(&mut self.chunks).into_iter().rev().skip(keeps) {
            pool.release(chunk);
        }
        pool.heap.budget().discharge(before);
        (self.bump, self.has_owners) = (Bump::default(), false);
        self.next_chunk_bytes = FIRST_CHUNK_BYTES;
    }

    /// Whether `object` was allocated in this arena and not freed with it.
    pub fn is_allocated(&self, object: ObjectReference) -> bool {
        self.allocated_ranges().any(|(start, end)| (start..end).contains(&object.bits()))
    }

    /// The allocated part of each chunk, as reference bits.
    fn allocated_ranges(&self) -> impl Iterator<Item = (u32, u32)> {
        let last = self.chunks.len().wrapping_sub(1);
        self.chunks.iter().enumerate().map(move |(index, chunk)| {
            (chunk.granule << 1, if index == last { self.bump.next } else { chunk.end })
        })
    }

    /// Objects allocated, counted by walking them, and the bytes of the chunks that hold them.
    pub fn allocated(&self, memory: Memory<'_>) -> Occupancy {
        let bytes: u64 = self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum();
        let unused_bytes = bytes_between(self.bump.next, self.bump.limit);
        Occupancy { objects: self.objects(memory).count() as u64, bytes: bytes - unused_bytes }
    }

    /// The objects of the arena in order of allocation.
    pub fn objects(&self, memory: Memory<'_>) -> impl Iterator<Item = ObjectReference> {
        self.allocated_ranges().flat_map(move |(start, end)| objects_between(memory, start, end))
    }

    /// Whether any object of the arena has own slots.
    pub fn has_owners(&self) -> bool {
        self.has_owners
    }

    /// Bytes of the list of chunks.
    pub fn metadata_bytes(&self) -> u64 {
        (self.chunks.capacity() * size_of::<Chunk>()) as u64
    }
}

/// Cuts blocks into chunks of 512 bytes to a block, by halves, and joins them again.
#[derive(Debug)]
pub struct ChunkPool {
    /// For each block of the heap, a bit for every free 512 bytes; 0 for blocks outside the pool.
    free_leaves: ChargedVec<u64>,
    /// Blocks that had a free leaf when they were last inspected.
    open: ChargedVec<u32>,
    used_blocks: u64,
    heap: Heap,
}

impl ChunkPool {
    /// An empty pool.
    pub fn new(heap: &Heap) -> Self {
        let (free_leaves, open) = (heap.table(), heap.table());
        Self { free_leaves, open, used_blocks: 0, heap: heap.clone() }
    }

    fn acquire(&mut self, bytes: u32) -> Option<Chunk> {
        if bytes >= BLOCK_BYTES {
            let count = bytes / BLOCK_BYTES;
            let start = self.heap.acquire(count)?;
            self.used_blocks += u64::from(count);
            return Some(Chunk { granule: start.first_granule(), bytes, end: 0 });
        }
        let leaves = bytes / FIRST_CHUNK_BYTES;
        for place in (0..self.open.len()).rev().take(BLOCKS_TRIED) {
            let index = self.open[place];
            if let Some(chunk) = self.cut(index, leaves) {
                if self.free_leaves[index as usize] == 0 {
                    self.open.swap_remove(place);
                }
                return Some(chunk);
            }
        }
        let block = self.heap.acquire(1)?;
        self.used_blocks += 1;
        let needed = self.free_leaves.len().max(block.index() as usize + 1);
        self.free_leaves.grow(|leaves| leaves.resize(needed, 0));
        self.open.push(block.index());
        self.free_leaves[block.index() as usize] = !0;
        self.cut(block.index(), leaves)
    }

    /// Takes `leaves` adjacent free leaves, aligned to their number (a power of two).
    fn cut(&mut self, index: u32, leaves: u32) -> Option<Chunk> {
        let free = self.free_leaves[index as usize];
        let run = (1u64 << leaves) - 1;
        // Bits that begin a run of free leaves, its length doubled at each step; then the aligned ones.
        let (mut starts, mut length) = (free, 1);
        while length < leaves {
            starts &= starts >> length;
            length *= 2;
        }
        starts &= !0 / run;
        if starts == 0 {
            return None;
        }
        let leaf = starts.trailing_zeros();
        self.free_leaves[index as usize] = free & !(run << leaf);
        let granule = Block::from_index(index)?.first_granule() + leaf * LEAF_GRANULES;
        Some(Chunk { granule, bytes: leaves * FIRST_CHUNK_BYTES, end: 0 })
    }

    fn release(&mut self, chunk: Chunk) {
        let object = ObjectReference::from_granule(chunk.granule);
        let block = Block::of(object);
        if chunk.bytes >= BLOCK_BYTES {
            self.used_blocks -= u64::from(chunk.bytes / BLOCK_BYTES);
            self.heap.release(block, chunk.bytes / BLOCK_BYTES);
            return;
        }
        asan::poison(self.heap.memory(), object, u64::from(chunk.bytes));
        let index = block.index();
        let leaf = (chunk.granule - block.first_granule()) / LEAF_GRANULES;
        let run = (1u64 << (chunk.bytes / FIRST_CHUNK_BYTES)) - 1;
        let before = self.free_leaves[index as usize];
        let after = before | run << leaf;
        self.free_leaves[index as usize] = after;
        if after == !0 {
            self.free_leaves[index as usize] = 0;
            if before != 0 {
                self.open.retain(|&open| open != index);
            }
            self.used_blocks -= 1;
            self.heap.release(block, 1);
        } else if before == 0 {
            self.open.push(index);
        }
    }

    /// Bytes of the blocks in this pool, those of its arenas included.
    pub fn reserved_bytes(&self) -> u64 {
        self.used_blocks * u64::from(BLOCK_BYTES)
    }

    /// Bytes of the tables of free leaves.
    pub fn metadata_bytes(&self) -> u64 {
        self.free_leaves.bytes() + self.open.bytes()
    }
}

#[cfg(test)]
mod tests;
