//! The programs' side of the heap: workloads are written once against [`Mutator`], and Rust's own
//! rules carry the discipline.
//!
//! * Ownership is a move. A [`Root`] is consumed when it moves into an own slot, so two owners cannot
//!   be written.
//! * Safepoints are borrows. Whatever may allocate, reclaim or move takes `&mut self`; a [`Ref`]
//!   borrows the mutator, so it cannot be held across a safepoint.
//! * What loses its owner or last count in an operation that takes `&self` is parked, and settled by
//!   the next one that takes `&mut self`.

mod fault;
mod observe;

use crate::collector::{Cause, Collector, Config, OutOfMemory, Step};
use crate::context::Context;
use crate::fault::Access;
use crate::header::{HEADER_BYTES, Layout, SlotKind};
use crate::heap::{Commit, Heap, HeapConfig};
use crate::memory::Offset32;
use crate::mutant;
use crate::probe::{Off, Probe};
use crate::roots::{Global, Leftover, Local, Root, Rooted, sealed::Place};
use crate::shape::{Borrow, Kind, NotOwn, Own, Shape, Slot, Strong, Word};
use crate::value::{ObjectReference, Value};
use observe::Census;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

/// A view of an object, valid until the next safepoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ref<'m> {
    object: ObjectReference,
    until_safepoint: PhantomData<&'m ()>,
}

impl Ref<'_> {
    #[inline(always)]
    fn of(object: ObjectReference) -> Self {
        Self { object, until_safepoint: PhantomData }
    }
}

/// A region that has begun. Its objects go when it is ended.
#[derive(Debug)]
#[must_use = "a region that is not ended keeps its objects"]
pub struct Region {
    number: u32,
}

/// What a slot that may hold immediates holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loaded<'m> {
    /// Nothing.
    Null,
    /// An immediate integer.
    Int(i32),
    /// A reference.
    Object(Ref<'m>),
}

/// A program's access to its heap, under collector `C`, watched by probe `P`.
#[derive(Debug)]
pub struct Mutator<C: Collector, P: Probe = Off> {
    collector: C,
    cx: Context,
    probe: P,
    heap: Heap,
    allocated_bytes: u64,
    allocated_objects: u64,
    census: Option<Census>,
    /// Allocations from one collection to the next under stress.
    collect_every: Option<u64>,
    lazily: bool,
}

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// A mutator with a heap and a collector of its own.
    ///
    /// # Errors
    /// If the operating system refuses address space.
    pub fn new(heap: HeapConfig, config: &Config, probe: P) -> io::Result<Self> {
        Self::over(Heap::new(heap)?, heap.commit, config, probe)
    }

    fn over(heap: Heap, commit: Commit, config: &Config, probe: P) -> io::Result<Self> {
        let lazily = commit == Commit::Lazily;
        let cx = Context::new(&heap)?;
        let collector = C::new(&heap, config)?;
        let mut mutator = Self {
            collector,
            cx,
            probe,
            heap,
            allocated_bytes: 0,
            allocated_objects: 0,
            census: None,
            collect_every: None,
            lazily,
        };
        mutator.start();
        Ok(mutator)
    }

    /// Sets the clock of the event log to zero.
    pub fn start(&mut self) {
        self.cx.log.start(self.footprint(), self.lazily);
    }

    // ---- allocation ---------------------------------------------------------------------------

    /// A new object, its slots null and its payload zero.
    ///
    /// # Errors
    /// If the heap limit is reached and nothing can be reclaimed.
    #[inline(always)]
    pub fn alloc<S: Shape>(&mut self) -> Result<Root, OutOfMemory> {
        let object = self.alloc_object(S::LAYOUT)?;
        Ok(self.push_root(object))
    }

    /// A new array of `slots` slots of one kind and `words` payload words.
    ///
    /// # Errors
    /// As [`Mutator::alloc`]; also if the array would be longer than 2 GiB.
    #[inline]
    pub fn alloc_array<K: Kind>(
        &mut self,
        _: K,
        slots: u32,
        words: u32,
    ) -> Result<Root, OutOfMemory> {
        let layout = Layout::array(K::KIND, slots, words).ok_or(OutOfMemory(()))?;
        let object = self.alloc_object(layout)?;
        Ok(self.push_root(object))
    }

    /// A new object into whose first own slots the roots move.
    ///
    /// # Errors
    /// As [`Mutator::alloc`]; the roots then stay in their scope.
    #[inline(always)]
    pub fn build<S: Shape, const N: usize>(&mut self, own: [Root; N]) -> Result<Root, OutOfMemory> {
        const { assert!(N as u32 <= S::LAYOUT.slots_of(SlotKind::Own), "fewer own slots than roots") };
        let object = self.alloc_object(S::LAYOUT)?;
        let root = self.cx.roots.replace_by_root(own, object, |children| {
            self.fill(object, 0, SlotKind::Own, children);
        });
        if P::ON {
            self.probe.rooted(root.index(), object);
        }
        Ok(root)
    }

    #[inline(always)]
    fn alloc_object(&mut self, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.before_allocation(layout);
        let object = self.collector.alloc(&mut self.cx, layout)?;
        self.after_allocation(object, layout);
        Ok(object)
    }

    #[inline(always)]
    fn before_allocation(&mut self, layout: Layout) {
        self.settle();
        if P::ON {
            self.err();
            self.observe();
            self.stress();
            self.allocated_bytes += u64::from(layout.bytes());
            self.allocated_objects += 1;
        }
    }

    #[inline(always)]
    fn after_allocation(&mut self, object: ObjectReference, layout: Layout) {
        if P::ON {
            self.unzero(object, layout);
            self.probe.allocated(object, layout);
        }
    }

    /// Fills the slots of a new object from number `first` on.
    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        object: ObjectReference,
        first: u32,
        kind: SlotKind,
        children: [Value; N],
    ) {
        let slot = |index: u32| Offset32::word(HEADER_BYTES / 4 + first + index);
        if P::ON {
            for (index, &child) in children.iter().enumerate() {
                self.probe.accesses(&self.heap, object, slot(index as u32), kind);
                self.probe.stored(object, slot(index as u32), child);
            }
        }
        self.heap.memory().fill(object, slot(0), children.map(Value::bits));
    }

    #[inline(always)]
    fn push_root(&self, object: ObjectReference) -> Root {
        let root = self.cx.roots.push_root(object);
        if P::ON {
            self.probe.rooted(root.index(), object);
        }
        root
    }

    #[inline(always)]
    fn push_local(&self, object: Option<ObjectReference>) -> Local {
        let local = self.cx.roots.push_local(object);
        if P::ON
            && let Some(object) = object
        {
            self.probe.rooted(local.index(), object);
        }
        local
    }

    // ---- reading ------------------------------------------------------------------------------

    /// The object that a root, local or global refers to.
    ///
    /// # Panics
    /// If it refers to none: its scope has ended, or it was never aimed at an object.
    #[inline(always)]
    pub fn get(&self, place: &impl Rooted) -> Ref<'_> {
        let object = self.cx.roots.get(place);
        if P::ON {
            let allocated = |object| self.collector.is_allocated(object);
            self.probe.root_read(place.index(), object, allocated);
        }
        Ref::of(object)
    }

    /// The object that a local or global refers to, if any.
    #[inline(always)]
    pub fn find(&self, place: &impl Rooted) -> Option<Ref<'_>> {
        self.cx.roots.peek(place.index()).map(Ref::of)
    }

    #[inline(always)]
    fn load_bits<K: Kind>(&self, object: Ref<'_>, slot: Slot<K>) -> Value {
        let (object, at) = (object.object, slot.offset());
        if P::ON {
            self.probe.accesses(&self.heap, object, at, K::KIND);
            self.touch(object, Access::Read);
        }
        let value = Value::from_bits(self.heap.memory().read(object, at));
        let value = self.collector.load(&self.cx, K::KIND, value);
        if P::ON {
            self.probe.loaded(object, at, value, |object| self.collector.is_allocated(object));
        }
        value
    }

    /// The object that an own or shared slot refers to; `None` for null and for integers.
    #[inline(always)]
    pub fn load<'m, K: Strong>(&'m self, object: Ref<'m>, slot: Slot<K>) -> Option<Ref<'m>> {
        self.load_bits(object, slot).reference().map(Ref::of)
    }

    /// What a slot that may hold immediates holds.
    #[inline(always)]
    pub fn load_value<'m, K: NotOwn + Strong>(
        &'m self,
        object: Ref<'m>,
        slot: Slot<K>,
    ) -> Loaded<'m> {
        let value = self.load_bits(object, slot);
        match (value.as_int(), value.reference()) {
            (Some(int), _) => Loaded::Int(int),
            (_, Some(object)) => Loaded::Object(Ref::of(object)),
            _ => Loaded::Null,
        }
    }

    /// The object that a borrow slot refers to, if it still exists: `Weak::upgrade`. Disciplines
    /// without weak counts trust the program, as `&` does.
    #[inline(always)]
    pub fn upgrade<'m>(&'m self, object: Ref<'m>, slot: Slot<Borrow>) -> Option<Ref<'m>> {
        self.load_bits(object, slot).reference().map(Ref::of)
    }

    /// A payload word.
    #[inline(always)]
    pub fn word(&self, object: Ref<'_>, word: Word) -> u64 {
        self.touch(object.object, Access::Read);
        if P::ON {
            self.probe.word_read(object.object, word.offset());
        }
        self.heap.memory().word64(object.object, word.offset()).load(Relaxed)
    }

    /// Sets a payload word.
    #[inline(always)]
    pub fn set_word(&self, object: Ref<'_>, word: Word, value: u64) {
        self.touch(object.object, Access::Write);
        if P::ON {
            self.probe.word_set(object.object, word.offset(), value);
        }
        self.heap.memory().word64(object.object, word.offset()).store(value, Relaxed);
    }

    // ---- writing ------------------------------------------------------------------------------

    /// Stores a reference, or null, in a shared or borrow slot.
    #[inline(always)]
    pub fn store<'m, K: NotOwn>(
        &'m self,
        object: Ref<'m>,
        slot: Slot<K>,
        value: impl Into<Option<Ref<'m>>>,
    ) {
        let value = value.into().map(|child| child.object).into();
        self.store_value(object, slot, value);
    }

    /// Stores an immediate integer in a shared slot.
    ///
    /// # Panics
    /// If it does not fit 31 bits.
    #[inline(always)]
    pub fn store_int<K: NotOwn + Strong>(&self, object: Ref<'_>, slot: Slot<K>, value: i32) {
        let value = Value::int(value).expect("an immediate integer has 31 bits");
        self.store_value(object, slot, value);
    }

    #[inline(always)]
    fn store_value<K: NotOwn>(&self, object: Ref<'_>, slot: Slot<K>, value: Value) {
        if P::ON {
            self.probe.accesses(&self.heap, object.object, slot.offset(), K::KIND);
            self.touch(object.object, Access::Write);
            self.probe.stored(object.object, slot.offset(), value);
        }
        let kind = match K::KIND {
            SlotKind::Borrow if mutant!(self.heap.memory(), "a barrier is told a wrong kind") => {
                SlotKind::Shared
            }
            kind => kind,
        };
        self.collector.store(&self.cx, object.object, slot.offset(), kind, value);
    }

    /// Moves a root (or nothing) into an own slot. What the slot owned before is dropped.
    #[inline(always)]
    pub fn put(&self, object: Ref<'_>, slot: Slot<Own>, root: impl Into<Option<Root>>) {
        let new = root.into().map(|root| self.consume(&root));
        let old = self.exchange(object, slot, new.into());
        if let Some(orphan) = old.reference()
            && !(C::CAPS.parks && mutant!(self.heap.memory(), "nobody is told of an orphan"))
        {
            if P::ON {
                self.probe.let_go(&self.heap, orphan);
            }
            self.collector.orphan(&self.cx, orphan);
        }
    }

    /// Moves the object out of an own slot.
    #[inline(always)]
    pub fn take(&self, object: Ref<'_>, slot: Slot<Own>) -> Option<Root> {
        let taken = self.exchange(object, slot, Value::NULL).reference()?;
        Some(self.push_root(taken))
    }

    /// Exchanges the contents of two own slots.
    #[inline(always)]
    pub fn swap(&self, a: Ref<'_>, s: Slot<Own>, b: Ref<'_>, t: Slot<Own>) {
        let from_b = Value::from_bits(self.heap.memory().read(b.object, t.offset()));
        self.taken(b.object, t.offset(), from_b);
        let from_a = self.exchange(a, s, from_b);
        self.exchange(b, t, from_a);
    }

    #[inline(always)]
    fn exchange(&self, object: Ref<'_>, slot: Slot<Own>, new: Value) -> Value {
        let (object, at) = (object.object, slot.offset());
        let old = Value::from_bits(self.heap.memory().read(object, at));
        if P::ON {
            self.probe.accesses(&self.heap, object, at, SlotKind::Own);
            self.touch(object, Access::Write);
            self.taken(object, at, old);
            self.probe.stored(object, at, new);
        }
        let keeps = mutant!(self.heap.memory(), "what is taken stays in its slot");
        if new != Value::NULL || !keeps {
            self.collector.moved(&self.cx, object, at, new);
        }
        old
    }

    // ---- roots --------------------------------------------------------------------------------

    /// A local that refers to the object: a borrow to be kept across safepoints.
    #[inline(always)]
    pub fn keep(&self, object: Ref<'_>) -> Local {
        if !(C::CAPS.counts && mutant!(self.heap.memory(), "a local is not counted")) {
            self.collector.retain(&self.cx, object.object);
        }
        self.push_local(Some(object.object))
    }

    /// A local that refers to nothing yet.
    #[inline(always)]
    pub fn nowhere(&self) -> Local {
        self.push_local(None)
    }

    /// Makes a local refer to another object, or to none.
    #[inline(always)]
    pub fn aim<'m>(&'m self, local: &Local, object: impl Into<Option<Ref<'m>>>) {
        self.aim_at(local, object.into());
    }

    /// Makes a global (a static variable) refer to another object, or to none.
    #[inline(always)]
    pub fn aim_global<'m>(&'m self, global: Global, object: impl Into<Option<Ref<'m>>>) {
        self.aim_at(&global, object.into());
    }

    #[inline(always)]
    fn aim_at(&self, place: &impl Rooted, object: Option<Ref<'_>>) {
        let object = object.map(|object| object.object);
        if let Some(object) = object {
            self.collector.retain(&self.cx, object);
            if P::ON {
                self.probe.rooted(place.index(), object);
            }
        }
        if let Some(old) = self.cx.roots.aim(place, object)
            && !(C::CAPS.counts
                && mutant!(self.heap.memory(), "a local that is aimed anew counts twice"))
        {
            self.collector.unretain(&self.cx, old);
        }
    }

    /// Gives a local up before its scope ends.
    #[inline(always)]
    pub fn forget(&mut self, local: Local) {
        self.settle();
        let object = self.cx.roots.peek(local.index());
        self.cx.roots.vacate(&local);
        if let Some(object) = object
            && C::CAPS.releases()
        {
            self.collector.release(&mut self.cx, object, false);
        }
    }

    /// Takes a root off the stack and returns its object.
    #[inline(always)]
    fn consume(&self, root: &Root) -> ObjectReference {
        let object = self.cx.roots.consume(root);
        if P::ON {
            self.probe.consumed(root.index(), object);
        }
        object
    }

    /// Drops an owned object.
    #[inline(always)]
    pub fn drop(&mut self, root: Root) {
        self.settle();
        let object = self.consume(&root);
        if P::ON {
            self.probe.let_go(&self.heap, object);
        }
        if C::CAPS.releases() {
            self.collector.release(&mut self.cx, object, true);
        }
    }

    /// Frees an owned object where the author says so: a drop, but for a discipline that frees only
    /// here.
    #[inline(always)]
    pub fn free(&mut self, root: Root) {
        self.settle();
        if P::ON && !self.is_freed(&root) {
            return;
        }
        let object = self.consume(&root);
        self.collector.free(&mut self.cx, object);
    }

    // ---- scopes and regions -------------------------------------------------------------------

    /// Runs `body` in a scope: what its roots still own at the end is dropped.
    #[inline]
    pub fn scope<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.cx.roots.enter();
        let result = body(self);
        self.leave(outer);
        result
    }

    /// A scope that returns an owned object to the outer one.
    ///
    /// # Errors
    /// Those of `body`.
    #[inline]
    pub fn yields<E>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<Root, E>,
    ) -> Result<Root, E> {
        let outer = self.cx.roots.enter();
        let keeps = mutant!(self.heap.memory(), "a scope drops what it yields");
        let object = body(self).map(|root| {
            if keeps { self.cx.roots.get(&root) } else { self.cx.roots.consume(&root) }
        });
        self.leave(outer);
        object.map(|object| self.push_root(object))
    }

    #[inline]
    fn leave(&mut self, outer: u32) {
        if C::CAPS.releases() {
            self.settle();
            while let Some(Leftover { object, owned }) = self.cx.roots.pop() {
                if P::ON && owned {
                    self.probe.let_go(&self.heap, object);
                }
                self.collector.release(&mut self.cx, object, owned);
            }
        }
        self.cx.roots.leave(outer);
    }

    /// Begins a region.
    #[inline]
    pub fn region(&mut self) -> Region {
        self.settle();
        Region { number: self.collector.region_begin(&mut self.cx) }
    }

    /// A new object in a region. The region owns it; the local must not outlive the region.
    ///
    /// # Errors
    /// As [`Mutator::alloc`].
    #[inline(always)]
    pub fn alloc_in<S: Shape>(&mut self, region: &Region) -> Result<Local, OutOfMemory> {
        let object = self.alloc_object_in(region, S::LAYOUT)?;
        if mutant!(self.heap.memory(), "a region's object is rooted as an owner") {
            let _ = self.push_root(object);
        }
        Ok(self.push_local(Some(object)))
    }

    /// A new object in a region into whose first shared slots the locals move.
    ///
    /// # Errors
    /// As [`Mutator::alloc`].
    #[inline(always)]
    pub fn build_in<S: Shape, const N: usize>(
        &mut self,
        region: &Region,
        shared: [Local; N],
    ) -> Result<Local, OutOfMemory> {
        const {
            assert!(
                N as u32 <= S::LAYOUT.slots_of(SlotKind::Shared),
                "fewer shared slots than locals"
            )
        };
        let object = self.alloc_object_in(region, S::LAYOUT)?;
        let first = S::LAYOUT.slots_of(SlotKind::Own);
        let local = self.cx.roots.replace_by_local(shared, object, |children| {
            self.fill(object, first, SlotKind::Shared, children);
        });
        if P::ON {
            self.probe.rooted(local.index(), object);
        }
        Ok(local)
    }

    #[inline(always)]
    fn alloc_object_in(
        &mut self,
        region: &Region,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        self.before_allocation(layout);
        if P::ON && self.probe.resets() {
            self.reset(region);
        }
        let object = self.collector.region_alloc(&mut self.cx, region.number, layout)?;
        self.after_allocation(object, layout);
        Ok(object)
    }

    /// Ends a region and frees its objects.
    #[inline]
    pub fn end(&mut self, region: Region) {
        self.settle();
        self.collector.region_end(&mut self.cx, region.number);
    }

    // ---- safepoints and observation -----------------------------------------------------------

    /// A point at which the collector may do pending work.
    #[inline(always)]
    pub fn safepoint(&mut self) {
        self.settle();
        if P::ON {
            self.observe();
        }
    }

    #[inline(always)]
    fn settle(&mut self) {
        if C::CAPS.parks && self.cx.has_parked() {
            self.collector.reclaim(&mut self.cx);
        }
    }

    /// Collects now, if the discipline collects at all.
    pub fn collect(&mut self) {
        self.settle();
        self.collector.collect(&mut self.cx, Cause::Requested);
    }

    /// Collects the young now, where there are generations; all where there are none.
    pub fn collect_young(&mut self) {
        self.settle();
        self.collector.collect(&mut self.cx, Cause::Young);
    }

    /// Does a part of a collection now, if the discipline collects in parts.
    pub fn step(&mut self, step: Step) {
        self.settle();
        self.collector.step(&mut self.cx, step);
    }
}
