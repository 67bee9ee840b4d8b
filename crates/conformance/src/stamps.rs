//! The probe of the detector of stamps: the heap's own checker, or nothing if that is not to be looked
//! at. One type for both, so that the kit is compiled once for each collector.

use heap::{Checker, Heap, Layout, ObjectReference, Offset32, Probe, SlotKind, Value};

/// The checker, unless it is left out.
#[derive(Debug)]
pub(crate) struct Stamps(pub(crate) Option<Checker>);

impl Probe for Stamps {
    const ON: bool = true;

    fn allocated(&mut self, object: ObjectReference, layout: Layout) {
        if let Some(checker) = &mut self.0 {
            checker.allocated(object, layout);
        }
    }

    fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(checker) = &mut self.0 {
            checker.moved(from, to);
        }
    }

    fn accesses(&self, heap: &Heap, object: ObjectReference, at: Offset32, kind: SlotKind) {
        if let Some(checker) = &self.0 {
            checker.accesses(heap, object, at, kind);
        }
    }

    fn stored(&self, object: ObjectReference, at: Offset32, value: Value) {
        if let Some(checker) = &self.0 {
            checker.stored(object, at, value);
        }
    }

    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        if let Some(checker) = &self.0 {
            checker.loaded(object, at, value, allocated);
        }
    }

    fn rooted(&self, index: u32, object: ObjectReference) {
        if let Some(checker) = &self.0 {
            checker.rooted(index, object);
        }
    }

    fn root_read(
        &self,
        index: u32,
        object: ObjectReference,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        if let Some(checker) = &self.0 {
            checker.root_read(index, object, allocated);
        }
    }
}
