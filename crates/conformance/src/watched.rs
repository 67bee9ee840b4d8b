//! A watched collector: it forwards every operation, and checks arguments and results.
//!
//! * *Barriers*: every object argument is allocated, every slot lies inside its object, has the given kind and
//!   holds the right value afterwards; even where the collector ignores the argument. (A barrier with unchecked
//!   arguments has hidden wrong ones for years: mmtk-core #1129.)
//! * *New objects* lie over no other object, have the header of their layout and are empty.
//! * *Poison*: the cells of freed objects are filled with poison, which must stay until the cell is allocated
//!   again: nothing writes to free memory.
//! * *Moves*: only objects move, and each is known at its new address from then on.

use crate::detector::{Detector, Detectors, Place, violate};
use crate::pauses::{Reading, Timed};
use crate::rules::Rules;
use heap::{
    AllocResult, AnyCollector, BLOCK_BYTES, Caps, Cause, Collector, Colour, Config, Context,
    Extent, Heap, Inspect, Layout, Memory, ObjectReference, ObjectSlot, Offset32, Parts, Room,
    SlotKind, Step, Value,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// The word that fills freed cells: as a header, a small object of many slots; as a slot, an integer.
const POISON: u32 = 0x5a5a_5a5b;
/// Number of words that are poisoned and checked at the start and at the end of a cell.
const POISON_WORDS: u32 = 8;

/// A watched collector.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: AnyCollector,
    detectors: Cell<Detectors>,
    phase: Cell<&'static str>,
    /// Whether anything may have been reclaimed since the last check of the cells.
    may_have_reclaimed: Cell<bool>,
    /// The refusal of the last allocation, if it was refused.
    refused: Cell<Option<Refusal>>,
    /// The last allocation, collection or step, by the clock.
    timed: Cell<Timed>,
    /// By reference bits; they count units of four bytes.
    cells: RefCell<BTreeMap<u32, Known>>,
}

/// An allocation that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// The object that found no room.
    pub(crate) layout: Layout,
    /// The limit at that time.
    pub(crate) limit_bytes: u64,
}

/// The object that lies, or lay, at an address.
#[derive(Clone, Copy, Debug)]
struct Known {
    words: u32,
    is_freed: bool,
}

impl Watched {
    /// Watches a collector.
    pub(crate) fn over(inner: AnyCollector) -> Self {
        Self {
            inner,
            detectors: Cell::new(Detectors::ALL),
            phase: Cell::new("new"),
            may_have_reclaimed: Cell::new(false),
            refused: Cell::new(None),
            timed: Cell::default(),
            cells: RefCell::default(),
        }
    }

    /// Chooses the active detectors.
    pub(crate) fn watch(&self, detectors: Detectors) {
        self.detectors.set(detectors);
    }

    /// The last operation that the collector was given.
    pub(crate) fn phase(&self) -> &'static str {
        self.phase.get()
    }

    /// The objects that are allocated.
    pub(crate) fn objects(&self) -> Vec<ObjectReference> {
        let cells = self.cells.borrow();
        let starts = cells.iter().filter(|(_, known)| !known.is_freed).map(|(&start, _)| start);
        let objects = starts.filter_map(ObjectReference::from_bits);
        objects.filter(|&object| self.is_allocated(object)).collect()
    }

    /// The last allocation, collection or step, by the clock.
    pub(crate) fn timed(&self) -> Timed {
        self.timed.get()
    }

    /// Times an operation in which the collector may collect, and checks the pauses that it logs.
    fn time<R>(
        &mut self,
        cx: &mut Context,
        operation: impl FnOnce(&mut AnyCollector, &mut Context) -> R,
    ) -> R {
        let before = Reading::of(&cx.log);
        let result = operation(&mut self.inner, cx);
        match before.until_now(&cx.log) {
            Ok(timed) => self.timed.set(timed),
            Err(message) if self.checks(Detector::Pauses) => {
                violate(Detector::Pauses, message, None);
            }
            Err(_) => {}
        }
        result
    }

    /// The refusal of the last allocation, if it was refused.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refused.take()
    }

    fn checks(&self, detector: Detector) -> bool {
        self.detectors.get().has(detector)
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.inner.parts().is_allocated(object)
    }

    /// [`Watched::expects`], except under a discipline that trusts programs: a borrow may dangle there.
    fn expects_unless_trusted(&self, phase: &'static str, object: ObjectReference) {
        match Rules::of(self.caps()).trust_programs() {
            true => self.phase.set(phase),
            false => self.expects(phase, object),
        }
    }

    /// Begins an operation whose object argument must be allocated.
    fn expects(&self, phase: &'static str, object: ObjectReference) {
        self.phase.set(phase);
        if self.checks(Detector::Barrier) && !self.is_allocated(object) {
            let message = format!("`{phase}` is given an object that is not allocated");
            violate(Detector::Barrier, message, Some(Place::of(None, 0, object)));
        }
    }

    /// Before a slot is written: it must be one of the object, of this kind. Returns its number.
    fn expects_slot(&self, cx: &Context, slot: ObjectSlot, new: Value) -> u32 {
        let ObjectSlot { object, at, kind } = slot;
        self.expects("store", object);
        let extent = Extent::of(cx.memory(), object);
        let index = (at.bytes() / 4).wrapping_sub(extent.first);
        if self.checks(Detector::Barrier) {
            if index >= extent.slots || extent.kind(index) != kind {
                let message = format!("`store` is given a {kind:?} slot that does not exist");
                violate(Detector::Barrier, message, Some(Place::of(None, index, object)));
            }
            if let Some(child) = new.reference().filter(|&child| !self.is_allocated(child)) {
                let message = "`store` stores an object that is not allocated".to_owned();
                violate(Detector::Barrier, message, Some(Place::of(Some(object), index, child)));
            }
        }
        index
    }

    /// After a slot was written: it must hold the new value.
    fn has_written(&self, cx: &Context, slot: ObjectSlot, index: u32, new: Value) {
        let found = slot.read(cx.memory());
        if self.checks(Detector::Barrier) && found != new {
            let message = format!("`store` left {found:?} in slot {index}, not {new:?}");
            violate(Detector::Barrier, message, Some(Place::of(None, index, slot.object)));
        }
    }

    /// After an operation: follows moved objects to their new addresses. Moves are in the order in which they
    /// were made, so an object known at a new address has moved before, or is dead.
    fn follow(&self, cx: &Context) {
        let mut cells = self.cells.borrow_mut();
        for (from, to) in cx.moves.iter() {
            let known = cells.remove(&from.bits());
            if let Some(known) = known.filter(|known| !known.is_freed) {
                overlapped(&cells, to, known.words).iter().for_each(|other| {
                    cells.remove(other);
                });
                cells.insert(to.bits(), known);
                if overlapped(&cells, from, known.words).is_empty() {
                    // Its old place is free now, unless something moves there.
                    cells.insert(from.bits(), known);
                }
            } else if self.checks(Detector::Verifier) {
                let message = "memory without an object was moved".to_owned();
                violate(Detector::Verifier, message, Some(Place::of(None, 0, from)));
            }
        }
    }

    /// After an allocation: follows moves, then checks the new object, or notes the refusal.
    fn allocated(&self, cx: &Context, layout: Layout, object: AllocResult) -> AllocResult {
        self.follow(cx);
        let limit_bytes = cx.heap.budget().limit_bytes();
        self.refused.set(object.err().map(|_| Refusal { layout, limit_bytes }));
        object.inspect(|&object| self.is_new(cx.memory(), object, layout))
    }

    /// Checks that a new object lies over no other, has its header and is empty.
    fn is_new(&self, memory: Memory<'_>, object: ObjectReference, layout: Layout) {
        let words = layout.bytes() / 4;
        let mut cells = self.cells.borrow_mut();
        let start = object.bits();
        for other in overlapped(&cells, object, words) {
            let known = cells.remove(&other).expect("it was found there");
            // An object at the same place may have been reclaimed to make room for this one.
            let is_there = other != start
                && !known.is_freed
                && ObjectReference::from_bits(other).is_some_and(|o| self.is_allocated(o));
            if self.checks(Detector::Verifier) && is_there {
                let message = format!("a new object lies over object {other:#x}");
                violate(Detector::Verifier, message, Some(Place::of(None, 0, object)));
            }
        }
        cells.insert(start, Known { words, is_freed: false });
        drop(cells);
        if !self.checks(Detector::Verifier) {
            return;
        }
        let fails = |message: &str| -> ! {
            let place = Place::of(None, 0, object);
            violate(Detector::Verifier, message.to_owned(), Some(place))
        };
        if !self.is_allocated(object) {
            fails("a new object is not allocated");
        }
        let extent = Extent::of(memory, object);
        let shared = layout.slots_of(SlotKind::Own) + layout.slots_of(SlotKind::Shared);
        let expected = (layout.slots_of(SlotKind::Own), shared, layout.slots(), layout.words());
        let found = (extent.own_end, extent.shared_end, extent.slots, extent.words);
        if found != expected {
            fails("a new object has a wrong header");
        }
        let body = extent.first..layout.bytes() / 4;
        let mut checked = body.clone().take(64).chain(body.rev().take(64));
        if checked.any(|word| memory.read(object, Offset32::word(word)) != 0) {
            fails("a new object is not empty");
        }
    }

    /// After an operation: poisons freed cells, and checks the poison in those that were free before.
    pub(crate) fn poison(&self, memory: Memory<'_>) {
        // The address sanitizer poisons by itself and reports every access.
        let poisons = self.checks(Detector::Stamps) && !cfg!(gcw_asan);
        let may_be_freed = self.may_have_reclaimed.take();
        for (&start, known) in self.cells.borrow_mut().iter_mut() {
            let object = ObjectReference::from_bits(start).expect("it was one");
            let words = known.words;
            let ends = [0..words.min(POISON_WORDS), words.saturating_sub(POISON_WORDS)..words];
            let word = |word| memory.word32(object, Offset32::word(word));
            if known.is_freed && poisons {
                // A block that was returned to the operating system is zero when it comes back, and a young
                // object may lie in two blocks.
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
            } else if !known.is_freed && may_be_freed && !self.is_allocated(object) {
                known.is_freed = true;
                if poisons {
                    ends.into_iter().flatten().for_each(|w| word(w).store(POISON, Relaxed));
                }
            }
        }
    }
}

/// The known cells that an object of `words` words overlaps.
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

    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        self.phase.set("alloc");
        if self.caps().cycles {
            self.may_have_reclaimed.set(true);
        }
        let object = self.time(cx, |inner, cx| inner.alloc(cx, layout));
        self.allocated(cx, layout, object)
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
        if self.checks(Detector::Barrier)
            && found != value
            && !(may_be_null && found == Value::NULL)
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
        match owned {
            true => self.expects("root_removed", object),
            false => self.expects_unless_trusted("root_removed", object),
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
        self.time(cx, |inner, cx| inner.collect(cx, cause));
        self.follow(cx);
    }

    fn region_begin(&mut self, cx: &mut Context) -> u32 {
        self.phase.set("begin of a region");
        self.inner.region_begin(cx)
    }

    fn region_alloc(&mut self, cx: &mut Context, region: u32, layout: Layout) -> AllocResult {
        self.poison(cx.memory());
        self.phase.set("allocation in a region");
        let object = self.inner.region_alloc(cx, region, layout);
        self.allocated(cx, layout, object)
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

    fn room(&self) -> Room {
        self.inner.room()
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
        self.time(cx, |inner, cx| inner.step(cx, step));
        self.follow(cx);
    }
}
