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
//!    sweep (see [`heap::SegregatedSpace`]). Whatever survives is old at once.
//! 4. *Major collection*: the same with all marks cleared first. It is due when minor collections have
//!    left less than half of the room that the last major one made, for what has died old
//!    takes up the rest.
//! 5. *Minor collections in vain*: where the first one leaves so little room already, most objects survive
//!    their youth, and it was a waste. So the next cycle does without, then two, four at most, until one
//!    has been worth its time.
//!
//! Both then look at weak slots, ephemerons and finalizable objects, old and young (see
//! [`heap::ReferenceProcessor`]), so a store to such a slot needs no barrier.
//!
//! It does not move. Garbage that has become old floats until the next major collection, whose pause
//! grows with what is live. A logged array is looked at as a whole.

use heap::{
    Barrier, Caps, Cause, CollectedSpace, Collector, Config, Context, GROWTH, Heap, Inspect,
    Layout, Marker, NonMovingSpace, ObjectReference, ObjectSlot, PREFETCH, PRICE, Parameter, SIZER,
    Sizer, StickyMarks, StickyPolicy, StopTheWorld, Value, traced,
};
use std::io;

/// Traces the young, and from time to time everything.
#[derive(Debug)]
pub struct Generational {
    objects: NonMovingSpace<StickyMarks>,
    marker: Marker,
    /// How far the heap may grow from one major collection to the next.
    sizer: Sizer,
    policy: StickyPolicy,
}

impl Collector for Generational {
    const CAPS: Caps = Caps { barrier: Barrier::Remembering, ..Caps::TRACING };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
            policy: StickyPolicy::default(),
        })
    }

    traced!(objects; marker; stop_and_collect);

    /// **Rule:** an old object that a young one is stored in is remembered, once.
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

impl StopTheWorld for Generational {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, cause: Cause) {
        if cause == Cause::Young {
            self.scan_remembered(cx);
        } else {
            // Everything is traced.
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
    fn alloc_collecting(
        &mut self,
        cx: &mut Context,
        layout: Layout,
        cause: Cause,
    ) -> Option<ObjectReference> {
        if !self.policy.is_major_due(self.objects.allocated_bytes()) {
            self.collect(cx, Cause::Young);
            if let Some(object) = self.alloc_without_collecting(cx, layout) {
                return Some(object);
            }
        }
        self.policy.cycle_ends();
        self.collect(cx, cause);
        self.objects.alloc_after_collecting(layout, 0)
    }
}

impl Generational {
    /// Pushes what remembered objects refer to, as roots; they themselves are marked.
    fn scan_remembered(&mut self, cx: &Context) {
        while let Some(object) = cx.unpark() {
            self.marker.push_children(cx.memory(), object);
        }
    }
}

impl Inspect for Generational {}
