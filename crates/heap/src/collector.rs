//! The collectors' contract: one trait, the capabilities and settings of a collector, and the protocols
//! that collectors share.

pub(crate) mod any;
pub(crate) mod caps;
pub(crate) mod config;
pub(crate) mod in_cycles;
pub(crate) mod inspect;
pub(crate) mod nursery_policy;
pub(crate) mod pacer;
pub(crate) mod parts;
pub(crate) mod room;
pub(crate) mod sizer;
pub(crate) mod skeleton;
pub(crate) mod stop_the_world;

use crate::blocks::heap::Heap;
use crate::collector::caps::Caps;
use crate::collector::config::Config;
use crate::collector::inspect::Inspect;
use crate::collector::parts::Parts;
use crate::context::Context;
use crate::context::events::Cause;
use crate::memory::budget::AllocResult;
use crate::memory::parameter::Parameter;
use crate::memory::value::{ObjectReference, Value};
use crate::object::header::{Layout, ObjectSlot, SlotKind};
use std::io;

/// A memory-management discipline.
///
/// Static dispatch; methods with empty defaults compile to nothing. Barriers take `&self`: counts
/// and colours are header atomics, logs are [`crate::Stack`]s.
///
/// **Invariant:** nothing that was reachable at the last safepoint (the last operation that took the
/// mutator exclusively), or loaded or allocated since, is reclaimed or moved before the next one.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait Collector: Inspect + Sized + 'static {
    // ---- to be implemented --------------------------------------------------------------------

    /// Its capabilities.
    const CAPS: Caps;

    /// A collector for an empty heap.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    fn new(heap: &Heap, config: &Config) -> io::Result<Self>;

    /// A new object, its slots null and its payload zero. Implementations inline a fast path and
    /// keep the rest cold. Under counting the object begins with one count, its root's.
    ///
    /// # Errors
    /// If the heap limit is reached and nothing can be reclaimed.
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult;

    /// Its spaces and queues, from which every account follows.
    fn parts(&self) -> Parts<'_>;

    // ---- with defaults: constants -------------------------------------------------------------

    /// Collector bits in the header of a new object.
    const NEW: u32 = 0;

    /// The parameters that it reads from its [`Config`].
    const PARAMETERS: &'static [Parameter] = &[];

    /// [`Collector::CAPS`], also where the type is [`crate::AnyCollector`].
    #[inline(always)]
    fn caps(&self) -> Caps {
        Self::CAPS
    }

    // ---- with defaults: barriers --------------------------------------------------------------

    /// Write barrier: stores `new` in a slot. It subsumes the store, so it may read the old value. The kind of
    /// the slot is a constant at every call.
    ///
    /// An own slot is filled or emptied by a move: ownership moves too, and no count changes. A tracer skips
    /// weak and ephemeral slots until its trace is done.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        slot.write(cx.memory(), new);
    }

    /// Read barrier: `value` was loaded from a slot of `kind`, or from the queue of finalizable objects
    /// (as weak). Returns the value that the program sees: null for a borrow whose referent is dead. A
    /// concurrent tracer must grey a value loaded from a weak or ephemeral slot.
    #[inline(always)]
    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value {
        value
    }

    /// An own slot lost this object, and nothing owns it any more.
    #[inline(always)]
    fn owner_lost(&self, cx: &Context, object: ObjectReference) {}

    /// A local or global now refers to the object.
    #[inline(always)]
    fn root_added(&self, cx: &Context, object: ObjectReference) {}

    /// A local or global no longer refers to the object, in an operation that may not reclaim.
    #[inline(always)]
    fn root_removed_deferred(&self, cx: &Context, object: ObjectReference) {}

    // ---- with defaults: reclamation -----------------------------------------------------------

    /// A root (`owned`) or a local no longer refers to the object.
    #[inline(always)]
    fn root_removed(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {}

    /// Reclaims the parked objects that are still without an owner or a count.
    #[inline(always)]
    fn process_parked(&mut self, cx: &mut Context) {}

    /// The program frees an object that a root owned.
    #[inline(always)]
    fn free(&mut self, cx: &mut Context, object: ObjectReference) {
        self.root_removed(cx, object, true);
    }

    /// Collects now, if the discipline collects at all.
    fn collect(&mut self, cx: &mut Context, cause: Cause) {}

    // ---- with defaults: regions ---------------------------------------------------------------

    /// Begins a region. Returns its number.
    fn region_begin(&mut self, cx: &mut Context) -> u32 {
        0
    }

    /// A new object in a region.
    ///
    /// # Errors
    /// As [`Collector::alloc`].
    #[inline(always)]
    fn region_alloc(&mut self, cx: &mut Context, region: u32, layout: Layout) -> AllocResult {
        self.alloc(cx, layout)
    }

    /// Ends a region.
    fn region_end(&mut self, cx: &mut Context, region: u32) {}
}
