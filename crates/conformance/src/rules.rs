//! The rules by which a discipline reclaims, as its capabilities tell: what a kit may demand of it.

use heap::{Caps, SlotKind};

/// When and what a discipline reclaims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// Nothing.
    NeverReclaims,
    /// A region's objects at its end.
    EndsRegions,
    /// What the author frees, and a region's objects.
    FreesByHand,
    /// What loses its owner, and a region's objects.
    Owns,
    /// What loses its last reference of any kind.
    Counts,
    /// What loses its last reference of any kind; cycles of garbage at a collection.
    CountsAndTraces,
    /// What no slot of any kind and no root refers to, at a collection; cycles never.
    CountsLater,
    /// What loses its last strong reference; its memory goes with the last borrow.
    CountsWeakly,
    /// What cannot be reached, at a collection.
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

    /// Whether a program must see to it that nothing it reads is reclaimed.
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

    /// Whether what nobody holds is gone after every operation that may reclaim.
    pub(crate) fn reclaim_unheld(self) -> bool {
        matches!(self, Self::Owns | Self::Counts | Self::CountsAndTraces | Self::CountsWeakly)
    }
}
