//! Generational mark-sweep with sticky mark bits (Demers, Weiser, Hayes, Boehm, Bobrow and Shenker,
//! "Combining generational and conservative garbage collection", POPL 1990): generations without moving.
//!
//! 1. *Ages*: marks are kept from one collection to the next. What is marked is old; what has been
//!    allocated since is young, wherever it lies.
//! 2. *Barrier*: before a reference to a young object is stored in an old one, the old one is logged,
//!    once (a header bit). A store of anything else, or into a young object, costs a look at one or two
//!    mark bits.
//! 3. *Minor collection*, when no memory is left: marks from the roots and from what logged objects refer
//!    to, through unmarked objects only. Blocks in which nothing was allocated are not touched by the
//!    sweep (see [`heap::CellSpace`]). Whatever survives is old at once.
//! 4. *Major collection*: the same with all marks cleared first. It is due when minor collections have
//!    left less than [`MAJOR_SHARE`] of the room that the last major one made, for what has died old
//!    takes up the rest.
//! 5. *Minor collections in vain*: where the first one leaves so little room already, most objects survive
//!    their youth, and it was a waste. So the next cycle does without, then two, four at most, until one
//!    has been worth its time.
//!
//! Both then look at weak slots, ephemerons and finalizable objects, old and young (see
//! [`heap::WeakTables`]), so a store to such a slot needs no barrier.
//!
//! It does not move. Garbage that has become old floats until the next major collection, whose pause
//! grows with what is live. A logged array is looked at as a whole.

use heap::{
    Caps, Cause, Collector, Config, Context, Footprint, GROWTH, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, Offset32, OutOfMemory, PARKED, PREFETCH, PRICE,
    Parameter, PauseKind, SIZER, Sizer, SlotKind, Slots, Value, mutant,
};
use std::io;
use std::sync::atomic::Ordering::Relaxed;

/// A major collection is due when less than this share of what could be allocated after the last one
/// was allocated before this one.
const MAJOR_SHARE: f64 = 0.5;

/// Minor collections in vain make the next cycles do without: one, then two, and so many at most.
const MOST_SKIPPED: u32 = 4;

/// Traces the young, and from time to time everything.
#[derive(Debug)]
pub struct Generational {
    objects: ObjectSpace,
    marker: Marker,
    /// How far the heap may grow from one major collection to the next.
    sizer: Sizer,
    /// Bytes of cells that the last collection kept.
    survived_bytes: u64,
    /// Bytes allocated between the last major collection and the one after it; `None` until then.
    room_bytes: Option<u64>,
    /// Minor collections since the last major one.
    minors: u32,
    /// Cycles that will do without minor collections, and how many that were after the last one in vain.
    to_skip: u32,
    skipped: u32,
}

impl Collector for Generational {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
            survived_bytes: 0,
            room_bytes: None,
            minors: 0,
            to_skip: 0,
            skipped: 0,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.marker.metadata_bytes())
    }

    fn occupied(&self) -> Occupancy {
        self.objects.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.objects.verify_with_marks()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    #[inline(always)]
    fn store(&self, cx: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        self.log(cx, object, new);
        self.heap().memory().write(object, at, new.bits());
    }

    #[inline(always)]
    fn moved(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        if !mutant!(self.heap().memory(), "moves into old objects are not logged") {
            self.log(cx, object, new);
        }
        self.heap().memory().write(object, at, new.bits());
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let occupied_bytes = self.objects.occupied().bytes;
        let pause = cx.log.begin_pause();
        if cause == Cause::Young {
            self.minors += 1;
            self.push_logged(cx);
        } else {
            self.forget_logged(cx);
            if !mutant!(self.heap().memory(), "a major collection keeps its marks") {
                self.objects.clear_marks();
            }
        }
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_hidden(&mut self.marker, &mut cx.weak);
        self.sizer.keep_free(self.marker.metadata_bytes());
        self.objects.sweep_unmarked();
        self.marker.shrink();
        self.survived_bytes = self.objects.occupied().bytes;
        cx.log.end_pause(pause, PauseKind::Stw);
        if cause != Cause::Young {
            self.room_bytes = None;
            self.minors = 0;
            self.sizer.collected(self.objects.cycle(cause, occupied_bytes, &cx.log));
        }
    }
}

// ---- the write log ------------------------------------------------------------------------------

impl Generational {
    #[inline(always)]
    fn log(&self, cx: &Context, object: ObjectReference, new: Value) {
        let is_old = |object| self.objects.is_marked(object);
        if let Some(new) = new.reference()
            && !is_old(new)
            && is_old(object)
            && !mutant!(self.heap().memory(), "an old object is not logged")
        {
            cx.park(self.heap().memory(), object);
        }
    }

    /// What logged objects refer to is reached, as by roots; they themselves are marked.
    fn push_logged(&mut self, cx: &Context) {
        let memory = self.objects.heap().memory();
        if mutant!(memory, "a log is cleared before it is read") {
            self.forget_logged(cx);
        }
        while let Some(object) = cx.unpark(memory) {
            if mutant!(memory, "a logged object stays logged") {
                memory.collector_word(object).fetch_or(PARKED, Relaxed);
            }
            let half = mutant!(memory, "a logged object is looked at in half");
            let children = memory.slots(object, Slots::All).step_by(1 + usize::from(half));
            children.filter_map(Value::reference).for_each(|child| self.marker.push(child));
        }
    }

    /// Everything is going to be looked at.
    fn forget_logged(&self, cx: &Context) {
        while cx.unpark(self.heap().memory()).is_some() {}
    }
}

// ---- when to collect what -----------------------------------------------------------------------

impl Generational {
    /// Whether a minor collection would be one too many.
    fn is_major_due(&mut self) -> bool {
        let allocated_bytes = self.allocated_bytes();
        let room_bytes = *self.room_bytes.get_or_insert(allocated_bytes);
        self.to_skip > 0 || (allocated_bytes as f64) < room_bytes as f64 * MAJOR_SHARE
    }

    /// A major collection is due: were those before it, the minor ones, worth their time? A single one was
    /// not, for it made too little room for a second one.
    fn look_back(&mut self) {
        match self.minors {
            0 => self.to_skip = self.to_skip.saturating_sub(1),
            1 => {
                self.skipped = (self.skipped * 2).clamp(1, MOST_SKIPPED);
                self.to_skip = self.skipped;
            }
            _ => self.skipped = 0,
        }
    }

    /// Bytes of cells allocated since the last collection.
    fn allocated_bytes(&self) -> u64 {
        self.objects.occupied().bytes.saturating_sub(self.survived_bytes)
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if let Some(object) = self.alloc_without_collecting(layout) {
            return Ok(object);
        }
        let used_bytes = self.objects.used_bytes();
        if self.sizer.is_futile(self.objects.occupied().bytes, used_bytes) {
            return Err(self.heap().refuse(layout));
        }
        if !self.is_major_due() {
            self.collect(cx, Cause::Young);
            if let Some(object) = self.alloc_without_collecting(layout) {
                return Ok(object);
            }
        }
        self.look_back();
        self.collect(cx, self.sizer.cause(used_bytes));
        self.objects.alloc_after_collecting(layout).ok_or_else(|| self.heap().refuse(layout))
    }

    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let may_grow = self.sizer.may_grow(self.objects.used_bytes(), self.heap().room_bytes());
        self.objects.alloc_without_collecting(layout, may_grow)
    }
}
