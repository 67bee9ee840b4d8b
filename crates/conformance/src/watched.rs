//! A collector that is watched: it passes everything on, and checks what goes in and what comes out.
//!
//! * *Barriers*: every object that a barrier is given is allocated, every slot is inside it and of the
//!   kind said, and afterwards holds what it must; even where the collector ignores the argument.
//!   (A barrier whose arguments nobody looked at has hidden wrong ones for years: mmtk-core #1129.)
//! * *New objects* lie over no other object, have the header of their layout and are empty.
//! * *Poison*: the cells of objects that go are filled with poison, which must stay until a cell is
//!   allocated again: nobody writes to free memory.
//! * *Moves*: what moves was an object, and is known at its new place from then on.

use crate::detector::{Detector, Detectors, Place, violate};
use crate::rules::Rules;
use heap::{
    AnyCollector, BLOCK_BYTES, Caps, Cause, Collector, Colour, Config, Context, Extent, Heap,
    Inspect, Layout, Memory, ObjectReference, ObjectSlot, Offset32, OutOfMemory, Parts, SlotKind,
    Step, Value,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// What a freed cell is filled with: as a header, a small object of many slots; as a slot, an integer.
const POISON: u32 = 0x5a5a_5a5b;
/// How many words of it are looked at, at the start and at the end of a cell.
const LOOKED_AT: u32 = 8;

/// A watched collector.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: AnyCollector,
    detectors: Cell<Detectors>,
    phase: Cell<&'static str>,
    /// Whether anything may have been reclaimed since the cells were looked at.
    may_have_reclaimed: Cell<bool>,
    /// By reference bits, of which one stands for four bytes.
    cells: RefCell<BTreeMap<u32, Known>>,
}

/// What lies, or lay, at a place.
#[derive(Clone, Copy, Debug)]
struct Known {
    words: u32,
    is_gone: bool,
}

impl Watched {
    /// Watches a collector.
    pub(crate) fn over(inner: AnyCollector) -> Self {
        Self {
            inner,
            detectors: Cell::new(Detectors::ALL),
            phase: Cell::new("new"),
            may_have_reclaimed: Cell::new(false),
            cells: RefCell::default(),
        }
    }

    /// Chooses what is looked at.
    pub(crate) fn watch(&self, detectors: Detectors) {
        self.detectors.set(detectors);
    }

    /// The last thing that the collector was asked to do.
    pub(crate) fn phase(&self) -> &'static str {
        self.phase.get()
    }

    /// The objects that are allocated.
    pub(crate) fn objects(&self) -> Vec<ObjectReference> {
        let cells = self.cells.borrow();
        let starts = cells.iter().filter(|(_, known)| !known.is_gone).map(|(&start, _)| start);
        let objects = starts.filter_map(ObjectReference::from_bits);
        objects.filter(|&object| self.inner.parts().is_allocated(object)).collect()
    }

    fn looks(&self, detector: Detector) -> bool {
        self.detectors.get().has(detector)
    }

    /// Every argument of a barrier that is an object is one; but a discipline that trusts programs may
    /// be told of a borrow that dangles.
    fn expects_unless_trusted(&self, phase: &'static str, object: ObjectReference) {
        match Rules::of(self.caps()).trust_programs() {
            true => self.phase.set(phase),
            false => self.expects(phase, object),
        }
    }

    fn expects(&self, phase: &'static str, object: ObjectReference) {
        self.phase.set(phase);
        if self.looks(Detector::Barrier) && !self.inner.parts().is_allocated(object) {
            let message = format!("`{phase}` is told of an object that is not allocated");
            violate(Detector::Barrier, message, Some(Place::of(None, 0, object)));
        }
    }

    /// Before a slot is written: it is one of the object, of this kind. Returns its number.
    fn expects_slot(&self, cx: &Context, slot: ObjectSlot, new: Value) -> u32 {
        let ObjectSlot { object, at, kind } = slot;
        self.expects("store", object);
        let extent = Extent::of(cx.memory(), object);
        let index = (at.bytes() / 4).wrapping_sub(extent.first);
        if self.looks(Detector::Barrier) {
            if index >= extent.slots || extent.kind(index) != kind {
                let message = format!("`store` is told of a {kind:?} slot that is none");
                violate(Detector::Barrier, message, Some(Place::of(None, index, object)));
            }
            if let Some(child) = new.reference()
                && !self.inner.parts().is_allocated(child)
            {
                let message = "`store` stores an object that is not allocated".to_owned();
                violate(Detector::Barrier, message, Some(Place::of(Some(object), index, child)));
            }
        }
        index
    }

    /// After a slot was written: it holds what it must.
    fn has_written(&self, cx: &Context, slot: ObjectSlot, index: u32, new: Value) {
        let found = slot.read(cx.memory());
        if self.looks(Detector::Barrier) && found != new {
            let message = format!("`store` left {found:?} in slot {index}, not {new:?}");
            violate(Detector::Barrier, message, Some(Place::of(None, index, slot.object)));
        }
    }

    /// After an operation: what moved is known by its new address. Moves are looked at in the order in
    /// which they were made, so what is known at the new one has moved before, or is dead.
    fn follow(&self, cx: &Context) {
        let mut cells = self.cells.borrow_mut();
        for (from, to) in cx.moves.iter() {
            let known = cells.remove(&from.bits());
            if let Some(known) = known.filter(|known| !known.is_gone) {
                overlapped(&cells, to, known.words).iter().for_each(|other| {
                    cells.remove(other);
                });
                cells.insert(to.bits(), known);
                if overlapped(&cells, from, known.words).is_empty() {
                    // Where it was is free now, unless something moves there.
                    cells.insert(from.bits(), known);
                }
            } else if self.looks(Detector::Verifier) {
                let message = "what is said to move is no object".to_owned();
                violate(Detector::Verifier, message, Some(Place::of(None, 0, from)));
            }
        }
    }

    /// A new object lies over no other, has its header and is empty.
    fn is_new(&self, memory: Memory<'_>, object: ObjectReference, layout: Layout) {
        let words = layout.bytes() / 4;
        let mut cells = self.cells.borrow_mut();
        let start = object.bits();
        for other in overlapped(&cells, object, words) {
            let known = cells.remove(&other).expect("it was found there");
            // An object at the same place may have been reclaimed to make room for this one.
            let is_there = other != start
                && !known.is_gone
                && ObjectReference::from_bits(other)
                    .is_some_and(|o| self.inner.parts().is_allocated(o));
            if self.looks(Detector::Verifier) && is_there {
                let message = format!("a new object lies over object {other:#x}");
                violate(Detector::Verifier, message, Some(Place::of(None, 0, object)));
            }
        }
        cells.insert(start, Known { words, is_gone: false });
        drop(cells);
        if !self.looks(Detector::Verifier) {
            return;
        }
        let place = || Some(Place::of(None, 0, object));
        if !self.inner.parts().is_allocated(object) {
            violate(Detector::Verifier, "a new object is not allocated".to_owned(), place());
        }
        let extent = Extent::of(memory, object);
        let shared = layout.slots_of(SlotKind::Own) + layout.slots_of(SlotKind::Shared);
        let expected = (layout.slots_of(SlotKind::Own), shared, layout.slots(), layout.words());
        let found = (extent.own_end, extent.shared_end, extent.slots, extent.words);
        if found != expected {
            violate(Detector::Verifier, "a new object has a wrong header".to_owned(), place());
        }
        let body = extent.first..layout.bytes() / 4;
        let looked_at = body.clone().take(64).chain(body.clone().rev().take(64));
        for word in looked_at {
            if memory.read(object, Offset32::word(word)) != 0 {
                violate(Detector::Verifier, "a new object is not empty".to_owned(), place());
            }
        }
    }

    fn after_alloc(
        &self,
        cx: &Context,
        object: Result<ObjectReference, OutOfMemory>,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if let Ok(object) = object {
            self.is_new(cx.memory(), object, layout);
        }
        object
    }

    /// After an operation: what has gone is poisoned, what was poisoned has stayed so.
    pub(crate) fn poison(&self, memory: Memory<'_>) {
        // The address sanitizer poisons by itself, and reports who looks.
        let poisons = self.looks(Detector::Stamps) && !cfg!(gcw_asan);
        let may_have_gone = self.may_have_reclaimed.take();
        for (&start, known) in self.cells.borrow_mut().iter_mut() {
            let object = ObjectReference::from_bits(start).expect("it was one");
            let words = known.words;
            let ends = [0..words.min(LOOKED_AT), words.saturating_sub(LOOKED_AT)..words];
            let word = |word| memory.word32(object, Offset32::word(word));
            if known.is_gone && poisons {
                // A block that went back to the operating system comes back as zeros, and a young object
                // may lie in two blocks.
                let is =
                    |part: &Range<u32>, bits| part.clone().all(|w| word(w).load(Relaxed) == bits);
                let is_left = |end: &Range<u32>| {
                    let border = (start + end.start).next_multiple_of(BLOCK_BYTES / 4) - start;
                    let border = border.min(end.end);
                    let parts = [end.start..border, border..end.end];
                    parts.iter().all(|part| is(part, POISON) || is(part, 0))
                };
                if !ends.iter().all(is_left) {
                    let message = "freed memory was written to".to_owned();
                    violate(Detector::Stamps, message, Some(Place::of(None, 0, object)));
                }
            } else if !known.is_gone && may_have_gone && !self.inner.parts().is_allocated(object) {
                known.is_gone = true;
                if poisons {
                    ends.into_iter().flatten().for_each(|w| word(w).store(POISON, Relaxed));
                }
            }
        }
    }
}

/// The known cells over which an object of so many words lies.
fn overlapped(cells: &BTreeMap<u32, Known>, object: ObjectReference, words: u32) -> Vec<u32> {
    let start = object.bits();
    let reaches = |&(&other, known): &(&u32, &Known)| other + known.words > start;
    let below = cells.range(..start).next_back().filter(reaches);
    let inside = cells.range(start..start + words);
    below.into_iter().chain(inside).map(|(&other, _)| other).collect()
}

impl Collector for Watched {
    const CAPS: Caps = AnyCollector::CAPS;

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self::over(AnyCollector::new(heap, config)?))
    }

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.phase.set("alloc");
        if self.caps().cycles {
            self.may_have_reclaimed.set(true);
        }
        let object = self.inner.alloc(cx, layout);
        self.follow(cx);
        self.after_alloc(cx, object, layout)
    }

    fn parts(&self) -> Parts<'_> {
        self.inner.parts()
    }

    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        let index = self.expects_slot(cx, slot, new);
        self.inner.store(cx, slot, new);
        self.has_written(cx, slot, index, new);
    }

    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value {
        self.phase.set("load");
        let found = self.inner.load(cx, kind, value);
        let may_be_null = kind.is_weak() || kind == SlotKind::Borrow && self.caps().weak;
        if self.looks(Detector::Barrier) && found != value && !(may_be_null && found == Value::NULL)
        {
            let message = format!("`load` turned {value:?} of a {kind:?} slot into {found:?}");
            violate(Detector::Barrier, message, None);
        }
        found
    }

    fn owner_lost(&self, cx: &Context, object: ObjectReference) {
        self.expects("owner_lost", object);
        self.inner.owner_lost(cx, object);
    }

    fn root_added(&self, cx: &Context, object: ObjectReference) {
        self.expects("root_added", object);
        self.inner.root_added(cx, object);
    }

    fn root_removed_deferred(&self, cx: &Context, object: ObjectReference) {
        self.expects_unless_trusted("root_removed_deferred", object);
        self.inner.root_removed_deferred(cx, object);
    }

    fn root_removed(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {
        if owned {
            self.expects("root_removed", object);
        } else {
            self.expects_unless_trusted("root_removed", object);
        }
        self.may_have_reclaimed.set(true);
        self.inner.root_removed(cx, object, owned);
    }

    fn process_parked(&mut self, cx: &mut Context) {
        self.phase.set("process_parked");
        self.may_have_reclaimed.set(true);
        self.inner.process_parked(cx);
    }

    fn free(&mut self, cx: &mut Context, object: ObjectReference) {
        self.expects("free", object);
        self.may_have_reclaimed.set(true);
        self.inner.free(cx, object);
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.phase.set(match cause {
            Cause::Young => "minor collection",
            Cause::End => "last collection",
            Cause::Exhausted | Cause::Growth | Cause::Requested => "collection",
        });
        self.may_have_reclaimed.set(true);
        self.inner.collect(cx, cause);
        self.follow(cx);
    }

    fn region_begin(&mut self, cx: &mut Context) -> u32 {
        self.phase.set("begin of a region");
        self.inner.region_begin(cx)
    }

    fn region_alloc(
        &mut self,
        cx: &mut Context,
        region: u32,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        self.poison(cx.memory());
        self.phase.set("allocation in a region");
        let object = self.inner.region_alloc(cx, region, layout);
        self.follow(cx);
        self.after_alloc(cx, object, layout)
    }

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        self.phase.set("end of a region");
        self.may_have_reclaimed.set(true);
        self.inner.region_end(cx, region);
    }
}

impl Inspect for Watched {
    fn verify(&self, cx: &Context) -> Result<(), String> {
        self.inner.verify(cx)
    }

    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        self.inner.colour(object)
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        self.phase.set(match step {
            Step::Start => "start of a cycle",
            Step::Advance => "step of a cycle",
            Step::Finish => "end of a cycle",
        });
        self.may_have_reclaimed.set(true);
        self.inner.step(cx, step);
        self.follow(cx);
    }
}
