//! A probe that injects faults and counts their effects instead of stopping.
//!
//! [`crate::reference_tracker`] classifies stale accesses. A word of an uninitialised object that is
//! read before it is written counts as a stale read: benign where it shows zero, a wrong value
//! otherwise.

use crate::fault_injection::{FaultSchedule, Mistake, OwnStore};
use crate::leak_survey::Survey;
use crate::reference_tracker::{ReferenceTracker, Stale};
use crate::stale_bytes::StaleBytes;
use heap::{
    Access, FaultInjector, FreeFault, Heap, InjectedFault, Layout, ObjectReference, Offset32,
    Offset64, Probe, Reachable, SlotKind, Slots, Value,
};
use record::Counts;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::resume_unwind;

/// Why the probe ended a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// It accessed memory that was returned to the system.
    Faulted,
    /// It made far more accesses than without the mistake, or would free without end.
    Hung,
}

/// Maximum objects that one free may reach through own slots. No destructor of these programs frees
/// as many.
const OWNED_MAX: u32 = 10_000;

/// Injects faults and counts their effects.
#[derive(Debug)]
pub(crate) struct StaleAccessProbe {
    faults: FaultSchedule,
    /// Whether a `free` has an effect under this discipline.
    frees: bool,
    references: ReferenceTracker,
    bytes: RefCell<StaleBytes>,
    objects_freed: u64,
    /// Kind of the slot accessed last.
    kind: Cell<SlotKind>,
    own_stores: RefCell<Vec<OwnStore>>,
    counts: Cell<Counts>,
    corrupted: RefCell<HashSet<u64>>,
    accesses: Cell<u64>,
    accesses_max: u64,
    surveys: Vec<Survey>,
}

/// Walks the objects that a destructor would free. A corrupted graph may have a ring of owners, in
/// which a destructor would not end, and would run out of memory for its list of pending objects.
fn follow_owned(heap: &Heap, object: ObjectReference) {
    let mut pending = vec![object];
    let mut followed = 0;
    while let Some(object) = pending.pop() {
        followed += 1;
        if followed > OWNED_MAX {
            resume_unwind(Box::new(Ended::Hung));
        }
        pending.extend(heap.memory().slots(object, Slots::Own).filter_map(Value::reference));
    }
}

impl StaleAccessProbe {
    /// A probe that injects `faults` and ends the program after `accesses_max` accesses.
    pub(crate) fn new(faults: FaultSchedule, frees: bool, accesses_max: u64) -> Self {
        Self {
            faults,
            frees,
            references: ReferenceTracker::default(),
            bytes: RefCell::default(),
            objects_freed: 0,
            kind: Cell::new(SlotKind::Own),
            own_stores: RefCell::default(),
            counts: Cell::default(),
            corrupted: RefCell::default(),
            accesses: Cell::new(0),
            accesses_max,
            surveys: Vec::new(),
        }
    }

    /// Counts of mistakes and their effects.
    pub(crate) fn counts(&self) -> Counts {
        let corrupted_objects = self.corrupted.borrow().len() as u64;
        Counts { corrupted_objects, ..self.counts.get() }
    }

    /// The surveys, in order.
    pub(crate) fn surveys(&self) -> &[Survey] {
        &self.surveys
    }

    /// Objects allocated, objects freed by the program, and accesses.
    pub(crate) fn clocks(&self) -> (u64, u64, u64) {
        (self.references.objects(), self.objects_freed, self.accesses.get())
    }

    fn count(&self, add: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }

    /// The mistake that was due is made.
    fn made(&mut self) {
        self.faults.advance();
        self.counts.get_mut().mistakes += 1;
    }

    /// Classifies an access to the object with this stamp. Ends the program if the memory was
    /// returned to the system.
    fn stale(
        &self,
        heap: &Heap,
        object: ObjectReference,
        stamp: u64,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<Stale> {
        let stale = self.references.stale(heap, object, stamp, allocated);
        if matches!(stale, Some(Stale::Unmapped)) {
            resume_unwind(Box::new(Ended::Faulted));
        }
        stale
    }

    fn count_read(&self, is_wrong: bool) {
        self.count(|counts| {
            counts.stale_reads += 1;
            counts.wrong_reads += u64::from(is_wrong);
        });
    }

    /// `words` words are read. Under an allocator that zeroes, a zero is defined and no mistake.
    fn check_initialised(&self, object: ObjectReference, at_bytes: u32, words: usize) {
        let shown = self.bytes.borrow().uninitialised(object, at_bytes, words);
        let zeroes = self.faults.mistake == Mistake::LeavesUninitialised;
        if let Some(bits) = shown.filter(|&bits| bits != 0 || !zeroes) {
            self.count_read(bits != 0);
        }
    }

    fn corrupts(&self, stale: Stale) {
        if let Stale::Reused(victim) = stale {
            self.corrupted.borrow_mut().extend(victim);
        }
    }

    /// The object with this stamp is freed, by the program or by a fault.
    fn freed(
        &self,
        heap: &Heap,
        object: ObjectReference,
        stamp: u64,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        if self.frees {
            if let Some(stale) = self.stale(heap, object, stamp, allocated) {
                self.count(|counts| counts.stale_frees += 1);
                self.corrupts(stale);
            }
            follow_owned(heap, object);
        }
    }

    /// A store whose own slot still refers to its live object.
    fn owned_victim(
        &mut self,
        heap: &Heap,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<OwnStore> {
        const TRIES: usize = 32;
        (0..TRIES).filter_map(|_| self.faults.draw_store()).find(|store| {
            let is_stored = heap.memory().read(store.parent, store.at) == store.child.bits();
            let is_current = self.references.current(store.child, store.stamp).is_some();
            is_stored && is_current && allocated(store.parent) && allocated(store.child)
        })
    }
}

impl Probe for StaleAccessProbe {
    const ON: bool = true;

    fn injector(&mut self) -> Option<&mut impl FaultInjector> {
        Some(self)
    }

    fn allocated(&mut self, object: ObjectReference, layout: Layout) {
        self.references.allocated(object, layout);
    }

    fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        self.references.moved(from, to);
        self.bytes.get_mut().relocate(from, to);
        self.own_stores.get_mut().iter_mut().for_each(|store| store.relocate(from, to));
        self.faults.relocate(from, to);
    }

    fn accesses(&self, _: &Heap, _: ObjectReference, _: Offset32, kind: SlotKind) {
        self.kind.set(kind);
    }

    fn word_read(&self, object: ObjectReference, at: Offset64) {
        self.check_initialised(object, at.bytes(), 2);
    }

    fn word_set(&self, object: ObjectReference, at: Offset64, value: u64) {
        let halves = [value as u32, (value >> 32) as u32];
        self.bytes.borrow_mut().write(object, at.bytes(), halves);
    }

    fn stored(&self, parent: ObjectReference, at: Offset32, value: Value) {
        self.bytes.borrow_mut().write(parent, at.bytes(), [value.bits()]);
        let Some(child) = value.reference() else { return };
        let stamp = self.references.stored(parent, at, child);
        if self.kind.get() == SlotKind::Own {
            self.own_stores.borrow_mut().push(OwnStore { parent, at, child, stamp });
        }
    }

    fn loaded(
        &self,
        object: ObjectReference,
        at: Offset32,
        value: Value,
        _: impl Fn(ObjectReference) -> bool,
    ) {
        self.taken(object, at, value);
    }

    fn taken(&self, object: ObjectReference, at: Offset32, value: Value) {
        self.check_initialised(object, at.bytes(), 1);
        if let Some(child) = value.reference() {
            self.references.loaded(object, at, child);
        }
    }

    fn rooted(&self, index: u32, object: ObjectReference) {
        self.references.rooted(index, object);
    }

    fn root_read(&self, index: u32, object: ObjectReference, _: impl Fn(ObjectReference) -> bool) {
        self.references.root_read(index, object);
    }

    fn consumed(&self, index: u32, object: ObjectReference) {
        self.references.root_read(index, object);
    }

    fn touched(
        &self,
        heap: &Heap,
        object: ObjectReference,
        access: Access,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        self.accesses.set(self.accesses.get() + 1);
        if self.accesses.get() > self.accesses_max {
            resume_unwind(Box::new(Ended::Hung));
        }
        let stamp = self.references.meant(object);
        let Some(stale) = self.stale(heap, object, stamp, allocated) else { return };
        match access {
            Access::Read => self.count_read(matches!(stale, Stale::Reused(_))),
            Access::Write => {
                self.count(|counts| counts.stale_writes += 1);
                self.corrupts(stale);
            }
        }
    }

    fn ownership_ended(&self, heap: &Heap, object: ObjectReference) {
        if self.frees {
            follow_owned(heap, object);
        }
    }

    fn surveyed(
        &mut self,
        allocated_bytes: u64,
        live: Reachable,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        let mut unreclaimed = Reachable::default();
        for occupant in self.references.occupants().filter(|o| allocated(o.object)) {
            unreclaimed.objects += 1;
            unreclaimed.bytes += u64::from(occupant.layout.bytes());
        }
        self.surveys.push(Survey { allocated_bytes, live, unreclaimed });
    }
}

impl FaultInjector for StaleAccessProbe {
    fn initial_contents(
        &mut self,
        heap: &Heap,
        object: ObjectReference,
        layout: Layout,
    ) -> Vec<(Offset32, u32)> {
        let mistake = self.faults.mistake;
        if !mistake.omits_initialisation() {
            return Vec::new();
        }
        // Only bytes of an object of the same layout: its slots and words are at the same offsets.
        let former = self.references.occupant(object);
        let is_alike = former.is_some_and(|old| old.object == object && old.layout == layout);
        if !is_alike || !self.faults.is_due(self.references.objects()) {
            self.bytes.get_mut().clear(object, layout);
            return Vec::new();
        }
        self.made();
        let bytes = self.bytes.get_mut();
        if mistake == Mistake::LeavesUnzeroed {
            return bytes.restore(object, layout);
        }
        bytes.expose(heap, object, layout);
        Vec::new()
    }

    fn fault_at_free(
        &mut self,
        heap: &Heap,
        index: u32,
        object: ObjectReference,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> FreeFault {
        self.consumed(index, object);
        let stamp = self.references.meant(object);
        self.freed(heap, object, stamp, allocated);
        self.objects_freed += 1;
        let mistake = self.faults.mistake;
        if !mistake.occurs_at_frees() || !self.faults.is_due(self.objects_freed) {
            return FreeFault::None;
        }
        self.faults.advance();
        let clock = self.references.objects();
        let current = self.references.current(object, stamp);
        let fault = match (mistake, current) {
            (Mistake::OmitsFree, _) => FreeFault::Omitted,
            (Mistake::Forgets, _) => FreeFault::Forgotten,
            (Mistake::KeepsRoot, _) => FreeFault::Kept,
            (Mistake::FreesTwice, _) => {
                self.faults.free_again(object, stamp, clock);
                FreeFault::None
            }
            (Mistake::BorrowsTooLong, Some(occupant)) => {
                self.faults.borrow(object, occupant.layout, stamp, clock);
                FreeFault::None
            }
            _ => return FreeFault::None,
        };
        self.count(|counts| counts.mistakes += 1);
        fault
    }

    fn next_fault(
        &mut self,
        heap: &Heap,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<InjectedFault> {
        for store in self.own_stores.get_mut().drain(..) {
            self.faults.own_store(store);
        }
        let clock = self.references.objects();
        if self.faults.mistake == Mistake::FreesEarly
            && self.faults.is_due(clock)
            && let Some(OwnStore { child, stamp, .. }) = self.owned_victim(heap, &allocated)
        {
            self.made();
            self.faults.free_now(child, stamp);
        }
        let (fault, stamp) = self.faults.next_fault(clock)?;
        if let InjectedFault::Free(object) = fault {
            self.freed(heap, object, stamp, allocated);
        }
        Some(fault)
    }

    fn ends_region_early(&mut self) -> bool {
        let clock = self.references.objects();
        let ends_region_early =
            self.faults.mistake == Mistake::ResetsRegion && self.faults.is_due(clock);
        if ends_region_early {
            self.made();
        }
        ends_region_early
    }

    fn refused(&mut self) {
        self.count(|counts| counts.refused += 1);
    }
}
