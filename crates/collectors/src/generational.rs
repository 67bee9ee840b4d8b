//! Generational mark-sweep with sticky mark bits (Demers, Weiser, Hayes, Boehm, Bobrow and Shenker,
//! "Combining generational and conservative garbage collection", POPL 1990): generations without moving.
//!
//! 1. *Ages*: marks are kept from one collection to the next. Marked objects are old; objects allocated
//!    since the last collection are young, wherever they lie.
//! 2. *Barrier*: before a reference to a young object is stored in an old one, the old one joins the
//!    remembered set, once (a header bit). Any other store, or one into a young object, costs a check of
//!    one or two mark bits.
//! 3. *Minor collection*, when no memory is left: traces from the roots and the referents of remembered
//!    objects, through unmarked objects only. Blocks in which nothing was allocated are not touched by the
//!    sweep (see [`heap::SegregatedSpace`]). All survivors are old at once.
//! 4. *Major collection*: the same with all marks cleared first. It is due when minor collections have
//!    left less than half of the room that the last major one made, because objects that died old take up
//!    the rest.
//! 5. *Process weak references* in both: weak slots, ephemerons, finalizable objects, old and young (see
//!    [`heap::ReferenceProcessor`]). So a store to such a slot needs no barrier.
//! 6. *Back off* from futile minor collections: where the first one of a cycle leaves too little room, most
//!    objects survive their youth. The next cycle omits them, then two, four at most, until a cycle's minor
//!    collections have been worth their time.
//!
//! It does not move. Garbage that has become old floats until the next major collection, whose pause
//! grows with the live objects. A remembered array is scanned as a whole.

use heap::contract::*;
use heap::{Marker, NonMovingSpace, StickyMarks, StickyPolicy};

/// Traces the young objects, and from time to time all.
#[derive(Debug)]
pub struct Generational {
    objects: NonMovingSpace<StickyMarks>,
    policy: StickyPolicy,
    marker: Marker,
    /// How far the heap may grow from one major collection to the next.
    sizer: Sizer,
}

impl Collector for Generational {
    const CAPS: Caps = Caps { barrier: Barrier::Remembering, ..Caps::TRACING };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            policy: StickyPolicy::default(),
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
        })
    }

    traced!(objects; marker; stop_and_collect);

    /// **Rule:** an old object that receives a reference to a young one is remembered, once.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        let is_old = |object| self.objects.is_marked(object);
        if !slot.kind.is_weak()
            && let Some(new) = new.reference()
            && !is_old(new)
            && is_old(slot.object)
        {
            cx.park(slot.object);
        }
        slot.write(cx.memory(), new);
    }
}

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for Generational {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, cause: Cause) {
        if cause == Cause::Young {
            self.scan_remembered(cx);
        } else {
            // All objects are traced: the remembered set is not needed.
            while cx.unpark().is_some() {}
            self.objects.clear_marks();
        }
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_weak(&mut self.marker, &mut cx.weak);
        self.sizer.reserve_queue(self.marker.metadata_bytes());
        self.objects.sweep_unmarked();
        self.marker.shrink();
        self.policy.ended(cause, self.objects.allocated_bytes());
    }

    fn ends_cycle(&self, cause: Cause) -> bool {
        cause != Cause::Young
    }

    /// A minor collection if it is worth its time, then a major one.
    fn alloc_collecting(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        let cause = self.cause();
        if !self.policy.is_major_due(self.objects.allocated_bytes()) {
            self.collect(cx, Cause::Young);
            if let Some(object) = self.alloc_without_collecting(cx, layout) {
                return Some(object);
            }
        }
        self.policy.cycle_ends();
        self.collect(cx, cause);
        self.objects.alloc_after_collecting(layout, Self::NEW)
    }
}

impl Generational {
    /// Pushes the referents of remembered objects, as roots; these objects themselves are marked.
    fn scan_remembered(&mut self, cx: &Context) {
        while let Some(object) = cx.unpark() {
            self.marker.push_children(cx.memory(), object);
        }
    }
}

impl Inspect for Generational {}
