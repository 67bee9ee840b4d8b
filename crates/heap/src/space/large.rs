//! The large-object space: objects above half a block, each on a run of blocks of its own.
//!
//! A run is charged by pages: the tail of its last block is discharged, for the object never touches
//! it, so the system never commits it.

use crate::blocks::block::Block;
use crate::blocks::heap::Heap;
use crate::memory::charged_vec::ChargedVec;
use crate::memory::footprint::Occupancy;
use crate::memory::os::PAGE_BYTES;
use crate::memory::units::BLOCK_BYTES;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::{LARGE, Layout, REACHED};
use crate::space::Space;

#[derive(Clone, Copy, Debug)]
struct Run {
    object: ObjectReference,
    bytes: u32,
}

impl Run {
    fn blocks(self) -> u32 {
        self.bytes.div_ceil(BLOCK_BYTES)
    }

    /// Bytes of the pages that the object reaches.
    fn touched_bytes(self) -> u64 {
        u64::from(self.bytes).next_multiple_of(PAGE_BYTES as u64)
    }

    /// Bytes of the pages after them.
    fn tail_bytes(self) -> u64 {
        u64::from(self.blocks()) * u64::from(BLOCK_BYTES) - self.touched_bytes()
    }
}

/// Large objects, sorted by address.
#[derive(Debug)]
pub struct LargeSpace {
    runs: ChargedVec<Run>,
    reserved_bytes: u64,
    heap: Heap,
}

impl LargeSpace {
    /// An empty space.
    pub fn new(heap: &Heap) -> Self {
        Self { runs: heap.table(), reserved_bytes: 0, heap: heap.clone() }
    }

    /// A new object, its slots null and its payload zero; `None` if the limit has no room for it, or for the
    /// tables that `cover` extends to it. Nothing is written before both are charged.
    pub fn alloc(
        &mut self,
        layout: Layout,
        bits: u32,
        mut cover: impl FnMut(ObjectReference) -> bool,
    ) -> Option<ObjectReference> {
        let start = self.heap.acquire(layout.bytes().div_ceil(BLOCK_BYTES))?;
        let object = ObjectReference::from_granule(start.first_granule());
        let place = self.runs.partition_point(|run| run.object < object);
        let run = Run { object, bytes: layout.bytes() };
        self.runs.grow(|runs| runs.insert(place, run));
        self.heap.budget().discharge(run.tail_bytes());
        self.reserved_bytes += run.touched_bytes();
        if !self.heap.charges(|| cover(object)) {
            self.free(object);
            return None;
        }
        layout.install(self.heap.memory(), object, bits | LARGE);
        Some(object)
    }

    /// Frees an object; returns whether it was allocated here.
    pub fn free(&mut self, object: ObjectReference) -> bool {
        let Ok(place) = self.runs.binary_search_by_key(&object, |run| run.object) else {
            return false;
        };
        let run = self.runs.remove(place);
        self.release(run);
        true
    }

    /// Frees every object for which `keep` returns false.
    pub fn sweep(&mut self, mut keep: impl FnMut(ObjectReference) -> bool) {
        let mut runs = std::mem::take(&mut *self.runs);
        runs.retain(|&run| {
            let floats = mutant!(self.heap.memory(), "a large object is never swept");
            let kept = keep(run.object) || floats;
            if !kept {
                self.release(run);
            }
            kept
        });
        *self.runs = runs;
    }

    /// Frees every object without the bit [`REACHED`], and clears it in the others.
    pub fn sweep_unreached(&mut self) {
        let heap = self.heap.clone();
        let memory = heap.memory();
        self.sweep(|object| {
            let is_reached = memory.has(object, REACHED);
            if !mutant!(memory, "a large object stays marked") {
                memory.clear_bits(object, REACHED);
            }
            is_reached
        });
    }

    fn release(&mut self, run: Run) {
        self.reserved_bytes -= run.touched_bytes();
        let memory = self.heap.memory();
        if !mutant!(memory, "a large object's tail is not charged again") {
            self.heap.budget().charge(run.tail_bytes());
        }
        let lost = u32::from(mutant!(memory, "a large object's last block is lost"));
        self.heap.release(Block::of(run.object), (run.blocks() - lost).max(1));
    }

    /// Every object.
    pub fn objects(&self) -> impl Iterator<Item = ObjectReference> {
        self.runs.iter().map(|run| run.object)
    }
}

impl Space for LargeSpace {
    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.runs.binary_search_by_key(&object, |run| run.object).is_ok()
    }

    /// Bytes of the pages that objects reach.
    fn reserved_bytes(&self) -> u64 {
        self.reserved_bytes
    }

    fn allocated(&self) -> Occupancy {
        Occupancy { objects: self.runs.len() as u64, bytes: self.reserved_bytes() }
    }

    /// Bytes of the table of objects.
    fn metadata_bytes(&self) -> u64 {
        self.runs.bytes()
    }
}

#[cfg(test)]
mod tests;
