//! A heap is a value: object memory, its blocks and the account of committed bytes.
//!
//! No statics: hundreds of heaps exist at once, and tests make thousands a second.

use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::{Block, BlockTable};
use crate::blocks::byte_map::ByteMap;
use crate::blocks::poison;
use crate::blocks::reuse::{Order, Reuse};
use crate::blocks::side_table::SideTable;
use crate::memory::budget::{Budget, OutOfMemory};
use crate::memory::charged_vec::ChargedVec;
use crate::memory::mutant::{MUTANTS, Mutant};
use crate::memory::os;
use crate::memory::parameter::{Parameter, Values};
use crate::memory::stack::Stack;
use crate::memory::sync::{self, Mutex};
use crate::memory::units::ADDRESSABLE_BYTES;
use crate::memory::value::ObjectReference;
use crate::memory::{Base, Memory, ObjectMemory};
use crate::object::header::Layout;
use std::io;
use std::ops::DerefMut;
use std::sync::Arc;

/// When the operating system commits the heap's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Commit {
    /// At the first touch; free blocks are returned. For measuring memory.
    #[default]
    Lazily,
    /// `bytes` before the clock starts, and never returned. For measuring time: page faults would
    /// otherwise be charged to the collector that reuses least.
    Beforehand {
        /// Bytes to populate.
        bytes: u64,
    },
}

/// Configuration of a heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeapConfig {
    /// Limit on the whole footprint, metadata included; `None` for the reservation's 16 GiB.
    pub limit_bytes: Option<u64>,
    /// When memory is committed.
    pub commit: Commit,
    /// Whether objects and side tables lie in huge pages, if the system has some free.
    pub huge_pages: bool,
}

/// The setting of [`HeapConfig::huge_pages`], which the name of every collector accepts.
pub const PAGES: Parameter = Parameter {
    key: "pages",
    values: Values::Words(&["small", "huge"]),
    default: 0.0,
    summary: "pages of heap and side tables; huge ones spare the processor most translations of addresses",
};

/// One heap: a handle, cheap to clone, that its mutator, its collector and their spaces share.
#[derive(Clone, Debug)]
pub struct Heap {
    /// The base of the memory of `shared.blocks`, which every access needs.
    base: Base,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    blocks: Mutex<BlockTable>,
    budget: Arc<Budget>,
    commit: Commit,
    huge_pages: bool,
    order: Order,
}

impl Heap {
    /// Reserves a heap.
    ///
    /// # Errors
    /// If the operating system refuses the address space or huge pages; the message names the setting to
    /// change.
    pub fn new(config: HeapConfig) -> io::Result<Self> {
        Self::with_reuse(config, Reuse::default())
    }

    /// Reserves a heap with a policy for the reuse of freed memory.
    pub(crate) fn with_reuse(config: HeapConfig, reuse: Reuse) -> io::Result<Self> {
        let memory = ObjectMemory::new()?;
        if config.huge_pages {
            os::huge_pages()?;
            memory.use_huge_pages()?;
        }
        if let Commit::Beforehand { bytes } = config.commit {
            memory.populate(bytes);
        }
        let decommits = config.commit == Commit::Lazily;
        let base = memory.view().base();
        let budget = Arc::new(Budget::new(config.limit_bytes.unwrap_or(u64::MAX)));
        let blocks = BlockTable::new(memory, &budget, reuse.retained_blocks, decommits);
        let (blocks, order) = (Mutex::new(blocks), reuse.order);
        let HeapConfig { commit, huge_pages, .. } = config;
        Ok(Self { base, shared: Arc::new(Shared { blocks, budget, commit, huge_pages, order }) })
    }

    /// The object memory.
    #[inline(always)]
    pub fn memory(&self) -> Memory<'_> {
        // SAFETY: the base of the memory of `shared.blocks`, which lives at least as long as this handle.
        unsafe { Memory::at(self.base) }
    }

    /// The account of committed bytes.
    pub fn budget(&self) -> &Budget {
        &self.shared.budget
    }

    /// The order in which its spaces reuse freed cells.
    pub(crate) fn order(&self) -> Order {
        self.shared.order
    }

    /// Whether the memory at the start of an object is committed. On a heap without a sandbox an access
    /// to uncommitted memory would fault.
    pub fn is_committed(&self, object: ObjectReference) -> bool {
        self.blocks().is_committed(Block::of(object))
    }

    /// Whether returned memory is decommitted, or stays populated.
    pub(crate) fn decommits(&self) -> bool {
        self.shared.commit == Commit::Lazily
    }

    /// A stack charged to this heap.
    ///
    /// # Errors
    /// If the operating system refuses the address space.
    pub fn stack(&self) -> io::Result<Stack> {
        Stack::new(Arc::clone(&self.shared.budget), self.decommits())
    }

    /// `N` such stacks.
    ///
    /// # Errors
    /// As [`Heap::stack`].
    pub fn stacks<const N: usize>(&self) -> io::Result<[Stack; N]> {
        let stacks: io::Result<Vec<Stack>> = (0..N).map(|_| self.stack()).collect();
        Ok(stacks?.try_into().unwrap_or_else(|_| unreachable!("there are N of them")))
    }

    /// A stack for reached objects that are still to be marked, copied or dropped. Its pages also count
    /// towards [`Budget::queue_peak_bytes`].
    ///
    /// # Errors
    /// If the operating system refuses the address space.
    pub fn queue(&self) -> io::Result<Stack> {
        Stack::queue(Arc::clone(&self.shared.budget), self.decommits())
    }

    /// A table charged to this heap.
    pub(crate) fn table<T>(&self) -> ChargedVec<T> {
        ChargedVec::new(&self.shared.budget)
    }

    /// A bitmap over this heap's granules, charged to it as it is used.
    ///
    /// # Errors
    /// If the operating system refuses the address space.
    pub fn bitmap(&self) -> io::Result<Bitmap> {
        let bitmap = Bitmap::new(Arc::clone(&self.shared.budget))?;
        self.prepare(&bitmap.table)?;
        Ok(bitmap)
    }

    /// A byte map over this heap's smallest cells, charged to it as it is used.
    pub(crate) fn byte_map(&self) -> io::Result<ByteMap> {
        let map = ByteMap::new(Arc::clone(&self.shared.budget))?;
        self.prepare(&map.table)?;
        Ok(map)
    }

    fn prepare(&self, table: &SideTable) -> io::Result<()> {
        if self.shared.huge_pages {
            table.use_huge_pages()?;
        }
        if let Commit::Beforehand { bytes } = self.shared.commit {
            table.populate(bytes);
        }
        Ok(())
    }

    /// The error for an object of this layout that cannot be allocated; records its size.
    #[cold]
    #[inline(never)]
    pub fn out_of_memory(&self, layout: Layout) -> OutOfMemory {
        self.shared.budget.out_of_memory(u64::from(layout.bytes()));
        OutOfMemory(())
    }

    /// Acquires `count` adjacent blocks; `None` if the limit has no room for them.
    pub(crate) fn acquire(&self, count: u32) -> Option<Block> {
        let start = self.blocks().acquire(count)?;
        poison::poison_blocks(self.memory(), start, count);
        Some(start)
    }

    /// Acquires a block, beyond the limit if necessary: for copies in the middle of a collection, whose
    /// originals cannot stay in place.
    ///
    /// # Panics
    /// If the 16 GiB that references can address are exhausted.
    pub(crate) fn acquire_overdrawing(&self) -> Block {
        let block = self.blocks().acquire_overdrawing();
        let block = block.expect("no address below 16 GiB is left for the copy of an object");
        poison::poison_blocks(self.memory(), block, 1);
        block
    }

    /// Extends tables by `cover`, which returns false if the limit has no room for them: then once more,
    /// without the blocks that are retained.
    pub(crate) fn charges(&self, mut cover: impl FnMut() -> bool) -> bool {
        cover()
            || self.retained_bytes() > 0 && {
                self.blocks().return_retained(|_| true);
                cover()
            }
    }

    /// Releases `count` adjacent blocks.
    pub(crate) fn release(&self, start: Block, count: u32) {
        poison::poison_blocks(self.memory(), start, count);
        self.blocks().release(start, count);
    }

    /// Bytes available for blocks: the rest of the limit, and retained blocks.
    pub fn available_bytes(&self) -> u64 {
        let budget = self.budget();
        let (committed_bytes, retained_bytes) = (budget.committed_bytes(), self.retained_bytes());
        // No heap commits more than references can address.
        let limit_bytes = budget.limit_bytes().min(ADDRESSABLE_BYTES);
        limit_bytes.saturating_sub(committed_bytes) + retained_bytes
    }

    /// Bytes of free blocks that are still committed.
    pub fn retained_bytes(&self) -> u64 {
        self.blocks().retained_bytes()
    }

    /// Bytes of the table of blocks.
    pub fn metadata_bytes(&self) -> u64 {
        self.blocks().metadata_bytes()
    }

    /// Bytes of blocks in spaces.
    pub fn reserved_bytes(&self) -> u64 {
        self.blocks().reserved_bytes()
    }

    fn blocks(&self) -> impl DerefMut<Target = BlockTable> + '_ {
        sync::lock(&self.shared.blocks)
    }

    /// Activates a mutant in this heap. Without the feature it has no effect.
    pub fn infect(&self, mutant: Mutant) {
        if MUTANTS {
            self.memory().null_block().infect(mutant.0);
        }
    }

    /// Whether the switch of a mutant was executed; false without the feature.
    pub fn has_passed(&self, mutant: Mutant) -> bool {
        MUTANTS && self.memory().null_block().has_passed(mutant.0)
    }
}
