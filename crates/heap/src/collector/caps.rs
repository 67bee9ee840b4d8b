//! Capabilities and needs of a collector, as plain data.

use crate::object::header::SlotKind;

/// The work of a write barrier in addition to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// Nothing.
    None,
    /// Increments the new referent's count and decrements the old one's.
    Counting,
    /// Logs an object before its first change since the last epoch, for deferred counting.
    Logging,
    /// Remembers an old object that a young one is stored in.
    Remembering,
    /// Shades the reference that is overwritten, while marking (Yuasa).
    Deletion,
    /// Shades the reference that is stored, while marking (Dijkstra).
    Insertion,
}

/// Capabilities and needs of a collector: they decide, before a run, which workloads apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// Keeps counts in the header, so it must see every root and slot that gains or loses a reference.
    pub counts: bool,
    /// Counts the references of slots but not those of the program, so that it reclaims later: at the
    /// latest in a requested collection. Not together with `counts`.
    pub defers: bool,
    /// The highest count: it sticks there, and the object is never reclaimed.
    pub most_counted: u32,
    /// Drops the objects that a scope's roots own when the scope ends.
    pub drops: bool,
    /// Parks victims of operations that may not reclaim.
    pub parks: bool,
    /// Reclaims cyclic garbage.
    pub cycles: bool,
    /// Reclaims when the heap limit is reached, so that a multiple of the live size binds it.
    pub bounded: bool,
    /// Frees only where the program does so explicitly: the workload must have free points.
    pub needs_free: bool,
    /// Reads a borrow as null once its referent is dead. Without it, borrows are trusted, unless they
    /// keep their referent alive.
    pub weak: bool,
    /// Has arrays of weak slots, which it clears when their referents die.
    pub weak_slots: bool,
    /// Has arrays of ephemerons.
    pub ephemerons: bool,
    /// Detects that an object registered for finalization has become unreachable, and returns it.
    pub finalizers: bool,
    /// Frees a region at its end, at once.
    pub regions: bool,
    /// Allows shared slots outside regions. Under ownership alone, no owner would drop such an object.
    pub shared: bool,
    /// Moves objects: `alloc`, `region_alloc`, `collect` and `step` may, and record it in
    /// [`crate::Context::moves`]; no other function does. Not together with `parks`: a parked object is
    /// known by its address.
    pub moves: bool,
    /// Its write barrier.
    pub barrier: Barrier,
    /// Bytes per object that this discipline alone would need in a header: counts, and the layout
    /// where objects are traced rather than dropped by code that knows their type.
    pub header_bytes: u32,
}

impl Caps {
    /// A discipline that never reclaims: the base of the others.
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
        barrier: Barrier::None,
        header_bytes: 0,
    };

    /// Every capability: those that a collector of unknown type may have, see
    /// [`crate::Collector::caps`].
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

    /// A tracing discipline, non-moving, with reference processing (see [`crate::ReferenceProcessor`]).
    pub const TRACING: Self = Self {
        cycles: true,
        bounded: true,
        weak_slots: true,
        ephemerons: true,
        finalizers: true,
        header_bytes: 4,
        ..Self::NONE
    };

    /// A tracing discipline that moves objects.
    pub const MOVING: Self = Self { moves: true, ..Self::TRACING };

    /// Immediate reference counting, with counts up to `most_counted`.
    pub const fn counting(most_counted: u32) -> Self {
        let barrier = Barrier::Counting;
        Self {
            counts: true,
            most_counted,
            drops: true,
            parks: true,
            barrier,
            header_bytes: 4,
            ..Self::NONE
        }
    }

    /// Ownership: dropped by the owner, shared in regions only.
    pub const OWNING: Self =
        Self { drops: true, parks: true, regions: true, shared: false, ..Self::NONE };

    /// Refuses contradictions, at compile time where the value is a constant.
    ///
    /// # Panics
    /// If two capabilities contradict each other.
    #[must_use]
    pub const fn consistent(self) -> Self {
        assert!(!(self.counts && self.defers), "a count is immediate or deferred, not both");
        assert!(
            !(self.moves && self.parks),
            "a parked object is known by its address: it cannot move"
        );
        assert!(!self.parks || self.releases(), "only a discipline that drops or counts parks");
        assert!(!self.weak || self.counts, "a borrow that reads as null needs a count");
        assert!(
            !(self.ephemerons || self.finalizers) || self.cycles,
            "ephemerons and finalizers need a trace, which reclaims cycles"
        );
        assert!(
            !(self.needs_free && self.bounded),
            "a discipline that frees explicitly has no heap limit"
        );
        self
    }

    /// Whether arrays of slots of `kind` can be allocated.
    #[inline(always)]
    pub const fn has(self, kind: SlotKind) -> bool {
        match kind {
            SlotKind::Own | SlotKind::Shared | SlotKind::Borrow => true,
            SlotKind::Weak => self.weak_slots,
            SlotKind::Ephemeral => self.ephemerons,
        }
    }

    /// Whether the collector must see the removal of roots.
    #[inline(always)]
    pub const fn releases(self) -> bool {
        self.counts || self.drops
    }
}
