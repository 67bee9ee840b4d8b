//! Spaces: each one way of allocating and reclaiming.

pub(crate) mod arena;
pub(crate) mod bump;
pub(crate) mod bump_space;
pub(crate) mod cells;
pub(crate) mod large;
pub(crate) mod lines;
pub(crate) mod mark_tables;
pub(crate) mod movable;
pub(crate) mod non_moving;
pub(crate) mod regions;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod with_large;

use crate::blocks::heap::Heap;
use crate::memory::footprint::Occupancy;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;

/// The contents of a space, from which every account of a collector follows (see [`crate::Parts`]).
pub trait Space {
    /// Bytes of its blocks.
    fn reserved_bytes(&self) -> u64;

    /// Bytes of its tables.
    fn metadata_bytes(&self) -> u64;

    /// Objects not reclaimed, and the bytes of the cells, chunks or runs of blocks that hold them.
    fn allocated(&self) -> Occupancy;

    /// The bytes of [`Space::allocated`], without counting the objects.
    fn allocated_bytes(&self) -> u64 {
        self.allocated().bytes
    }

    /// Whether an object is allocated here now. May be slow: for checks.
    fn is_allocated(&self, object: ObjectReference) -> bool;

    /// Checks its tables against each other, between collections. Slow: for tests.
    ///
    /// # Errors
    /// The first contradiction, in words.
    fn verify(&self) -> Result<(), String> {
        Ok(())
    }
}

/// [`Space::is_allocated`] of all spaces of a collector, for probes.
pub trait IsAllocated: Fn(ObjectReference) -> bool {}

impl<F: Fn(ObjectReference) -> bool> IsAllocated for F {}

/// The accounts of a [`Space`] that consists of two: their sums.
macro_rules! accounts_of {
    ($first:ident, $second:ident) => {
        fn reserved_bytes(&self) -> u64 {
            self.$first.reserved_bytes() + self.$second.reserved_bytes()
        }

        fn metadata_bytes(&self) -> u64 {
            self.$first.metadata_bytes() + self.$second.metadata_bytes()
        }

        fn allocated(&self) -> $crate::Occupancy {
            self.$first.allocated().plus(self.$second.allocated())
        }

        fn allocated_bytes(&self) -> u64 {
            self.$first.allocated_bytes() + self.$second.allocated_bytes()
        }

        fn is_allocated(&self, object: $crate::ObjectReference) -> bool {
            self.$first.is_allocated(object) || self.$second.is_allocated(object)
        }
    };
}
pub(crate) use accounts_of;

/// A space of objects up to half a block; [`crate::WithLarge`] adds the larger ones.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait SmallSpace: Space {
    /// The heap it takes its blocks from.
    fn heap(&self) -> &Heap;

    /// A new object in memory that the space has reserved, its slots null, its payload zero and the
    /// collector's half of its header `bits`; `None` if there is no room, or the object is large.
    fn alloc(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference>;

    /// [`SmallSpace::alloc`] in the slow path; `None` in a space that must first check the room under the
    /// limit, as [`SmallSpace::alloc_growing`] does.
    fn alloc_in_slow_path(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.alloc(layout, bits)
    }

    /// A new small object, for which the space may take a block if that leaves `kept_bytes` available
    /// under the limit; `None` otherwise.
    fn alloc_growing(
        &mut self,
        layout: Layout,
        bits: u32,
        kept_bytes: u64,
    ) -> Option<ObjectReference>;

    /// A new small object in memory meant for other sizes, at the heap limit; `None` if there is none.
    fn alloc_anywhere(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        None
    }

    /// Whether a large object on a run of `run_bytes` leaves enough room under the limit.
    fn admits_large(&self, run_bytes: u64, kept_bytes: u64) -> bool;

    /// Makes the mark tables reach a large object; false if the limit has no room.
    fn cover_large(&mut self, large: ObjectReference) -> bool;

    /// A large object of `bytes` has been allocated.
    fn large_allocated(&mut self, large: ObjectReference, bytes: u32) {}

    /// Bytes that a [`crate::Sizer`] counts: blocks, or objects where blocks have no holes.
    fn sized_bytes(&self) -> u64 {
        self.reserved_bytes()
    }
}

/// A space of small objects whose mark tables also mark large objects.
pub trait MarkedSpace: SmallSpace {
    /// Clears the mark of a large object after a trace. Returns whether it had one.
    fn unmark_large(&self, large: ObjectReference) -> bool;
}

/// A space that a tracing collector reclaims.
pub trait CollectedSpace: Space {
    /// A new object without a collection: in memory meant for it, or by growing if the space `may_grow`;
    /// or anywhere, if the last collection left no such memory, for another so soon would leave none
    /// either. The collector's half of its header is `bits`. `None` if a collection is due.
    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        bits: u32,
        may_grow: bool,
    ) -> Option<ObjectReference>;

    /// The new object that triggered a collection, regardless of policy; `None` if the heap is too small.
    fn alloc_after_collecting(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference>;

    /// Bytes that a [`crate::Sizer`] counts: see [`SmallSpace::sized_bytes`].
    fn sized_bytes(&self) -> u64;
}
