//! Programs: the forms of their objects and their operations.
//!
//! Every sequence of operations is a program. Operands are picked by a number modulo what there is
//! to pick from, and an operation without an operand does nothing.

use heap::{Layout, Shape, SlotKind};

heap::shape! {
    /// No slots.
    pub(crate) struct Leaf {
        word ID, DATA;
    }
}

heap::shape! {
    /// Two slots of each kind.
    pub(crate) struct Pair {
        own LEFT, RIGHT;
        shared FIRST, SECOND;
        borrow BACK, ASIDE;
        word ID, DATA;
    }
}

heap::shape! {
    /// A larger cell, mostly of own slots.
    pub(crate) struct Wide {
        own A, B, C, D, E;
        shared F;
        borrow G;
        word ID, DATA, X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, XA, XB, XC, XD;
    }
}

/// What an object looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Leaf,
    Pair,
    Wide,
    /// This many slots of one kind, and two payload words.
    Array(SlotKind, u32),
}

impl Form {
    pub(crate) fn layout(self) -> Layout {
        match self {
            Self::Leaf => Leaf::LAYOUT,
            Self::Pair => Pair::LAYOUT,
            Self::Wide => Wide::LAYOUT,
            Self::Array(kind, slots) => Layout::array(kind, slots, 2).expect("arrays are short"),
        }
    }

    pub(crate) fn is_array(self) -> bool {
        matches!(self, Self::Array(..))
    }

    /// The kind of slot number `index`.
    pub(crate) fn kind(self, index: u32) -> SlotKind {
        let layout = self.layout();
        let own = layout.slots_of(SlotKind::Own);
        if index < own {
            SlotKind::Own
        } else if index < own + layout.slots_of(SlotKind::Shared) {
            SlotKind::Shared
        } else {
            SlotKind::Borrow
        }
    }

    /// The slots that `wanted` accepts, but of a long array only the first few and the last.
    pub(crate) fn slots(self, wanted: impl Fn(SlotKind) -> bool) -> Vec<u32> {
        let count = self.layout().slots();
        let (first, last) = (0..count.min(8), count.saturating_sub(1).max(8)..count);
        first.chain(last).filter(|&slot| wanted(self.kind(slot))).collect()
    }
}

/// Picks an operand: this number modulo what there is.
pub(crate) type Pick = u8;

/// An operation that may reclaim: no view outlives it.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Operations that may not reclaim, on views loaded before the first of them.
    Quietly(Vec<QuietOp>),
    Alloc(Form),
    /// Allocates objects that only own or shared slots of others hold, where they are empty.
    Graft(Form, Vec<(Pick, Pick)>),
    Build(Form, Vec<Pick>),
    /// Allocates this many objects and drops or frees each at once.
    Churn(Form, u16, bool),
    Forget(Pick),
    Drop(Pick),
    Free(Pick),
    Scope(Vec<Op>),
    /// A scope that returns a root, if there is one and `true`.
    Yields(Vec<Op>, bool, Pick),
    BeginRegion,
    AllocIn(Form, Pick),
    BuildIn(Pick, Vec<Pick>),
    EndRegion(Pick),
    Safepoint,
    Collect,
}

/// An operation that may not reclaim.
#[derive(Clone, Copy, Debug)]
pub(crate) enum QuietOp {
    /// Empties one of the shared and borrow slots that are not.
    Clear(Pick),
    Store(Pick, Pick, Option<Pick>),
    StoreInt(Pick, Pick, i32),
    /// Moves a root (or nothing) into an own slot.
    Put(Pick, Pick, Option<Pick>),
    Take(Pick, Pick),
    Swap(Pick, Pick, Pick, Pick),
    SetWord(Pick, u64),
    Keep(Pick),
    Nowhere,
    Aim(Pick, Option<Pick>),
    AimGlobal(Pick, Option<Pick>),
}
