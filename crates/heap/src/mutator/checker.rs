//! Checking mode: a probe that panics at the first access to an object other than the one referred to.
//!
//! A slot and a root remember the stamp of the object that was put there, so a stale reference is found even
//! where another object lives at its address by now. Slot kinds and bounds are checked against the header.

use crate::blocks::heap::Heap;
use crate::memory::Offset32;
use crate::memory::value::{ObjectReference, Value};
use crate::mutator::probe::Probe;
use crate::mutator::stamps::StampTable;
use crate::object::header::{Extent, Layout, SlotKind};
use crate::space::IsAllocated;

/// Panics at the first access through a stale reference, to a slot of another kind, or out of bounds.
#[derive(Debug)]
pub struct Checker {
    /// `None` if nothing is checked.
    stamps: Option<StampTable>,
}

impl Default for Checker {
    fn default() -> Self {
        Self { stamps: Some(StampTable::default()) }
    }
}

impl Checker {
    /// A checker that checks nothing: the same type, so that generic code is compiled once for both.
    pub fn disabled() -> Self {
        Self { stamps: None }
    }
}

#[track_caller]
fn check(is_meant: bool, object: ObjectReference, is_allocated: bool, place: &str) {
    assert!(is_allocated, "use after free: {place} refers to {object:?}, which was reclaimed");
    assert!(
        is_meant,
        "use after free: {place} refers to {object:?}, which was reclaimed; \
         another object has its memory now"
    );
}

impl Probe for Checker {
    const ON: bool = true;

    fn allocated(&mut self, object: ObjectReference, _: Layout) {
        if let Some(stamps) = &mut self.stamps {
            stamps.allocated(object);
        }
    }

    fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(stamps) = &mut self.stamps {
            stamps.moved(from, to);
        }
    }

    fn accesses(&self, heap: &Heap, object: ObjectReference, at: Offset32, kind: SlotKind) {
        if self.stamps.is_none() {
            return;
        }
        let extent = Extent::of(heap.memory(), object);
        let index = (at.bytes() / 4).wrapping_sub(extent.first);
        assert!(
            index < extent.slots,
            "{object:?} has {} slots, no slot at byte {}",
            extent.slots,
            at.bytes()
        );
        let declared = extent.kind(index);
        assert_eq!(declared, kind, "slot {index} of {object:?} is of another kind");
    }

    fn stored(&self, object: ObjectReference, at: Offset32, value: Value) {
        if let (Some(stamps), Some(child)) = (&self.stamps, value.reference()) {
            stamps.set_slot(object, at, stamps.object(child));
        }
    }

    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        allocated: impl IsAllocated,
    ) {
        if let (Some(stamps), Some(child)) = (&self.stamps, value.reference()) {
            let given = stamps.slot(object, at);
            let is_meant = given.is_none_or(|stamp| stamp == stamps.object(child));
            check(is_meant, child, allocated(child), "a slot");
        }
    }

    fn rooted(&self, index: u32, object: ObjectReference) {
        if let Some(stamps) = &self.stamps {
            stamps.set_root(index, stamps.object(object));
        }
    }

    fn root_read(&self, index: u32, object: ObjectReference, allocated: impl IsAllocated) {
        if let Some(stamps) = &self.stamps {
            let is_meant = stamps.root(index).is_none_or(|stamp| stamp == stamps.object(object));
            check(is_meant, object, allocated(object), "a root");
        }
    }
}

#[cfg(test)]
mod tests;
