//! Generational copying: a nursery whose survivors are copied to a mark-sweep old space (Ungar,
//! "Generation scavenging", 1984; Appel, "Simple generational garbage collection and fast allocation",
//! Software: Practice and Experience 1989).
//!
//! 1. *Allocate* by bumping through the nursery, a few adjacent blocks. Each young object is promised a
//!    cell in the old space (see [`heap::Nursery`]). Large objects are old from the start.
//! 2. *Barrier*: when a reference to a young object is stored in an old one, the old one is logged, once
//!    (a header bit). Which object is young its address tells, without a look at the object.
//! 3. *Minor collection*, when the nursery is full: what the roots and the logged objects refer to in it
//!    is copied to the old space, then what the copies refer to. Copies that are still to be looked at
//!    wait on a list through their originals. All survivors are old at once, and the nursery is empty.
//! 4. *Major collection*, when the old space cannot promise enough any more to fill the nursery to
//!    [`MAJOR_SHARE`]: a minor one, then marking and sweeping as in `mark-sweep`. After it the nursery is
//!    sized anew: half of what is free, for the other half is promised to its copies, or as much as told.
//! 5. *Weak slots, ephemerons, finalizable objects*, old and young, are looked at in both (see
//!    [`heap::WeakTables`]), so a store to such a slot needs no barrier. In a minor collection all that
//!    is old counts as reached. The minor part of a major one only copies what could be finalized: the
//!    major part finds all that can be, in order.
//! 6. *Nurseries in vain*: where hardly anything has died young since the last major collection, the next
//!    cycle does without a nursery, then two, four at most. Without one this is `mark-sweep`.
//!
//! Allocation is fast, a minor collection costs what survives, and what dies young costs nothing. But the
//! nursery, and the room for its copies, are on top of what lives, and to copy costs more than to mark. What
//! dies soon after it was promoted floats until the next major collection, and a logged array is looked
//! at as a whole. A heap too full, or too fragmented, for a nursery does without.
//!
//! It is long because it is two collectors, and because a nursery must be sized, promised for and given up.

use heap::{
    Caps, Cause, Collector, Config, Context, Cycle, Footprint, GROWTH, GreyList, Heap, Layout,
    Marker, Memory, Moves, Nursery, ObjectReference, ObjectSpace, Occupancy, Offset32, OutOfMemory,
    PARKED, PREFETCH, PRICE, Parameter, PauseKind, SIZER, Sizer, SlotKind, Slots, Value, Values,
    mutant, size_class::CLASSES,
};
use std::io;
use std::mem;
use std::sync::atomic::Ordering::Relaxed;

/// How large the nursery is.
const NURSERY: Parameter = Parameter {
    key: "nursery",
    values: Values::Bytes(64 << 10, 1 << 30),
    default: (16 << 20) as f64,
    summary: "bytes of the nursery, where so much is free",
};

/// Twice as far ahead as elsewhere: copies lie first slot first, as programs go through them, and a marker pops
/// the last slot first. No stream of neighbours helps it then, so it must ask for them earlier. Measured on a
/// tree of 100 million objects: 19 ns each at 16 edges, 11 at 32 or 64.
const AHEAD: Parameter = Parameter { default: 32.0, ..PREFETCH };

/// What part of what is free the nursery takes at most: as much again is promised for its copies.
const ROOM_SHARE: u64 = 2;

/// A major collection is due when less than this share of the nursery can be filled. A nursery that could
/// not have this share of what it should is not worth having: its survivors would be many.
const MAJOR_SHARE: f64 = 0.5;

/// Of a nursery in vain more than this share survived.
const VAIN_SHARE: f64 = 0.8;

/// Nurseries in vain make the next cycles do without: one, then two, and so many at most.
const MOST_SKIPPED: u32 = 4;

/// Copies what survives its youth, and marks and sweeps the rest.
#[derive(Debug)]
pub struct GenCopy {
    nursery: Nursery,
    old: ObjectSpace,
    marker: Marker,
    /// How far the old space may grow from one major collection to the next.
    sizer: Sizer,
    /// The most that the nursery may have.
    nursery_bytes: u64,
    /// Bytes of the objects that were young since the last major collection, and of those that survived.
    young_bytes: u64,
    promoted_bytes: u64,
    /// Cycles that will do without a nursery, and how many that were after the last one in vain.
    to_skip: u32,
    skipped: u32,
}

impl Collector for GenCopy {
    const CAPS: Caps =
        Caps { cycles: true, bounded: true, moves: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[NURSERY, AHEAD, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut collector = Self {
            nursery: Nursery::new(heap),
            old: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&AHEAD))?,
            sizer: Sizer::new(heap, config),
            nursery_bytes: config.whole(&NURSERY) as u64,
            young_bytes: 0,
            promoted_bytes: 0,
            to_skip: 0,
            skipped: 0,
        };
        collector.size_nursery();
        Ok(collector)
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.nursery.alloc(layout) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn footprint(&self) -> Footprint {
        let metadata_bytes = self.nursery.metadata_bytes() + self.marker.metadata_bytes();
        let old = self.old.footprint(metadata_bytes);
        Footprint { used_bytes: old.used_bytes + self.nursery.used_bytes(), ..old }
    }

    fn occupied(&self) -> Occupancy {
        self.nursery.occupied().plus(self.old.occupied())
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.nursery.is_allocated(object) || self.old.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.old.verify()?;
        self.nursery.verify(&self.old)?;
        self.verify_log()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.old.heap()
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
        let occupied_bytes = self.occupied_bytes();
        let pause = cx.log.begin_pause();
        if cause != Cause::Young {
            cx.weak.postpone();
        }
        self.collect_young(cx);
        if cause == Cause::Young {
            cx.log.end_pause(pause, PauseKind::Stw);
            return;
        }
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.old.trace(&mut self.marker);
        self.old.trace_hidden(&mut self.marker, &mut cx.weak);
        self.sizer.keep_free(self.marker.metadata_bytes());
        self.old.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
        self.sizer.collected(Cycle {
            cause,
            occupied_bytes,
            survived_bytes: self.occupied_bytes(),
            used_bytes: self.old.used_bytes(),
            ended_ns: cx.log.now_ns(),
            collecting_ns: cx.log.pause_total_ns(),
        });
        self.look_back();
        self.size_nursery();
    }
}

// ---- the write log ------------------------------------------------------------------------------

impl GenCopy {
    #[inline(always)]
    fn log(&self, cx: &Context, object: ObjectReference, new: Value) {
        let is_young = |object| self.nursery.contains(object);
        if let Some(new) = new.reference()
            && is_young(new)
            && (!is_young(object) || mutant!(self.heap().memory(), "a young object is logged"))
            && !mutant!(self.heap().memory(), "an old object is not logged")
        {
            cx.park(self.heap().memory(), object);
        }
    }

    /// Every old object that refers to a young one must be logged.
    fn verify_log(&self) -> Result<(), String> {
        let memory = self.heap().memory();
        let is_young = |child| self.nursery.contains(child);
        let refers_to_young =
            |old| memory.slots(old, Slots::All).filter_map(Value::reference).any(is_young);
        let mut unlogged = self.old.objects().filter(|&old| !memory.has(old, PARKED));
        match unlogged.find(|&old| refers_to_young(old)) {
            Some(old) => Err(format!("{old:?} refers to a young object, and is not logged")),
            None => Ok(()),
        }
    }
}

// ---- a minor collection -------------------------------------------------------------------------

impl GenCopy {
    /// Copies what survives to the old space and leaves the nursery empty.
    fn collect_young(&mut self, cx: &mut Context) {
        self.young_bytes += self.nursery.filled_bytes();
        let before_bytes = self.old.occupied().bytes;
        let memory = self.nursery.heap().memory();
        let mut moves = mem::take(&mut cx.moves);
        let mut promoter = Promoter {
            memory,
            nursery: &self.nursery,
            old: &mut self.old,
            grey: GreyList::default(),
            moves: &mut moves,
        };
        if mutant!(memory, "a log is cleared before it is read") {
            while cx.unpark(memory).is_some() {}
        }
        cx.roots.update(|object| promoter.promote(object));
        promoter.look_at_copies(|_| ());
        while let Some(logged) = cx.unpark(memory) {
            promoter.look_at_logged(logged);
            promoter.look_at_copies(|_| ());
        }
        let place = |object| self.nursery.survivor(object);
        while cx.weak.resume(place, |object| _ = promoter.promote(object)) {
            promoter.look_at_copies(|object| cx.weak.met(object));
        }
        cx.moves = moves;
        self.nursery.clear(&self.old);
        self.promoted_bytes += self.old.occupied().bytes - before_bytes;
    }
}

/// A minor collection under way.
struct Promoter<'c> {
    memory: Memory<'c>,
    nursery: &'c Nursery,
    old: &'c mut ObjectSpace,
    grey: GreyList,
    moves: &'c mut Moves,
}

impl Promoter<'_> {
    /// Where an object is now: if it was young, at its copy, which is made if there is none yet.
    #[inline(always)]
    fn promote(&mut self, object: ObjectReference) -> ObjectReference {
        let memory = self.memory;
        if !self.nursery.contains(object) && !mutant!(memory, "the old are taken for young") {
            return object;
        }
        if let Some(copy) = memory.forwarded(object) {
            return copy;
        }
        let copy = self.old.copy(object).expect("a cell was promised to each young object");
        memory.forward(object, copy);
        self.moves.record(object, copy);
        if !mutant!(memory, "what is promoted is not looked at") {
            self.grey.push(memory, object);
        }
        let children = memory.slots(copy, Slots::All).filter_map(Value::reference);
        children.for_each(|child| memory.prefetch(child));
        copy
    }

    /// Promotes what copies refer to, until there is nothing new. Tells of each object that was copied.
    fn look_at_copies(&mut self, mut tell: impl FnMut(ObjectReference)) {
        while let Some((original, copy)) = self.grey.pop(self.memory) {
            tell(original);
            self.look_at(copy);
        }
    }

    fn look_at_logged(&mut self, object: ObjectReference) {
        let memory = self.memory;
        if mutant!(memory, "a logged object stays logged") {
            memory.collector_word(object).fetch_or(PARKED, Relaxed);
        }
        let mut skips = false;
        memory.update_slots(object, |child| {
            skips = !skips && mutant!(memory, "a logged object is looked at in half");
            if skips { child } else { self.promote(child) }
        });
    }

    #[inline(always)]
    fn look_at(&mut self, object: ObjectReference) {
        self.memory.update_slots_backwards(object, |child| self.promote(child));
    }
}

// ---- when to collect what -----------------------------------------------------------------------

impl GenCopy {
    /// Not cold: this is where everything is allocated while there is no nursery.
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if self.nursery.used_bytes() == 0
            && let Some(object) = self.old.alloc(layout, 0)
        {
            return Ok(object);
        }
        self.alloc_collecting(cx, layout)
    }

    #[cold]
    #[inline(never)]
    fn alloc_collecting(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if let Some(object) = self.alloc_without_collecting(layout) {
            return Ok(object);
        }
        if !self.is_major_due(layout) {
            self.collect(cx, Cause::Young);
            if let Some(object) = self.alloc_without_collecting(layout) {
                return Ok(object);
            }
        }
        let used_bytes = self.old.used_bytes();
        if self.sizer.is_futile(self.occupied_bytes(), used_bytes) {
            return Err(self.heap().refuse(layout));
        }
        self.collect(cx, self.sizer.cause(used_bytes));
        if self.nursery.used_bytes() > 0
            && let Some(object) = self.alloc_without_collecting(layout)
        {
            return Ok(object);
        }
        self.nursery.resize(0, &self.old);
        self.old.alloc_after_collecting(layout).ok_or_else(|| self.heap().refuse(layout))
    }

    /// Where there is a nursery, only large objects may be allocated old: what `build` puts in a new
    /// object passes no barrier.
    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let Self { nursery, old, sizer, .. } = self;
        let may_grow = sizer.may_grow(old.used_bytes(), nursery.heap().room_bytes());
        if nursery.used_bytes() > 0 && !is_large(layout) {
            return nursery.alloc_promising(layout, old, may_grow);
        }
        old.alloc_without_collecting(layout, may_grow)
    }

    /// Whether a minor collection would make too little room, or none for an object like this.
    fn is_major_due(&self, layout: Layout) -> bool {
        let least_bytes = self.nursery.used_bytes() as f64 * MAJOR_SHARE;
        is_large(layout) || (self.nursery.filled_bytes() as f64) < least_bytes.max(1.0)
    }

    /// A major collection ends a cycle: was the nursery worth its copies?
    fn look_back(&mut self) {
        let survived_share = self.promoted_bytes as f64 / self.young_bytes as f64;
        if self.young_bytes == 0 {
            self.to_skip = self.to_skip.saturating_sub(1);
        } else if survived_share > VAIN_SHARE {
            self.skipped = (self.skipped * 2).clamp(1, MOST_SKIPPED);
            self.to_skip = self.skipped;
        } else {
            self.skipped = 0;
        }
        (self.young_bytes, self.promoted_bytes) = (0, 0);
    }

    /// Bytes of cells and of young objects.
    fn occupied_bytes(&self) -> u64 {
        self.nursery.filled_bytes() + self.old.occupied().bytes
    }

    /// Gives the empty nursery its share of what is free.
    fn size_nursery(&mut self) {
        if self.to_skip > 0 {
            return self.nursery.resize(0, &self.old);
        }
        let (before_bytes, used_bytes) = (self.nursery.used_bytes(), self.old.used_bytes());
        let room_bytes = self.heap().room_bytes() + before_bytes;
        let room_bytes = self.sizer.growth_bytes(used_bytes, room_bytes);
        let holes_bytes = used_bytes - self.old.occupied().bytes;
        let wanted_bytes = self.nursery_bytes.min((room_bytes + holes_bytes) / ROOM_SHARE);
        let bytes = wanted_bytes.min(room_bytes.max(before_bytes));
        let is_worth_having = bytes as f64 >= wanted_bytes as f64 * MAJOR_SHARE;
        self.nursery.resize(if is_worth_having { bytes } else { 0 }, &self.old);
    }
}

fn is_large(layout: Layout) -> bool {
    usize::from(layout.class()) >= CLASSES
}
