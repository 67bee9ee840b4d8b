//! What watches the stream of operations: nothing, a meter, or a checker.
//!
//! One alphabet for all: whatever wants to see operations (statistics, checks, later the oracle and
//! traces) sees these. [`Off`] is free by construction; the others never run in timed cells.

use crate::header::{Extent, Layout, SlotKind};
use crate::heap::Heap;
use crate::memory::Offset32;
use crate::value::{ObjectReference, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// A watcher of operations.
pub trait Probe {
    /// Whether it watches at all. The mutator samples its footprint only under a probe that does.
    const ON: bool;

    /// An object was allocated.
    #[inline(always)]
    fn allocated(&mut self, object: ObjectReference, layout: Layout) {
        let _ = (object, layout);
    }

    /// A slot is about to be read or written.
    #[inline(always)]
    fn accesses(&self, heap: &Heap, object: ObjectReference, at: Offset32, kind: SlotKind) {
        let _ = (heap, object, at, kind);
    }

    /// A slot was filled.
    #[inline(always)]
    fn stored(&self, object: ObjectReference, at: Offset32, value: Value) {
        let _ = (object, at, value);
    }

    /// A slot was read and gave this value to the program. `allocated` tells about any object.
    #[inline(always)]
    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        let _ = (object, at, value, allocated);
    }

    /// A root, local or global was made to refer to an object.
    #[inline(always)]
    fn rooted(&self, index: u32, object: ObjectReference) {
        let _ = (index, object);
    }

    /// A root, local or global was read.
    #[inline(always)]
    fn root_read(
        &self,
        index: u32,
        object: ObjectReference,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        let _ = (index, object, allocated);
    }
}

/// No watcher: every hook compiles to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl Probe for Off {
    const ON: bool = false;
}

/// Counts what is allocated, by size.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    sizes: BTreeMap<u32, u64>,
    slot_bytes: u64,
    header_bytes: u64,
}

impl Probe for Meter {
    const ON: bool = true;

    #[inline]
    fn allocated(&mut self, _: ObjectReference, layout: Layout) {
        *self.sizes.entry(layout.bytes()).or_default() += 1;
        self.slot_bytes += u64::from(layout.slots()) * 4;
        self.header_bytes += u64::from(layout.header_bytes());
    }
}

impl Meter {
    /// Objects by size in bytes.
    pub fn sizes(&self) -> &BTreeMap<u32, u64> {
        &self.sizes
    }

    /// Bytes of all slots.
    pub fn slot_bytes(&self) -> u64 {
        self.slot_bytes
    }

    /// Bytes of all headers, as built.
    pub fn header_bytes(&self) -> u64 {
        self.header_bytes
    }
}

/// Checking mode: panics at the first access to an object that is not the one it was made for.
///
/// Each allocation stamps its address. A slot and a root remember the stamp of what was put there,
/// so a reference whose object is gone is found even where another object lives at its address by
/// now. Slot kinds and bounds are checked against the header.
#[derive(Debug, Default)]
pub struct Checker {
    clock: u64,
    stamps: HashMap<ObjectReference, u64>,
    slots: RefCell<HashMap<(ObjectReference, Offset32), u64>>,
    roots: RefCell<HashMap<u32, u64>>,
}

impl Checker {
    fn stamp(&self, object: ObjectReference) -> u64 {
        self.stamps.get(&object).copied().unwrap_or(0)
    }

    #[track_caller]
    fn check(&self, held: Option<u64>, object: ObjectReference, is_allocated: bool, place: &str) {
        assert!(is_allocated, "use after free: {place} refers to {object:?}, which was reclaimed");
        assert!(
            held.is_none_or(|stamp| stamp == self.stamp(object)),
            "use after free: {place} refers to {object:?}, which was reclaimed; \
             another object has its memory now"
        );
    }
}

impl Probe for Checker {
    const ON: bool = true;

    fn allocated(&mut self, object: ObjectReference, _: Layout) {
        self.clock += 1;
        self.stamps.insert(object, self.clock);
    }

    fn accesses(&self, heap: &Heap, object: ObjectReference, at: Offset32, kind: SlotKind) {
        let extent = Extent::of(heap.memory(), object);
        let index = (at.bytes() / 4).wrapping_sub(extent.first);
        assert!(
            index < extent.borrow_end,
            "{object:?} has {} slots, no slot at byte {}",
            extent.borrow_end,
            at.bytes()
        );
        let declared = extent.kind(index);
        assert_eq!(declared, kind, "slot {index} of {object:?} is of another kind");
    }

    fn stored(&self, object: ObjectReference, at: Offset32, value: Value) {
        if let Some(child) = value.reference() {
            self.slots.borrow_mut().insert((object, at), self.stamp(child));
        }
    }

    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        if let Some(child) = value.reference() {
            let held = self.slots.borrow().get(&(object, at)).copied();
            self.check(held, child, allocated(child), "a slot");
        }
    }

    fn rooted(&self, index: u32, object: ObjectReference) {
        self.roots.borrow_mut().insert(index, self.stamp(object));
    }

    fn root_read(
        &self,
        index: u32,
        object: ObjectReference,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        let held = self.roots.borrow().get(&index).copied();
        self.check(held, object, allocated(object), "a root");
    }
}
