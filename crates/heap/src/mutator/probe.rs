//! Probes: watchers of the operations of a mutator.
//!
//! Every watcher (statistics, checks, fault injection) sees the same operations. [`Off`] is free by
//! construction; the others never run in timed cells. A probe does not act on the program, except through the
//! injector that [`Probe::injector`] returns.

use crate::blocks::heap::Heap;
use crate::memory::value::{ObjectReference, Value};
use crate::memory::{Offset32, Offset64};
use crate::mutator::fault_injector::FaultInjector;
use crate::mutator::survey::Reachable;
use crate::object::header::{Layout, SlotKind};
use crate::space::IsAllocated;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// How memory is accessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It is read.
    Read,
    /// It is written.
    Write,
}

/// A watcher of operations.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait Probe {
    /// Whether it watches at all. The mutator samples its footprint only under a probe that does.
    const ON: bool;

    /// Whether it keys objects by address, so that [`Probe::moved`] must be called.
    const FOLLOWS: bool = Self::ON;

    /// The injector of faults that the mutator obeys; `None` if the probe only watches.
    #[inline(always)]
    fn injector(&mut self) -> Option<&mut impl FaultInjector> {
        None::<&mut Infallible>
    }

    /// An object was allocated.
    #[inline(always)]
    fn allocated(&mut self, object: ObjectReference, layout: Layout) {}

    /// An object has moved from one address to another.
    #[inline(always)]
    fn moved(&mut self, from: ObjectReference, to: ObjectReference) {}

    /// A slot is about to be read or written.
    #[inline(always)]
    fn accesses(&self, heap: &Heap, object: ObjectReference, at: Offset32, kind: SlotKind) {}

    /// A slot was filled.
    #[inline(always)]
    fn stored(&self, object: ObjectReference, at: Offset32, value: Value) {}

    /// A slot was read and gave this value to the program.
    #[inline(always)]
    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        allocated: impl IsAllocated,
    ) {
    }

    /// A root, local or global was made to refer to an object.
    #[inline(always)]
    fn rooted(&self, index: u32, object: ObjectReference) {}

    /// A root, local or global was read.
    #[inline(always)]
    fn root_read(&self, index: u32, object: ObjectReference, allocated: impl IsAllocated) {}

    /// An object's slot or payload is read or written.
    #[inline(always)]
    fn touched(
        &self,
        heap: &Heap,
        object: ObjectReference,
        access: Access,
        allocated: impl IsAllocated,
    ) {
    }

    /// A payload word is read.
    #[inline(always)]
    fn word_read(&self, object: ObjectReference, at: Offset64) {}

    /// A payload word is set.
    #[inline(always)]
    fn word_set(&self, object: ObjectReference, at: Offset64, value: u64) {}

    /// An own slot gave this value up: to another slot, to a root or to none.
    #[inline(always)]
    fn taken(&self, object: ObjectReference, at: Offset32, value: Value) {}

    /// A root was consumed: dropped, freed or moved into a slot.
    #[inline(always)]
    fn consumed(&self, index: u32, object: ObjectReference) {}

    /// An owned object lost its owner other than by `free`: it was overwritten, dropped, or left in a scope
    /// that ended. The discipline may drop it, and all that it owns.
    #[inline(always)]
    fn ownership_ended(&self, heap: &Heap, object: ObjectReference) {}

    /// The live objects were surveyed, see [`crate::Mutator::take_census`].
    fn surveyed(&mut self, allocated_bytes: u64, live: Reachable, allocated: impl IsAllocated) {}
}

/// No watcher: every hook compiles to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Off;

impl Probe for Off {
    const ON: bool = false;
}

/// Counts allocated objects by size, and their bytes of slots and headers.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    sizes: BTreeMap<u32, u64>,
    slot_bytes: u64,
    header_bytes: u64,
}

impl Probe for Meter {
    const ON: bool = true;
    const FOLLOWS: bool = false;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_counts_sizes_slots_and_headers() {
        let mut meter = Meter::default();
        let node = Layout::shape(1, 1, 1, 0);
        let array = Layout::array(SlotKind::Own, 10, 2).unwrap();
        let object = ObjectReference::from_granule(1);
        [node, node, array].into_iter().for_each(|layout| meter.allocated(object, layout));
        assert_eq!(meter.sizes(), &BTreeMap::from([(node.bytes(), 2), (array.bytes(), 1)]));
        assert_eq!((meter.slot_bytes(), meter.header_bytes()), ((3 + 3 + 10) * 4, 8 + 8 + 16));
    }
}
