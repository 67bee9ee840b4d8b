//! Carries out injected faults, see [`crate::FaultInjector`]. Only under a probe that watches.

use super::{Mutator, Ref, Region};
use crate::blocks::heap::{Heap, HeapConfig};
use crate::blocks::reuse::Reuse;
use crate::collector::Collector;
use crate::context::roots::{GLOBALS, Global, Root, sealed::Place};
use crate::memory::Offset32;
use crate::memory::budget::OutOfMemory;
use crate::memory::value::{ObjectReference, Value};
use crate::mutator::fault_injector::{FaultInjector, FreeFault, InjectedFault};
use crate::mutator::probe::{Access, Probe};
use crate::object::header::Layout;
use crate::object::shape::{Borrow, Slot, Word};
use std::io;

/// The static variable that refers to the table of borrows. No program uses the last one.
const BORROWS: Global = Global::new(GLOBALS - 1);

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// A mutator whose heap reuses freed memory by the policy `reuse`.
    ///
    /// # Errors
    /// As [`Mutator::with`].
    pub fn with_reuse(
        heap: HeapConfig,
        reuse: Reuse,
        probe: P,
        make: impl FnOnce(&Heap) -> io::Result<C>,
    ) -> io::Result<Self> {
        Self::over(Heap::with_reuse(heap, reuse)?, heap.commit, probe, make)
    }

    /// Makes the table for [`InjectedFault::Borrow`], of `slots` places, before the program begins.
    ///
    /// # Errors
    /// If the heap limit has no room for it.
    pub fn make_borrows(&mut self, slots: u32) -> Result<(), OutOfMemory> {
        // The root stays where it is, in the outermost scope: the table lives as long as the run.
        let table = self.alloc_array(Borrow, slots, 0)?;
        self.assign_global(BORROWS, self.get(&table));
        Ok(())
    }

    /// Injects the fault that is due where the program frees. Returns whether the object is freed after all.
    pub(super) fn inject_at_free(&mut self, root: &Root) -> bool {
        let object = self.cx.roots.get(root);
        let allocated = |object| self.collector.parts().is_allocated(object);
        let fault = match self.probe.injector() {
            Some(injector) => injector.fault_at_free(&self.heap, root.index(), object, allocated),
            None => FreeFault::None,
        };
        match fault {
            FreeFault::None => self.inject_faults(),
            FreeFault::Omitted => {
                self.cx.roots.vacate(root);
                if self.collector.caps().releases() {
                    self.collector.root_removed(&mut self.cx, object, true);
                }
            }
            FreeFault::Forgotten => self.cx.roots.vacate(root),
            FreeFault::Kept => {}
        }
        fault == FreeFault::None
    }

    fn next_fault(&mut self) -> Option<InjectedFault> {
        let allocated = |object| self.collector.parts().is_allocated(object);
        self.probe.injector()?.next_fault(&self.heap, allocated)
    }

    /// Injects the faults that are due before an allocation or a `free`.
    pub(super) fn inject_faults(&mut self) {
        while let Some(fault) = self.next_fault() {
            match fault {
                InjectedFault::Copy(object) => self.collector.root_added(&self.cx, object),
                InjectedFault::Free(object) => {
                    self.collector.free(&mut self.cx, object);
                    self.settle();
                }
                InjectedFault::Borrow { slot, object } => self.borrow(slot, object),
                InjectedFault::Use { slot, layout } => {
                    if !self.use_borrow(slot, layout)
                        && let Some(injector) = self.probe.injector()
                    {
                        injector.refused();
                    }
                }
            }
        }
    }

    /// Overwrites a new object with the stale bits of an allocator that does not zero, if that fault is due.
    pub(super) fn write_initial_contents(&mut self, object: ObjectReference, layout: Layout) {
        let Some(injector) = self.probe.injector() else { return };
        for (at, bits) in injector.initial_contents(&self.heap, object, layout) {
            self.heap.memory().write(object, at, bits);
        }
    }

    /// Ends a region too early, if that fault is due; the next object allocated in it begins it again.
    pub(super) fn end_region_early(&mut self, region: &Region) {
        let ends_early = self.probe.injector().is_some_and(|injector| injector.ends_region_early());
        if !ends_early {
            return;
        }
        self.collector.region_end(&mut self.cx, region.number);
        // The number just freed is the next to be assigned.
        let again = self.collector.region_begin(&mut self.cx);
        debug_assert_eq!(again, region.number);
    }

    fn borrow(&mut self, slot: u32, object: ObjectReference) {
        self.store(self.get(&BORROWS), Slot::<Borrow>::element(slot), Ref::of(object));
        self.settle();
    }

    /// Returns false if the borrow is null.
    fn use_borrow(&self, slot: u32, layout: Layout) -> bool {
        let Some(borrowed) = self.upgrade(self.get(&BORROWS), Slot::<Borrow>::element(slot)) else {
            return false;
        };
        let word = |index| match layout.is_extended() {
            true => Word::element(layout.slots(), index),
            false => Word::of_shape(layout.slots(), index),
        };
        let sum = (0..layout.words()).map(|index| self.word(borrowed, word(index)));
        let sum = sum.fold(0, u64::wrapping_add);
        match layout.words() {
            // Only the header can be read in every layout.
            0 => self.touch(borrowed.object, Access::Read),
            words => self.set_word(borrowed, word(words - 1), sum),
        }
        true
    }

    /// Reports an access to an object to the probe.
    #[inline(always)]
    pub(super) fn touch(&self, object: ObjectReference, access: Access) {
        if P::ON {
            let allocated = |object| self.collector.parts().is_allocated(object);
            self.probe.touched(&self.heap, object, access, allocated);
        }
    }

    /// Reports to the probe the value that an own slot gave up.
    #[inline(always)]
    pub(super) fn taken(&self, object: ObjectReference, at: Offset32, value: Value) {
        if P::ON {
            self.probe.taken(object, at, value);
        }
    }
}
