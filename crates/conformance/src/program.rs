//! Programs: the forms of their objects, their operations, and what they begin with.
//!
//! Every operation is total: operands are picked by a number modulo what there is to pick from, and an
//! operation without an operand does nothing. So every sequence of operations is a program, and what
//! is left of a failing one after shrinking is a program, too.
//!
//! Picks count from the newest: 0 is the handle made last, or the object that it refers to. A short
//! sequence of operations therefore means the same wherever it stands in a longer one.

use heap::{Caps, Layout, Shape, SlotKind};
use serde::{Deserialize, Serialize};
use std::fmt;

heap::shape! {
    /// No slots.
    pub struct Leaf {
        word ID, DATA;
    }
}

heap::shape! {
    /// Two slots of each kind.
    pub struct Pair {
        own LEFT, RIGHT;
        shared FIRST, SECOND;
        borrow BACK, ASIDE;
        word ID, DATA;
    }
}

heap::shape! {
    /// A larger cell, mostly of own slots.
    pub struct Wide {
        own A, B, C, D, E;
        shared F;
        borrow G;
        word ID, DATA, X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, XA, XB, XC, XD;
    }
}

/// What an object looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Form {
    /// No slots, two payload words.
    Leaf,
    /// Two slots of each kind, two payload words.
    Pair,
    /// Five own slots, one shared, one borrow; sixteen payload words.
    Wide,
    /// This many own slots, and two payload words.
    OwnArray(u32),
    /// This many shared slots, and two payload words.
    SharedArray(u32),
    /// This many borrow slots, and two payload words.
    BorrowArray(u32),
    /// This many weak slots, and two payload words; borrow slots where there are no weak ones.
    WeakArray(u32),
    /// This many ephemerons, and two payload words; borrow slots where there are none.
    Ephemerons(u32),
}

impl Form {
    /// Its layout.
    pub fn layout(self) -> Layout {
        let array = |kind, slots| Layout::array(kind, slots, 2).expect("arrays are short");
        match self {
            Self::Leaf => Leaf::LAYOUT,
            Self::Pair => Pair::LAYOUT,
            Self::Wide => Wide::LAYOUT,
            Self::OwnArray(slots) => array(SlotKind::Own, slots),
            Self::SharedArray(slots) => array(SlotKind::Shared, slots),
            Self::BorrowArray(slots) => array(SlotKind::Borrow, slots),
            Self::WeakArray(slots) => array(SlotKind::Weak, slots),
            Self::Ephemerons(count) => array(SlotKind::Ephemeral, 2 * count),
        }
    }

    pub(crate) fn is_array(self) -> bool {
        !matches!(self, Self::Leaf | Self::Pair | Self::Wide)
    }

    /// The form that takes its place in a discipline without such slots.
    pub(crate) fn suited_to(self, caps: Caps) -> Self {
        match self {
            Self::WeakArray(slots) if !caps.weak_slots => Self::BorrowArray(slots),
            Self::Ephemerons(count) if !caps.ephemerons => Self::BorrowArray(2 * count),
            form => form,
        }
    }

    /// The kind of slot number `index`.
    pub(crate) fn kind(self, index: u32) -> SlotKind {
        match self {
            Self::WeakArray(_) => return SlotKind::Weak,
            Self::Ephemerons(_) => return SlotKind::Ephemeral,
            _ => {}
        }
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
    pub(crate) fn slots(self, wanted: impl Fn(SlotKind) -> bool) -> impl Iterator<Item = u32> {
        let count = self.layout().slots();
        let (first, last) = (0..count.min(8), count.saturating_sub(1).max(8)..count);
        first.chain(last).filter(move |&slot| wanted(self.kind(slot)))
    }
}

/// Picks an operand: this number modulo what there is, newest first.
pub type Pick = u8;

/// One operation of a program.
///
/// The second half of them may not reclaim: views that were loaded before stay valid over any number
/// of those in a row, whatever happens to the slots that they were loaded from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Op {
    /// A new object and its root.
    Alloc(Form),
    /// A new object that only a slot of another one holds: the object picked first, the slot second.
    Graft(Form, Pick, Pick),
    /// A new object into whose own slots this many roots move.
    Build(Form, u8, [Pick; 3]),
    /// A list of this many pairs, each owned by the next, and a root of its head.
    Chain(u16),
    /// An array that owns this many objects, and its root.
    Grove(Form, u16),
    /// An array of this many shared (or borrow) slots that all refer to the object picked.
    Fan(Pick, u16, bool),
    /// Allocates this many objects and drops, or frees, each at once.
    Churn(Form, u16, bool),
    /// Gives a local up.
    Forget(Pick),
    /// Drops a root.
    Drop(Pick),
    /// Frees a root's object, as its author says.
    Free(Pick),
    /// Opens a scope.
    Scope,
    /// Opens a scope that returns the root picked at its end.
    Yields(Pick),
    /// Ends the innermost scope.
    Exit,
    /// Begins a region.
    BeginRegion,
    /// A new object in a region.
    AllocIn(Form, Pick),
    /// A new object in a region into whose shared slots this many locals move.
    BuildIn(Pick, u8, [Pick; 2]),
    /// Ends a region.
    EndRegion(Pick),
    /// Lets the collector do pending work.
    Safepoint,
    /// Collects everything.
    Major,
    /// Collects the young, where there are generations.
    Minor,
    /// Begins a collection that is done in steps, where there are any.
    Start,
    /// Does one step of it.
    Step,
    /// Ends it.
    Finish,
    /// Lets the heap have no more memory than it has now, for the next allocation.
    FailNext,
    /// Registers a handle's object for finalization, where there is any.
    Finalize(Pick),
    /// A local that refers to the next finalizable object.
    Poll,

    /// Empties one of the slots that do not own and are not empty.
    Clear(Pick),
    /// Stores into a slot that does not own: the object, its slot, what is stored.
    Store(Pick, Pick, Option<Pick>),
    /// Stores an object into such a slot of itself.
    StoreSelf(Pick, Pick),
    /// Stores what such a slot holds already.
    StoreAgain(Pick),
    /// Moves what such a slot holds into a slot of another object.
    MoveSlot(Pick, Pick, Pick),
    /// Stores an integer into a shared slot.
    StoreInt(Pick, Pick, i32),
    /// Moves a root (or nothing) into an own slot.
    Put(Pick, Pick, Option<Pick>),
    /// Moves an own slot's object out.
    Take(Pick, Pick),
    /// Exchanges two own slots.
    Swap(Pick, Pick, Pick, Pick),
    /// Sets a payload word.
    SetWord(Pick, u64),
    /// A local that refers to the object.
    Keep(Pick),
    /// A local that refers to what a weak slot or an ephemeron holds: the array, its slot.
    Upgrade(Pick, Pick),
    /// A local that refers to nothing.
    Nowhere,
    /// Makes a local refer to another object, or none.
    Aim(Pick, Option<Pick>),
    /// Makes a global refer to another object, or none.
    AimGlobal(Pick, Option<Pick>),
}

impl Op {
    /// Whether it may not reclaim.
    pub(crate) fn is_quiet(self) -> bool {
        matches!(
            self,
            Self::Clear(..)
                | Self::Store(..)
                | Self::StoreSelf(..)
                | Self::StoreAgain(..)
                | Self::MoveSlot(..)
                | Self::StoreInt(..)
                | Self::Put(..)
                | Self::Take(..)
                | Self::Swap(..)
                | Self::SetWord(..)
                | Self::Keep(..)
                | Self::Upgrade(..)
                | Self::Nowhere
                | Self::Aim(..)
                | Self::AimGlobal(..)
        )
    }
}

/// The state of the heap in which a program begins. All but the first need a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Start {
    /// Nothing is allocated.
    Empty,
    /// Room for a few objects is left.
    AlmostFull,
    /// An allocation has failed.
    Full,
    /// Full, then every other object dropped: holes of all sizes.
    Fragmented,
}

/// When collections happen beside those that the program and the collector decide on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Schedule {
    /// Never.
    Natural,
    /// Before every n-th allocation.
    Every(u32),
    /// Before an allocation in n, at random; the second number is the seed.
    Random(u32, u64),
    /// A step of an incremental collection after every operation, a new one begun at once.
    Steps,
}

/// A program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Program {
    /// What it begins with.
    pub start: Start,
    /// Limit on the heap's footprint.
    pub limit_bytes: Option<u64>,
    /// When it collects.
    pub schedule: Schedule,
    /// What it does.
    pub ops: Vec<Op>,
}

impl Program {
    /// A program in an empty heap without a limit, which collects only where it says so.
    pub fn of(ops: impl Into<Vec<Op>>) -> Self {
        let (start, limit_bytes, schedule) = (Start::Empty, None, Schedule::Natural);
        Self { start, limit_bytes, schedule, ops: ops.into() }
    }
}

/// As Rust source, to be pasted into a test.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Program {{")?;
        writeln!(f, "    start: Start::{:?},", self.start)?;
        writeln!(f, "    limit_bytes: {:?},", self.limit_bytes)?;
        writeln!(f, "    schedule: Schedule::{:?},", self.schedule)?;
        writeln!(f, "    ops: vec![")?;
        for op in &self.ops {
            writeln!(f, "        {op:?},")?;
        }
        write!(f, "    ],\n}}")
    }
}
