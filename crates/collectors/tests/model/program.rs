//! Random programs: the forms of their objects, their operations, and how proptest draws them.
//!
//! Every sequence of operations is a program. Operands are picked by a number modulo what there is
//! to pick from, and an operation without an operand does nothing; so proptest may cut a failing
//! program down as it likes.

use heap::{Layout, Shape, SlotKind};
use proptest::collection::vec;
use proptest::prelude::*;

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

/// One operation of a program.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Alloc(Form),
    Build(Form, Vec<Pick>),
    /// Allocates this many objects and drops or frees each at once.
    Churn(Form, u16, bool),
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

fn form() -> impl Strategy<Value = Form> {
    let kind = prop_oneof![Just(SlotKind::Own), Just(SlotKind::Shared), Just(SlotKind::Borrow)];
    let kind = kind.boxed();
    prop_oneof![
        3 => Just(Form::Leaf),
        8 => Just(Form::Pair),
        2 => Just(Form::Wide),
        2 => (kind.clone(), 0u32..20).prop_map(|(kind, slots)| Form::Array(kind, slots)),
        1 => (kind, 4100u32..20_000).prop_map(|(kind, slots)| Form::Array(kind, slots)),
    ]
}

fn simple() -> impl Strategy<Value = Op> {
    let pick = any::<Pick>;
    let maybe = || prop_oneof![1 => Just(None), 3 => any::<Pick>().prop_map(Some)];
    let shape = || prop_oneof![3 => Just(Form::Pair), 1 => Just(Form::Wide), 1 => Just(Form::Leaf)];
    prop_oneof![
        8 => form().prop_map(Op::Alloc),
        4 => (prop_oneof![Just(Form::Pair), Just(Form::Wide)], vec(pick(), 0..4))
            .prop_map(|(form, roots)| Op::Build(form, roots)),
        1 => (shape(), 0u16..600, any::<bool>()).prop_map(|(f, n, free)| Op::Churn(f, n, free)),
        12 => (pick(), pick(), maybe()).prop_map(|(o, slot, new)| Op::Store(o, slot, new)),
        2 => (pick(), pick(), -(1 << 30)..(1 << 30)).prop_map(|(o, s, int)| Op::StoreInt(o, s, int)),
        8 => (pick(), pick(), maybe()).prop_map(|(o, slot, root)| Op::Put(o, slot, root)),
        4 => (pick(), pick()).prop_map(|(o, slot)| Op::Take(o, slot)),
        3 => (pick(), pick(), pick(), pick()).prop_map(|(a, s, b, t)| Op::Swap(a, s, b, t)),
        1 => (pick(), any::<u64>()).prop_map(|(o, word)| Op::SetWord(o, word)),
        4 => pick().prop_map(Op::Keep),
        1 => Just(Op::Nowhere),
        3 => (pick(), maybe()).prop_map(|(local, to)| Op::Aim(local, to)),
        2 => (pick(), maybe()).prop_map(|(global, to)| Op::AimGlobal(global, to)),
        3 => pick().prop_map(Op::Forget),
        3 => pick().prop_map(Op::Drop),
        3 => pick().prop_map(Op::Free),
        2 => Just(Op::BeginRegion),
        4 => (shape(), pick()).prop_map(|(form, region)| Op::AllocIn(form, region)),
        2 => (pick(), vec(pick(), 0..3)).prop_map(|(region, locals)| Op::BuildIn(region, locals)),
        1 => pick().prop_map(Op::EndRegion),
        2 => Just(Op::Safepoint),
        1 => Just(Op::Collect),
    ]
}

/// A program.
pub(crate) fn program() -> impl Strategy<Value = Vec<Op>> {
    let op = simple().prop_recursive(3, 60, 12, |inner| {
        let body = vec(inner, 0..12).boxed();
        prop_oneof![
            1 => body.clone().prop_map(Op::Scope),
            1 => (body, any::<bool>(), any::<Pick>()).prop_map(|(b, ok, root)| Op::Yields(b, ok, root)),
        ]
    });
    // Mostly operations of the outermost scope, so that roots of it are consumed in inner ones.
    vec(prop_oneof![4 => simple(), 1 => op], 1..80)
}
