//! Objects of any size: a space of small objects and a large-object space.

use crate::blocks::heap::Heap;
use crate::memory::budget::AllocResult;
use crate::memory::units::BLOCK_BYTES;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;
use crate::space::large::LargeSpace;
use crate::space::{CollectedSpace, MarkedSpace, SmallSpace, Space, accounts_of};

/// A space of small objects `S`, and large objects.
#[derive(Debug)]
pub struct WithLarge<S> {
    /// Objects up to half a block.
    pub small: S,
    /// All others, which never move.
    pub large: LargeSpace,
    /// Bytes under the heap limit that growing leaves available.
    pub kept_bytes: u64,
    /// Whether the last collection left no memory meant for the object that triggered it.
    is_tight: bool,
    pub(super) heap: Heap,
}

impl<S: SmallSpace> WithLarge<S> {
    /// The empty space `small`, and one for large objects.
    pub fn over(small: S) -> Self {
        let heap = small.heap().clone();
        Self { small, large: LargeSpace::new(&heap), kept_bytes: 0, is_tight: false, heap }
    }

    /// The heap it takes its blocks from.
    #[inline(always)]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    // ---- allocating ---------------------------------------------------------------------------

    /// A new object in memory that this space has reserved, its slots null and its payload zero; `None` if
    /// there is no room.
    #[inline(always)]
    pub fn alloc(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.small.alloc(layout, bits)
    }

    /// A new object, for which the space may grow; `None` if the heap limit has no room.
    #[cold]
    #[inline(never)]
    pub fn alloc_growing(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        if layout.is_small() {
            return self.small.alloc_growing(layout, bits, self.kept_bytes);
        }
        let run_bytes = u64::from(layout.bytes()).next_multiple_of(u64::from(BLOCK_BYTES));
        if !self.small.admits_large(run_bytes, self.kept_bytes) {
            return None;
        }
        let Self { small, large, .. } = self;
        let object = large.alloc(layout, bits, |o| small.cover_large(o))?;
        small.large_allocated(object, layout.bytes());
        Some(object)
    }

    /// A new object of a discipline that never collects.
    ///
    /// # Errors
    /// If the heap limit has no room.
    #[inline(always)]
    pub fn alloc_or_grow(&mut self, layout: Layout, bits: u32) -> AllocResult {
        match self.alloc(layout, bits) {
            Some(object) => Ok(object),
            None => self.alloc_growing(layout, bits).ok_or_else(|| self.heap.out_of_memory(layout)),
        }
    }

    /// A new object in any memory that this space has reserved: the last resort at the heap limit; `None`
    /// if it fits nowhere.
    pub fn alloc_anywhere(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        self.small.alloc_anywhere(layout, bits)
    }

    /// `found`, the object allocated in memory meant for it after a collection, or else one anywhere.
    pub fn or_anywhere(
        &mut self,
        found: Option<ObjectReference>,
        layout: Layout,
        bits: u32,
    ) -> Option<ObjectReference> {
        self.is_tight = found.is_none();
        found.or_else(|| self.alloc_anywhere(layout, bits))
    }
}

impl<S: MarkedSpace> WithLarge<S> {
    /// Reclaims the large objects that are not marked.
    pub fn sweep_large(&mut self) {
        self.large.sweep(|object| self.small.unmark_large(object));
    }
}

impl<S: SmallSpace> CollectedSpace for WithLarge<S> {
    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        bits: u32,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        let object = self.small.alloc_in_slow_path(layout, bits);
        let object = object.or_else(|| may_grow.then(|| self.alloc_growing(layout, bits))?);
        object.or_else(|| self.is_tight.then(|| self.alloc_anywhere(layout, bits))?)
    }

    fn alloc_after_collecting(&mut self, layout: Layout, bits: u32) -> Option<ObjectReference> {
        let object = self.small.alloc_in_slow_path(layout, bits);
        let object = object.or_else(|| self.alloc_growing(layout, bits));
        self.or_anywhere(object, layout, bits)
    }

    fn sized_bytes(&self) -> u64 {
        self.small.sized_bytes() + self.large.reserved_bytes()
    }
}

impl<S: SmallSpace> Space for WithLarge<S> {
    accounts_of!(small, large);

    fn verify(&self) -> Result<(), String> {
        self.small.verify()
    }
}
