//! The witness: a probe that lets an author err, and counts what goes wrong instead of stopping.
//!
//! Every object has a stamp. A slot, a root and the program's own hand remember the stamp of what they
//! were given, so a reference whose object is gone is known as such even where another object has the
//! memory by now. A stale access is one of these:
//!
//! | the memory | a read | a write or a free |
//! | --- | --- | --- |
//! | is free, and nobody was there since | benign | benign |
//! | holds the remains of another object | a wrong value | benign |
//! | is another object's | a wrong value | corrupts that object |
//! | has gone back to the system | the program ends | the program ends |
//!
//! Of an object that is not initialised, a word that is read before it is written is read as if its
//! object were gone: benign where it shows zero, a wrong value otherwise.

use crate::author::{Author, Mistake, OwnStore};
use crate::remains::Remains;
use crate::tenants::{Tenant, Tenants};
use heap::{
    Access, Deed, Heap, Layout, ObjectReference, Offset32, Offset64, Omission, Probe, Reachable,
    SlotKind, Slots, StampTable, Value,
};
use record::{Counts, LeakPoint};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;

/// Why the witness ended a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// It touched memory that has gone back to the system.
    Faulted,
    /// It made far more accesses than it does without the mistake, or would free without end.
    Hung,
}

/// No destructor of these programs frees as many objects.
const OWNED_MAX: u32 = 10_000;

/// Counts what goes wrong.
#[derive(Debug)]
pub(crate) struct Witness {
    author: Author,
    /// Whether a `free` does anything under this discipline.
    frees: bool,
    tenants: Tenants,
    remains: RefCell<Remains>,
    objects_freed: u64,
    stamps: StampTable,
    /// Where each object is now, or was when it was freed, by stamp.
    homes: HashMap<u64, ObjectReference>,
    /// Which object the program last meant by a reference.
    hand: RefCell<HashMap<ObjectReference, u64>>,
    /// The kind of the slot accessed last.
    kind: Cell<SlotKind>,
    own_stores: RefCell<Vec<OwnStore>>,
    counts: Cell<Counts>,
    corrupted: RefCell<HashSet<u64>>,
    touches: Cell<u64>,
    touches_max: u64,
    surveys: Vec<Found>,
}

/// Goes where a destructor will go. A corrupted graph may have a ring of owners, in which it would not
/// come to an end, and run out of memory for what it still has to free.
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

/// What a survey found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Bytes allocated so far.
    pub(crate) allocated_bytes: u64,
    /// What is reachable.
    pub(crate) live: Reachable,
    /// What is not reclaimed.
    pub(crate) unreclaimed: Reachable,
}

impl Found {
    /// What is neither reachable nor reclaimed.
    pub(crate) fn leaked(&self) -> Reachable {
        Reachable {
            objects: self.unreclaimed.objects.saturating_sub(self.live.objects),
            bytes: self.unreclaimed.bytes.saturating_sub(self.live.bytes),
        }
    }

    /// The same as a point of a curve.
    pub(crate) fn point(&self) -> LeakPoint {
        let leaked_bytes = self.leaked().bytes;
        LeakPoint { allocated_bytes: self.allocated_bytes, leaked_bytes }
    }
}

impl Witness {
    /// A witness of this author's program, which makes at most so many accesses.
    pub(crate) fn new(author: Author, frees: bool, touches_max: u64) -> Self {
        Self {
            author,
            frees,
            tenants: Tenants::default(),
            remains: RefCell::default(),
            objects_freed: 0,
            stamps: StampTable::default(),
            homes: HashMap::new(),
            hand: RefCell::default(),
            kind: Cell::new(SlotKind::Own),
            own_stores: RefCell::default(),
            counts: Cell::default(),
            corrupted: RefCell::default(),
            touches: Cell::new(0),
            touches_max,
            surveys: Vec::new(),
        }
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        let corrupted_objects = self.corrupted.borrow().len() as u64;
        Counts { corrupted_objects, ..self.counts.get() }
    }

    /// What the surveys found, in order.
    pub(crate) fn surveys(&self) -> &[Found] {
        &self.surveys
    }

    /// Objects allocated, objects freed by the program, and accesses.
    pub(crate) fn clocks(&self) -> (u64, u64, u64) {
        (self.stamps.latest(), self.objects_freed, self.touches.get())
    }

    fn count(&self, add: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }

    fn stamp_of(&self, tenant: &Tenant) -> u64 {
        self.stamps.object(tenant.object)
    }

    /// The object that the program means by this reference.
    fn meant(&self, object: ObjectReference) -> u64 {
        let hand = self.hand.borrow().get(&object).copied();
        hand.or_else(|| Some(self.stamp_of(&self.tenants.of(object)?))).unwrap_or(StampTable::NONE)
    }

    /// Judges an access to the object with this stamp. `None` if it is the object meant, and alive;
    /// otherwise whether there is another object's contents, and which object, if that is alive.
    fn judge(
        &self,
        heap: &Heap,
        object: ObjectReference,
        stamp: u64,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<(bool, Option<u64>)> {
        let tenant = self.tenants.of(object);
        let is_alive = tenant.is_some_and(|tenant| allocated(tenant.object));
        let is_meant = tenant.is_some_and(|tenant| self.stamp_of(&tenant) == stamp);
        if is_meant && is_alive {
            return None;
        }
        if !heap.is_held(object) {
            resume_unwind(Box::new(Ended::Faulted));
        }
        let other = tenant.filter(|_| !is_meant && is_alive);
        Some((!is_meant, other.map(|other| self.stamp_of(&other))))
    }

    /// So many words are read: whether they are of an object that is not initialised. What an
    /// allocator zeroes is defined, and no mistake.
    fn judge_contents(&self, object: ObjectReference, at_bytes: u32, words: usize) {
        let shown = self.remains.borrow().uninitialised(object, at_bytes, words);
        let zeroes = self.author.mistake == Mistake::LeavesUninitialised;
        if let Some(bits) = shown.filter(|&bits| bits != 0 || !zeroes) {
            self.count(|counts| {
                counts.stale_reads += 1;
                counts.wrong_reads += u64::from(bits != 0);
            });
        }
    }

    fn corrupts(&self, other: Option<u64>) {
        self.corrupted.borrow_mut().extend(other);
    }

    /// The author, or the program, frees the object with this stamp.
    fn judge_free(
        &self,
        heap: &Heap,
        object: ObjectReference,
        stamp: u64,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        if self.frees {
            if let Some((_, other)) = self.judge(heap, object, stamp, allocated) {
                self.count(|counts| counts.stale_frees += 1);
                self.corrupts(other);
            }
            follow_owned(heap, object);
        }
    }

    /// An object to which an own slot refers now.
    fn owned_victim(
        &mut self,
        heap: &Heap,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<OwnStore> {
        const TRIES: usize = 32;
        (0..TRIES).filter_map(|_| self.author.draw_store()).find(|store| {
            let is_stored = heap.memory().read(store.parent, store.at) == store.child.bits();
            let tenant = self.tenants.of(store.child);
            let is_there = tenant.is_some_and(|t| self.stamps.object(t.object) == store.stamp);
            is_stored && is_there && allocated(store.parent) && allocated(store.child)
        })
    }
}

impl Probe for Witness {
    const ON: bool = true;

    fn allocated(&mut self, object: ObjectReference, layout: Layout) {
        self.tenants.place(Tenant { object, layout });
        let stamp = self.stamps.allocated(object);
        self.homes.insert(stamp, object);
        self.hand.get_mut().insert(object, stamp);
    }

    fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        self.tenants.relocate(from, to);
        self.stamps.moved(from, to);
        self.homes.insert(self.stamps.object(to), to);
        let hand = self.hand.get_mut();
        match hand.remove(&from) {
            Some(stamp) => hand.insert(to, stamp),
            None => hand.remove(&to),
        };
        self.remains.get_mut().relocate(from, to);
        self.own_stores.get_mut().iter_mut().for_each(|store| store.relocate(from, to));
        self.author.relocate(from, to);
    }

    fn accesses(&self, _: &Heap, _: ObjectReference, _: Offset32, kind: SlotKind) {
        self.kind.set(kind);
    }

    fn remains(
        &mut self,
        heap: &Heap,
        object: ObjectReference,
        layout: Layout,
    ) -> Vec<(Offset32, u32)> {
        let mistake = self.author.mistake;
        if !mistake.leaves_out_initialisation() {
            return Vec::new();
        }
        // Only what an object of the same layout has left: its slots and words are where they were.
        let former = self.tenants.of(object);
        let is_alike = former.is_some_and(|old| old.object == object && old.layout == layout);
        let remains = self.remains.get_mut();
        if !is_alike || !self.author.is_time(self.stamps.latest()) {
            remains.clear(object, layout);
            return Vec::new();
        }
        self.author.made();
        self.counts.get_mut().mistakes += 1;
        if mistake == Mistake::LeavesUnzeroed {
            return remains.restore(object, layout);
        }
        remains.expose(heap, object, layout);
        Vec::new()
    }

    fn word_read(&self, object: ObjectReference, at: Offset64) {
        self.judge_contents(object, at.bytes(), 2);
    }

    fn word_set(&self, object: ObjectReference, at: Offset64, value: u64) {
        let halves = [value as u32, (value >> 32) as u32];
        self.remains.borrow_mut().write(object, at.bytes(), halves);
    }

    fn stored(&self, parent: ObjectReference, at: Offset32, value: Value) {
        self.remains.borrow_mut().write(parent, at.bytes(), [value.bits()]);
        let Some(child) = value.reference() else { return };
        let stamp = self.meant(child);
        self.stamps.set_slot(parent, at, stamp);
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
        self.judge_contents(object, at.bytes(), 1);
        let Some(child) = value.reference() else { return };
        // A collector that moved the object has seen to it that the slot refers to it still.
        let is_held = |stamp: &u64| self.homes.get(stamp) == Some(&child);
        let stamp = self.stamps.slot(object, at).filter(is_held).unwrap_or(StampTable::NONE);
        self.hand.borrow_mut().insert(child, stamp);
    }

    fn rooted(&self, index: u32, object: ObjectReference) {
        self.stamps.set_root(index, self.meant(object));
    }

    fn root_read(&self, index: u32, object: ObjectReference, _: impl Fn(ObjectReference) -> bool) {
        self.consumed(index, object);
    }

    fn consumed(&self, index: u32, object: ObjectReference) {
        if let Some(stamp) = self.stamps.root(index) {
            self.hand.borrow_mut().insert(object, stamp);
        }
    }

    fn touched(
        &self,
        heap: &Heap,
        object: ObjectReference,
        access: Access,
        allocated: impl Fn(ObjectReference) -> bool,
    ) {
        self.touches.set(self.touches.get() + 1);
        if self.touches.get() > self.touches_max {
            resume_unwind(Box::new(Ended::Hung));
        }
        let stamp = self.meant(object);
        let Some((is_wrong, other)) = self.judge(heap, object, stamp, allocated) else { return };
        match access {
            Access::Read => self.count(|counts| {
                counts.stale_reads += 1;
                counts.wrong_reads += u64::from(is_wrong);
            }),
            Access::Write => {
                self.count(|counts| counts.stale_writes += 1);
                self.corrupts(other);
            }
        }
    }

    fn let_go(&self, heap: &Heap, object: ObjectReference) {
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
        for tenant in self.tenants.iter().filter(|tenant| allocated(tenant.object)) {
            unreclaimed.objects += 1;
            unreclaimed.bytes += u64::from(tenant.layout.bytes());
        }
        self.surveys.push(Found { allocated_bytes, live, unreclaimed });
    }

    fn frees(
        &mut self,
        heap: &Heap,
        index: u32,
        object: ObjectReference,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Omission {
        self.consumed(index, object);
        let stamp = self.meant(object);
        self.judge_free(heap, object, stamp, allocated);
        self.objects_freed += 1;
        let author = &mut self.author;
        if !author.mistake.errs_at_frees() || !author.is_time(self.objects_freed) {
            return Omission::None;
        }
        let clock = self.stamps.latest();
        let tenant = self.tenants.of(object).filter(|t| self.stamps.object(t.object) == stamp);
        author.made();
        let omission = match (author.mistake, tenant) {
            (Mistake::OmitsFree, _) => Omission::Unsaid,
            (Mistake::Forgets, _) => Omission::Forgotten,
            (Mistake::KeepsRoot, _) => Omission::Kept,
            (Mistake::FreesTwice, _) => {
                author.free_again(object, stamp, clock);
                Omission::None
            }
            (Mistake::BorrowsTooLong, Some(tenant)) => {
                author.borrow(object, tenant.layout, stamp, clock);
                Omission::None
            }
            _ => return Omission::None,
        };
        self.count(|counts| counts.mistakes += 1);
        omission
    }

    fn next_mistake(
        &mut self,
        heap: &Heap,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<Deed> {
        for store in self.own_stores.get_mut().drain(..) {
            self.author.stored(store);
        }
        let clock = self.stamps.latest();
        if self.author.mistake == Mistake::FreesEarly
            && self.author.is_time(clock)
            && let Some(OwnStore { child, stamp, .. }) = self.owned_victim(heap, &allocated)
        {
            self.author.made();
            self.author.free_now(child, stamp);
            self.count(|counts| counts.mistakes += 1);
        }
        let (deed, stamp) = self.author.next_deed(clock)?;
        if let Deed::Free(object) = deed {
            self.judge_free(heap, object, stamp, allocated);
        }
        Some(deed)
    }

    fn resets(&mut self) -> bool {
        let clock = self.stamps.latest();
        let resets = self.author.mistake == Mistake::ResetsRegion && self.author.is_time(clock);
        if resets {
            self.author.made();
            self.count(|counts| counts.mistakes += 1);
        }
        resets
    }

    fn refused(&self) {
        self.count(|counts| counts.refused += 1);
    }
}
