//! What a collector can do and what it needs, as plain data.

use crate::object::header::SlotKind;

/// What the write barrier of a collector does beside the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// Nothing.
    None,
    /// Counts the new referent up and the old one down.
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
    /// What its write barrier does.
    pub barrier: Barrier,
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
        barrier: Barrier::None,
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
    /// If no discipline can be like this.
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
        assert!(!(self.needs_free && self.bounded), "who frees by hand keeps to no limit");
        self
    }

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
