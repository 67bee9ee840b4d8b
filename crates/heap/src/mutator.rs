//! The programs' side of the heap: workloads are written once against [`Mutator`], and Rust's own
//! rules enforce the discipline.
//!
//! * Ownership is a move. A [`Root`] is consumed when it moves into an own slot, so two owners cannot
//!   be written.
//! * Safepoints are borrows. Operations that may allocate, reclaim or move take `&mut self`; a [`Ref`]
//!   borrows the mutator, so it cannot be held across a safepoint.
//! * An object that loses its owner or last count in an operation that takes `&self` is parked, and
//!   processed by the next one that takes `&mut self`.

pub(crate) mod checker;
pub(crate) mod fault_injector;
pub(crate) mod probe;
pub(crate) mod stamps;
pub(crate) mod survey;

mod fault;
mod hold;
mod observe;
mod read;
mod scope;
mod weak;
mod write;

use crate::blocks::heap::{Commit, Heap, HeapConfig};
use crate::collector::Collector;
use crate::collector::config::Config;
use crate::collector::inspect::Step;
use crate::context::Context;
use crate::context::events::Cause;
use crate::context::roots::{Local, Root, Rooted, sealed::Place};
use crate::memory::Offset32;
use crate::memory::budget::{AllocResult, OutOfMemory};
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::mutator::probe::{Off, Probe};
use crate::object::header::{HEADER_BYTES, Layout, SlotKind};
use crate::object::shape::{Kind, Own, Shape, Slot};
use observe::Census;
use std::io;
use std::marker::PhantomData;

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

/// A region that has begun. Its objects are freed when it ends.
#[derive(Debug)]
#[must_use = "a region that is not ended keeps its objects"]
pub struct Region {
    number: u32,
}

/// The contents of a slot that may hold immediates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loaded<'m> {
    /// Null.
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
        Self::over(Heap::new(heap)?, heap.commit, probe, |heap| C::new(heap, config))
    }

    /// A mutator with a heap of its own and the collector that `make` makes for it.
    ///
    /// # Errors
    /// If the operating system refuses address space, or `make` does.
    pub fn with(
        heap: HeapConfig,
        probe: P,
        make: impl FnOnce(&Heap) -> io::Result<C>,
    ) -> io::Result<Self> {
        Self::over(Heap::new(heap)?, heap.commit, probe, make)
    }

    fn over(
        heap: Heap,
        commit: Commit,
        probe: P,
        make: impl FnOnce(&Heap) -> io::Result<C>,
    ) -> io::Result<Self> {
        let lazily = commit == Commit::Lazily;
        let mut cx = Context::new(&heap)?;
        let collector = make(&heap)?;
        let caps = collector.caps().consistent();
        if caps.moves && P::FOLLOWS {
            cx.moves.start_recording();
        }
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

    /// Ends the run that [`Mutator::start`] began, for the event log.
    pub fn stop(&mut self) {
        self.cx.log.stop();
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

    /// A new array of `slots` slots of one kind and `words` payload words. Ephemerons have two slots
    /// each.
    ///
    /// # Errors
    /// As [`Mutator::alloc`]; also if the array would be longer than 2 GiB.
    ///
    /// # Panics
    /// If the discipline has no weak or ephemeral slots: see [`crate::Caps::has`]. If `slots` of ephemerons
    /// is odd.
    #[inline]
    pub fn alloc_array<K: Kind>(
        &mut self,
        _: K,
        slots: u32,
        words: u32,
    ) -> Result<Root, OutOfMemory> {
        let layout = Layout::array(K::KIND, slots, words).ok_or(OutOfMemory(()))?;
        let object = self.alloc_object(layout)?;
        if K::KIND.is_weak() {
            self.register_weak(object, K::KIND, slots);
        }
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

    /// A new object, moved into an own slot of the object that a root or local refers to. It needs no root of
    /// its own, so this is how a structure is built from its root down. The object that the slot owned
    /// before is dropped.
    ///
    /// # Errors
    /// As [`Mutator::alloc`]; the slot then keeps its object.
    ///
    /// # Panics
    /// As [`Mutator::get`].
    #[inline(always)]
    pub fn alloc_into<S: Shape>(
        &mut self,
        holder: &impl Rooted,
        slot: Slot<Own>,
    ) -> Result<(), OutOfMemory> {
        let before = self.cx.roots.peek(holder.index());
        let object = self.alloc_object(S::LAYOUT)?;
        // Read again: the allocation may have moved the holder.
        let is_stale = self.collector.caps().moves
            && mutant!(self.heap.memory(), "a new object is stored where its holder was");
        let holder = match before {
            Some(before) if is_stale => Ref::of(before),
            _ => self.get(holder),
        };
        self.replace_owned(holder, slot, object.into());
        Ok(())
    }

    #[inline(always)]
    fn alloc_object(&mut self, layout: Layout) -> AllocResult {
        self.before_allocation(layout);
        let object = self.collector.alloc(&mut self.cx, layout);
        self.after_allocation(object, layout)
    }

    #[inline(always)]
    fn before_allocation(&mut self, layout: Layout) {
        self.settle();
        if P::ON {
            self.inject_faults();
            self.observe();
            self.stress();
            self.allocated_bytes += u64::from(layout.bytes());
            self.allocated_objects += 1;
        }
    }

    #[inline(always)]
    fn after_allocation(&mut self, object: AllocResult, layout: Layout) -> AllocResult {
        self.report_moves();
        if P::ON
            && let Ok(object) = object
        {
            self.write_initial_contents(object, layout);
            self.probe.allocated(object, layout);
        }
        object
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

    // ---- safepoints and observation -----------------------------------------------------------

    /// A point at which the collector may do pending work.
    #[inline(always)]
    pub fn safepoint(&mut self) {
        self.settle();
        if P::ON {
            self.observe();
        }
    }

    /// Reports moved objects to the probe.
    #[inline(always)]
    fn report_moves(&mut self) {
        if self.collector.caps().moves && P::FOLLOWS {
            for (from, to) in self.cx.moves.take() {
                self.probe.moved(from, to);
            }
        }
    }

    #[inline(always)]
    fn settle(&mut self) {
        if self.collector.caps().parks && self.cx.has_parked() {
            self.process_parked();
        }
    }

    #[inline(never)]
    fn process_parked(&mut self) {
        self.cx.log.begin_cascade();
        self.collector.process_parked(&mut self.cx);
        self.cx.log.end_cascade();
    }

    /// Collects now, if the discipline collects at all.
    pub fn collect(&mut self) {
        self.settle();
        self.collector.collect(&mut self.cx, Cause::Requested);
        self.report_moves();
    }

    /// Collects the young now, where there are generations; all where there are none.
    pub fn collect_young(&mut self) {
        self.settle();
        self.collector.collect(&mut self.cx, Cause::Young);
        self.report_moves();
    }

    /// Does a part of a collection now, if the discipline collects in parts.
    pub fn step(&mut self, step: Step) {
        self.settle();
        self.collector.step(&mut self.cx, step);
        self.report_moves();
    }
}
