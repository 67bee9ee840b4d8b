//! The collectors' side of the heap: one trait, its capabilities and its errors.

pub(crate) mod any;
pub(crate) mod config;
pub(crate) mod sizer;
pub(crate) mod stop_the_world;

use crate::blocks::heap::Heap;
use crate::collector::config::Config;
use crate::context::Context;
use crate::context::events::Cause;
use crate::memory::Offset32;
use crate::memory::budget::OutOfMemory;
use crate::memory::footprint::{Footprint, Occupancy};
use crate::memory::parameter::Parameter;
use crate::memory::value::{ObjectReference, Value};
use crate::object::header::{Layout, SlotKind};

/// What a collector can do and what it needs: decides, before anything runs, which workloads apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// Keeps counts in the header, so every root and slot that comes or goes must be told.
    pub counts: bool,
    /// Counts the references of slots and leaves out those of the program, so that it reclaims later:
    /// at the latest when it is asked to collect. Not together with `counts`.
    pub defers: bool,
    /// The highest count: at it a count sticks, and what it counts is never reclaimed.
    pub most_counted: u32,
    /// Drops what a scope's roots own when the scope ends.
    pub drops: bool,
    /// Parks victims of operations that may not reclaim.
    pub parks: bool,
    /// Reclaims cyclic garbage.
    pub cycles: bool,
    /// Reclaims when the heap limit is reached, so that a multiple of the live size binds it.
    pub bounded: bool,
    /// Frees only where the author says, so the workload must have free points.
    pub needs_free: bool,
    /// Reads a borrow as null once its referent is dead. Without it, borrows are trusted, unless they
    /// keep their referent alive.
    pub weak: bool,
    /// Has arrays of weak slots, which it clears when their referents die.
    pub weak_slots: bool,
    /// Has arrays of ephemerons.
    pub ephemerons: bool,
    /// Finds out that an object registered for it has become unreachable, and hands it out.
    pub finalizers: bool,
    /// Frees a region at its end, at once.
    pub regions: bool,
    /// Allows shared slots outside regions. Without an owner there is nobody to drop such an object.
    pub shared: bool,
    /// Moves objects: `alloc`, `region_alloc`, `collect` and `step` may, and record it in
    /// [`Context::moves`]; no other function does. What moves is not parked, for what is parked is known
    /// by its address.
    pub moves: bool,
    /// Bytes per object that this discipline alone would need in a header: counts, and the layout
    /// where objects are traced rather than dropped by code that knows their type.
    pub header_bytes: u32,
}

impl Caps {
    /// A discipline that never reclaims anything: the base to state differences from.
    pub const NONE: Self = Self {
        counts: false,
        defers: false,
        most_counted: u32::MAX,
        drops: false,
        parks: false,
        cycles: false,
        bounded: false,
        needs_free: false,
        weak: false,
        weak_slots: false,
        ephemerons: false,
        finalizers: false,
        regions: false,
        shared: true,
        moves: false,
        header_bytes: 0,
    };

    /// Everything at once: what a collector whose type is not known may be able to do, see
    /// [`Collector::caps`].
    pub const ANY: Self = Self {
        counts: true,
        defers: true,
        drops: true,
        parks: true,
        cycles: true,
        bounded: true,
        needs_free: true,
        weak: true,
        regions: true,
        moves: true,
        weak_slots: true,
        ephemerons: true,
        finalizers: true,
        ..Self::NONE
    };

    /// What a discipline can do that traces and looks at [`crate::WeakTables`] when the trace is done:
    /// to be combined with `..`.
    pub const WEAK: Self =
        Self { weak_slots: true, ephemerons: true, finalizers: true, ..Self::NONE };

    /// Whether arrays of such slots can be made.
    #[inline(always)]
    pub const fn has(self, kind: SlotKind) -> bool {
        match kind {
            SlotKind::Own | SlotKind::Shared | SlotKind::Borrow => true,
            SlotKind::Weak => self.weak_slots,
            SlotKind::Ephemeral => self.ephemerons,
        }
    }

    /// Whether roots that leave must be told to the collector.
    #[inline(always)]
    pub const fn releases(self) -> bool {
        self.counts || self.drops
    }
}

/// What a marker knows of an object (Dijkstra and others 1978).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Not reached yet; reclaimed if it stays so.
    White,
    /// Reached, its slots still to be looked at.
    Grey,
    /// Done with.
    Black,
}

/// A part of a collection that is done in steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The roots, or a snapshot of them; nothing if a collection is under way.
    Start,
    /// A bounded piece of work; nothing if none is under way.
    Advance,
    /// What is left of it.
    Finish,
}

/// A memory-management discipline.
///
/// Static dispatch; what a collector leaves out compiles to nothing. Barriers take `&self`: counts
/// and colours are header atomics, logs are [`crate::Stack`]s.
///
/// **Invariant:** nothing that was reachable at the last safepoint (the last operation that took the
/// mutator exclusively), or loaded or allocated since, is reclaimed or moved before the next one.
pub trait Collector: Sized + 'static {
    // ---- to be implemented --------------------------------------------------------------------

    /// What it can do.
    const CAPS: Caps;

    /// A collector for an empty heap.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    fn new(heap: &Heap, config: &Config) -> std::io::Result<Self>;

    /// A new object, its slots null and its payload zero. Implementations inline a fast path and
    /// keep the rest cold. Under counting the object begins with one count, its root's.
    ///
    /// # Errors
    /// If the heap limit is reached and nothing can be reclaimed.
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory>;

    /// The parts of the footprint that the collector's spaces and tables make up.
    fn footprint(&self) -> Footprint;

    /// Objects not yet reclaimed, and the bytes of their cells.
    fn occupied(&self) -> Occupancy;

    /// Whether the object's memory is allocated to an object now.
    fn is_allocated(&self, object: ObjectReference) -> bool;

    /// The heap it works on.
    fn heap(&self) -> &Heap;

    // ---- with defaults: what it is --------------------------------------------------------------

    /// What this one can do: a constant, but for [`crate::AnyCollector`].
    #[inline(always)]
    fn caps(&self) -> Caps {
        Self::CAPS
    }

    /// What it reads from its [`Config`].
    const PARAMETERS: &'static [Parameter] = &[];

    /// Those of them above which it works in another way. Tests, whose heaps are small, have them at
    /// the least they may be.
    const THRESHOLDS: &'static [Parameter] = &[];

    // ---- with defaults: barriers ---------------------------------------------------------------

    /// Stores a value in a shared or borrow slot. A subsuming barrier: it may read the old value.
    #[inline(always)]
    fn store(
        &self,
        cx: &Context,
        object: ObjectReference,
        at: Offset32,
        kind: SlotKind,
        new: Value,
    ) {
        let _ = (cx, kind);
        self.heap().memory().write(object, at, new.bits());
    }

    /// Fills or empties an own slot by a move: ownership goes with it, and no count changes.
    #[inline(always)]
    fn moved(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        let _ = cx;
        self.heap().memory().write(object, at, new.bits());
    }

    /// An own slot lost this object to nobody: it has no owner any more.
    #[inline(always)]
    fn orphan(&self, cx: &Context, object: ObjectReference) {
        let _ = (cx, object);
    }

    /// A reference was loaded from a slot. What it returns is what the program sees: null for a
    /// borrow whose referent is gone.
    #[inline(always)]
    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value {
        let _ = (cx, kind);
        value
    }

    /// Stores a reference in a hidden slot (weak or ephemeral). A tracer need not know: it looks at them
    /// when the trace is done.
    #[inline(always)]
    fn store_hidden(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        let _ = cx;
        self.heap().memory().write(object, at, new.bits());
    }

    /// A reference was taken from a hidden slot, or from the queue of finalizable objects, and is the
    /// program's from now on: a tracer that works beside the program must reach it. What it returns is
    /// what the program sees.
    #[inline(always)]
    fn load_hidden(&self, cx: &Context, value: Value) -> Value {
        let _ = cx;
        value
    }

    /// A local or global now refers to the object.
    #[inline(always)]
    fn retain(&self, cx: &Context, object: ObjectReference) {
        let _ = (cx, object);
    }

    /// A local or global no longer refers to the object, in an operation that may not reclaim.
    #[inline(always)]
    fn unretain(&self, cx: &Context, object: ObjectReference) {
        let _ = (cx, object);
    }

    // ---- with defaults: reclamation -----------------------------------------------------------

    /// A root (`owned`) or a local has gone.
    #[inline(always)]
    fn release(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {
        let _ = (cx, object, owned);
    }

    /// Settles what is parked.
    #[inline(always)]
    fn reclaim(&mut self, cx: &mut Context) {
        let _ = cx;
    }

    /// The author says that the object, which a root owned, is not used any more.
    #[inline(always)]
    fn free(&mut self, cx: &mut Context, object: ObjectReference) {
        self.release(cx, object, true);
    }

    /// Collects now, if the discipline collects at all.
    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        let _ = (cx, cause);
    }

    /// Does a part of a collection now, if the discipline collects in parts.
    fn step(&mut self, cx: &mut Context, step: Step) {
        let _ = (cx, step);
    }

    /// Most threads that have worked on a collection at once, the program's own included.
    fn threads(&self) -> u32 {
        1
    }

    // ---- with defaults: checks ----------------------------------------------------------------

    /// Checks its own tables: lists against states, counts against references. Slow, for tests.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        let _ = cx;
        Ok(())
    }

    /// The colour of an object while a collection is under way, so that tests see what is hidden from
    /// the marker; `None` when none is.
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        let _ = object;
        None
    }

    // ---- with defaults: regions ---------------------------------------------------------------

    /// Begins a region and names it.
    fn region_begin(&mut self, cx: &mut Context) -> u32 {
        let _ = cx;
        0
    }

    /// A new object in a region.
    ///
    /// # Errors
    /// As [`Collector::alloc`].
    #[inline(always)]
    fn region_alloc(
        &mut self,
        cx: &mut Context,
        region: u32,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        let _ = region;
        self.alloc(cx, layout)
    }

    /// Ends a region.
    fn region_end(&mut self, cx: &mut Context, region: u32) {
        let _ = (cx, region);
    }
}
