//! The rules by which a discipline reclaims, derived from its capabilities: the kit checks them.

use heap::{Caps, SlotKind};

/// The objects that a discipline reclaims, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// Nothing.
    NeverReclaims,
    /// A region's objects at its end.
    EndsRegions,
    /// The objects that the program frees, and a region's objects.
    FreesByHand,
    /// Objects that lose their owner, and a region's objects.
    Owns,
    /// Objects that lose their last reference of any kind.
    Counts,
    /// Objects that lose their last reference of any kind; cycles of garbage at a collection.
    CountsAndTraces,
    /// At a collection, objects that no slot of any kind and no root refers to; cycles never.
    CountsLater,
    /// Objects that lose their last strong reference; their memory is freed with the last borrow.
    CountsWeakly,
    /// Unreachable objects, at a collection.
    Traces,
}

impl Rules {
    /// The rules of a collector with these capabilities.
    pub fn of(caps: Caps) -> Self {
        match caps {
            Caps { counts: true, weak: true, .. } => Self::CountsWeakly,
            Caps { counts: true, cycles: true, .. } => Self::CountsAndTraces,
            Caps { counts: true, .. } => Self::Counts,
            Caps { defers: true, .. } => Self::CountsLater,
            Caps { cycles: true, .. } => Self::Traces,
            Caps { drops: true, .. } => Self::Owns,
            Caps { needs_free: true, .. } => Self::FreesByHand,
            Caps { regions: true, .. } => Self::EndsRegions,
            _ => Self::NeverReclaims,
        }
    }

    /// Whether the program must ensure that nothing it reads is reclaimed.
    pub(crate) fn trust_programs(self) -> bool {
        matches!(self, Self::EndsRegions | Self::FreesByHand | Self::Owns)
    }

    /// Whether a region's objects live until its end.
    pub(crate) fn have_regions(self) -> bool {
        self.trust_programs()
    }

    /// Whether a slot or handle of this kind keeps its referent; `None` is a non-owning handle.
    pub(crate) fn hold(self, kind: Option<SlotKind>) -> bool {
        match self {
            Self::Owns => kind == Some(SlotKind::Own),
            Self::Counts | Self::CountsAndTraces | Self::CountsLater => true,
            Self::CountsWeakly => !matches!(kind, Some(SlotKind::Borrow | SlotKind::Weak)),
            _ => false,
        }
    }

    /// Whether every operation that may reclaim frees all objects that nothing holds.
    pub(crate) fn reclaim_unheld(self) -> bool {
        matches!(self, Self::Owns | Self::Counts | Self::CountsAndTraces | Self::CountsWeakly)
    }
}
