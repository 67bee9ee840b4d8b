//! Programs: the forms of their objects, their operations and their settings.
//!
//! Every operation is total: operands are picked by a number modulo the candidates, and an operation without
//! an operand does nothing. So every sequence of operations is a program, and every subsequence that
//! shrinking leaves of a failing one is a program, too.
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

/// The form of an object.
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
    /// The layout.
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

    /// The form that replaces it in a discipline without such slots.
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

    /// The slots that `wanted` accepts; of a long array only the first eight and the last.
    pub(crate) fn slots(self, wanted: impl Fn(SlotKind) -> bool) -> impl Iterator<Item = u32> {
        let count = self.layout().slots();
        let (first, last) = (0..count.min(8), count.saturating_sub(1).max(8)..count);
        first.chain(last).filter(move |&slot| wanted(self.kind(slot)))
    }
}

/// Picks an operand: this number modulo the number of candidates, newest first.
pub type Pick = u8;

/// One operation of a program.
///
/// The second half of them may not reclaim: views that were loaded before stay valid over any number of
/// those in a row, even if the slots that they were loaded from change.
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
    /// Allocates this many objects and drops, or frees, each of them at once.
    Churn(Form, u16, bool),
    /// Ends a local.
    Forget(Pick),
    /// Drops a root.
    Drop(Pick),
    /// Frees a root's object.
    Free(Pick),
    /// Opens a scope.
    Scope,
    /// Opens a scope that returns the root picked at its end.
    ScopeReturning(Pick),
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
    /// Begins a collection in steps, where the discipline has any.
    Start,
    /// Does one step of such a collection.
    Step,
    /// Ends such a collection.
    Finish,
    /// Limits the heap to its present memory during the next allocation.
    FailNext,
    /// Registers a handle's object for finalization, where the discipline has it.
    Finalize(Pick),
    /// A local that refers to the next finalizable object.
    Poll,

    /// Clears a slot that does not own and is not null.
    Clear(Pick),
    /// Stores into a slot that does not own: the object, its slot, the referent.
    Store(Pick, Pick, Option<Pick>),
    /// Stores an object into such a slot of itself.
    StoreSelf(Pick, Pick),
    /// Stores the value that such a slot holds already.
    StoreAgain(Pick),
    /// Moves the value of such a slot into a slot of another object.
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
    /// A local that refers to the referent of a weak slot or ephemeron: the array, its slot.
    Upgrade(Pick, Pick),
    /// A null local.
    NullLocal,
    /// Makes a local refer to another object, or none.
    Assign(Pick, Option<Pick>),
    /// Makes a global refer to another object, or none.
    AssignGlobal(Pick, Option<Pick>),
}

impl Op {
    /// Whether the operation may not reclaim.
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
                | Self::NullLocal
                | Self::Assign(..)
                | Self::AssignGlobal(..)
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

/// Collections beside those of the program and of the collector's own accord.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Schedule {
    /// Never.
    Natural,
    /// Before every n-th allocation.
    Every(u32),
    /// Before one allocation in n, at random; the second number is the seed.
    Random(u32, u64),
    /// A step of an incremental collection before every operation that may reclaim; a new one begins at once.
    Steps,
}

/// A program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Program {
    /// The initial state of the heap.
    pub start: Start,
    /// Limit on the heap's footprint.
    pub limit_bytes: Option<u64>,
    /// When collections happen.
    pub schedule: Schedule,
    /// The operations.
    pub ops: Vec<Op>,
}

impl Program {
    /// A program in an empty heap without a limit and without a schedule of collections.
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
