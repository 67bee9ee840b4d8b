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

/// Six bytes that [`parse`] makes an operation of: its code, then operands.
pub(crate) type Code = [u8; 6];

/// How often each operation is drawn; the first is what proptest shrinks all others to.
const WEIGHTS: [(u8, Name); 26] = {
    use Name::*;
    [
        (3, Safepoint),
        (10, Alloc),
        (5, Build),
        (1, Churn),
        (60, Store),
        (3, StoreInt),
        (24, Put),
        (10, Take),
        (10, Swap),
        (2, SetWord),
        (6, Keep),
        (1, Nowhere),
        (12, Aim),
        (12, AimGlobal),
        (6, Forget),
        (12, Drop),
        (6, Free),
        (2, BeginRegion),
        (4, AllocIn),
        (2, BuildIn),
        (2, EndRegion),
        (1, Collect),
        (4, OpenScope),
        (2, OpenYields),
        (4, Close),
        (2, CloseAll),
    ]
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Name {
    Safepoint,
    Alloc,
    Build,
    Churn,
    Store,
    StoreInt,
    Put,
    Take,
    Swap,
    SetWord,
    Keep,
    Nowhere,
    Aim,
    AimGlobal,
    Forget,
    Drop,
    Free,
    BeginRegion,
    AllocIn,
    BuildIn,
    EndRegion,
    Collect,
    OpenScope,
    OpenYields,
    Close,
    CloseAll,
}

impl Name {
    fn of(code: u8) -> Self {
        let total: u16 = WEIGHTS.iter().map(|&(weight, _)| u16::from(weight)).sum();
        let mut rest = u16::from(code) * total / 256;
        for (weight, name) in WEIGHTS {
            match rest.checked_sub(u16::from(weight)) {
                Some(less) => rest = less,
                None => return name,
            }
        }
        unreachable!("{code} is below the sum of the weights")
    }
}

/// A form, mostly small; `extra` tells how long an array is.
fn form(code: u8, extra: u8) -> Form {
    let kind = [SlotKind::Own, SlotKind::Shared, SlotKind::Borrow][usize::from(extra) % 3];
    match code % 16 {
        0..3 => Form::Leaf,
        3..11 => Form::Pair,
        11..13 => Form::Wide,
        13..15 => Form::Array(kind, u32::from(extra) / 12),
        _ => Form::Array(kind, 4100 + u32::from(extra) * 20),
    }
}

fn shape(code: u8) -> Form {
    [Form::Pair, Form::Pair, Form::Wide, Form::Leaf][usize::from(code) % 4]
}

/// One pick in four is of nothing.
fn maybe(pick: u8) -> Option<Pick> {
    (pick % 4 != 0).then_some(pick / 4)
}

/// Makes a program of codes, whatever they are: scopes that are not closed end with it.
pub(crate) fn parse(codes: &[Code]) -> Vec<Op> {
    let mut bodies: Vec<(Option<Code>, Vec<Op>)> = vec![(None, Vec::new())];
    let close = |bodies: &mut Vec<(Option<Code>, Vec<Op>)>| {
        if let Some((Some(opened), body)) = bodies.pop_if(|(opened, _)| opened.is_some()) {
            let [_, ok, root, ..] = opened;
            let is_scope = Name::of(opened[0]) == Name::OpenScope;
            let op = if is_scope { Op::Scope(body) } else { Op::Yields(body, ok % 2 == 1, root) };
            bodies.last_mut().expect("the outermost body stays").1.push(op);
        }
    };
    for &code in codes {
        match Name::of(code[0]) {
            Name::OpenScope | Name::OpenYields => bodies.push((Some(code), Vec::new())),
            Name::Close => close(&mut bodies),
            Name::CloseAll => (0..bodies.len()).for_each(|_| close(&mut bodies)),
            name => bodies.last_mut().expect("the outermost body stays").1.push(op(name, code)),
        }
    }
    (0..bodies.len()).for_each(|_| close(&mut bodies));
    bodies.pop().expect("the outermost body stays").1
}

fn op(name: Name, [_, a, b, c, d, e]: Code) -> Op {
    match name {
        Name::Safepoint => Op::Safepoint,
        Name::Alloc => Op::Alloc(form(a, b)),
        Name::Build => {
            let form = if a % 4 == 0 { Form::Wide } else { Form::Pair };
            Op::Build(form, [c, d, e][..usize::from(b) % 4].to_vec())
        }
        Name::Churn => Op::Churn(shape(a), u16::from(b) * 2 + 1, c % 2 == 1),
        Name::Store => Op::Store(a, b, maybe(c)),
        Name::StoreInt => Op::StoreInt(a, b, i32::from_le_bytes([c, d, e, 0]) - (1 << 23)),
        Name::Put => Op::Put(a, b, maybe(c)),
        Name::Take => Op::Take(a, b),
        Name::Swap => Op::Swap(a, b, c, d),
        Name::SetWord => Op::SetWord(a, u64::from_le_bytes([b, c, d, e, b, c, d, e])),
        Name::Keep => Op::Keep(a),
        Name::Nowhere => Op::Nowhere,
        Name::Aim => Op::Aim(a, maybe(b)),
        Name::AimGlobal => Op::AimGlobal(a, maybe(b)),
        Name::Forget => Op::Forget(a),
        Name::Drop => Op::Drop(a),
        Name::Free => Op::Free(a),
        Name::BeginRegion => Op::BeginRegion,
        Name::AllocIn => Op::AllocIn(shape(a), b),
        Name::BuildIn => Op::BuildIn(a, [c, d][..usize::from(b) % 3].to_vec()),
        Name::EndRegion => Op::EndRegion(a),
        Name::Collect => Op::Collect,
        Name::OpenScope | Name::OpenYields | Name::Close | Name::CloseAll => {
            unreachable!("brackets are parsed elsewhere")
        }
    }
}

/// Codes of a program. Plain bytes: a strategy for each operation would cost more than playing it.
pub(crate) fn codes() -> impl Strategy<Value = Vec<Code>> {
    vec(any::<Code>(), 1..120)
}
