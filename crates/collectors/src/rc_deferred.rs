//! Deferred reference counting (Deutsch and Bobrow, "An Efficient, Incremental, Automatic Garbage
//! Collector", CACM 1976) with coalesced updates (Levanoni and Petrank, "An On-the-Fly Reference-Counting
//! Garbage Collector for Java", OOPSLA 2001, TOPLAS 2006).
//!
//! 1. *Count slots only.* What the program itself holds is not counted: keeping, aiming and dropping a
//!    root or local costs nothing. So a count of zero does not mean death.
//! 2. *Log.* The first store to an object since the last epoch copies its slots to a log; later ones see
//!    that it is logged, and only store. However often a slot changes, its first and its last value
//!    are all that is counted. Arrays may be long: each of their stores is logged by itself. New objects
//!    are born logged, with empty slots.
//! 3. *Epoch*: when the program has allocated an eighth of what is live, and 1 MiB at least; when it
//!    asks, or the heap is full. Where a logged slot has changed, its value gains a reference and the
//!    old one loses one: all gains first, then all losses. They are lists of addresses in no order, so
//!    they are prefetched.
//! 4. *Zero-count table*: the objects whose count is zero, new ones included. Those that a root refers to
//!    stay in it.
//! 5. *Reclaim* the others, and after them, in a cascade, what only they referred to; told a `slice`, at
//!    most so many objects at a time, between allocations. Nobody can reach them meanwhile, so
//!    the roots of the epoch still say which of their children live.
//!
//! Its barrier reads a bit of the object that is stored to, and touches no other. A count of 26 bits
//! sticks at its maximum. It cannot reclaim cycles, so back links leak. The pause of an epoch grows
//! with the roots and the log, without a slice also with what has died.
//!
//! It is long because of its eight lists, and because its check works out between epochs, too, what every
//! object must count.

use heap::{
    BLOCK_BYTES, Barrier, Caps, Cause, CollectedSpace, Collector, Config, Context, Count, Heap,
    Inspect, Layout, Memory, NoMarks, NonMovingSpace, ObjectReference, ObjectSlot, OutOfMemory,
    PARKED, Parameter, Parts, PauseKind, Slots, Stack, Value, Values, cascade_pending, in_degrees,
    mutant,
};
use std::collections::HashMap;
use std::io;

const COUNT: Count = Count::ONLY;

/// In the log, or new: what it refers to is not counted as it stands. Nothing is ever parked.
const LOGGED: u32 = PARKED;
/// In the zero-count table.
const IN_ZCT: u32 = 1 << 26;
/// A root referred to it at the last epoch, if that has not reclaimed everything yet.
const ROOTED: u32 = 1 << 27;

/// The least that is allocated from one epoch to the next, where no limit is near.
const LEAST_EPOCH_BYTES: u64 = 1 << 20;
/// What share of the live bytes, and of the heap limit, is allocated from one epoch to the next.
const EPOCH_SHARE: u64 = 8;
const EPOCH_SHARE_OF_LIMIT: u64 = 64;
/// Room that is left to the lists of an epoch, which cannot be refused memory.
const RESERVE_BYTES: u64 = 2 * BLOCK_BYTES as u64;
/// Bytes allocated from one slice to the next.
const SLICE_BYTES: u64 = 8 << 10;
/// How far ahead counts are prefetched.
const AHEAD: u32 = 16;

/// How much is reclaimed at a time.
const SLICE: Parameter = Parameter {
    key: "slice",
    values: Values::Whole(0, u32::MAX as u64),
    default: 0.0,
    summary: "objects reclaimed at a time, between allocations; 0: all at the epoch",
};

/// Counts slots from a log of changes.
#[derive(Debug)]
pub struct RcDeferred {
    objects: NonMovingSpace<NoMarks>,
    lists: Lists,
    /// Bytes that may be allocated before there is something to do.
    credit_bytes: u64,
    /// The most that an epoch may wait, because of the heap limit.
    most_epoch_bytes: u64,
    /// The most that the lists have held when an epoch ended: kept free.
    lists_peak_bytes: u64,
    /// Objects that are reclaimed at a time.
    slice: u32,
}

/// Lists of objects and references.
#[derive(Debug)]
struct Lists {
    /// Objects allocated since the last epoch.
    new: Stack,
    /// Older objects that were stored to since then.
    logged: Stack,
    /// What the slots of the logged objects held: of the first object all of them, then of the second.
    old_slots: Stack,
    /// References that slots have got, each once for each slot.
    increments: Stack,
    /// References that slots have lost.
    decrements: Stack,
    /// Objects whose count is zero.
    zct: Stack,
    /// Objects that were rooted at the last epoch, if that has not reclaimed everything yet.
    rooted: Stack,
    /// Objects that are dead, to be freed with what only they refer to.
    dead: Stack,
}

impl Lists {
    fn new(heap: &Heap) -> io::Result<Self> {
        let [new, logged, old_slots, increments, decrements, zct, rooted] = heap.stacks()?;
        Ok(Self {
            new,
            logged,
            old_slots,
            increments,
            decrements,
            zct,
            rooted,
            dead: heap.queue()?,
        })
    }

    fn all(&self) -> [&Stack; 8] {
        let Self { new, logged, old_slots, increments, decrements, zct, rooted, dead } = self;
        [new, logged, old_slots, increments, decrements, zct, rooted, dead]
    }

    fn committed_bytes(&self) -> u64 {
        self.all().map(Stack::committed_bytes).iter().sum()
    }
}

// ---- barrier ------------------------------------------------------------------------------------

impl Collector for RcDeferred {
    // Not `bounded`: garbage cycles may fill any heap that is a multiple of what is live.
    const CAPS: Caps = Caps {
        defers: true,
        most_counted: COUNT.most(),
        barrier: Barrier::Logging,
        header_bytes: 8,
        ..Caps::NONE
    };
    const PARAMETERS: &'static [Parameter] = &[SLICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut collector = Self {
            objects: NonMovingSpace::new(heap)?,
            lists: Lists::new(heap)?,
            credit_bytes: 0,
            most_epoch_bytes: heap.budget().limit_bytes() / EPOCH_SHARE_OF_LIMIT,
            lists_peak_bytes: 0,
            slice: match config.whole(&SLICE) as u32 {
                0 => u32::MAX,
                objects => objects,
            },
        };
        collector.begin_epoch();
        Ok(collector)
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        let left_bytes = self.credit_bytes.checked_sub(u64::from(layout.bytes()));
        let object = left_bytes.and_then(|left_bytes| {
            self.credit_bytes = left_bytes;
            self.objects.alloc(layout, LOGGED)
        });
        let object = object.map_or_else(|| self.alloc_slow(cx, layout), Ok)?;
        self.lists.new.push_object(object);
        Ok(object)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.objects], self.lists.committed_bytes())
    }

    /// **Rule:** an object that is not logged is logged before one of its slots changes.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        let memory = cx.memory();
        if !memory.has(slot.object, LOGGED) {
            self.lists.log(memory, slot, new);
        }
        slot.write(memory, new);
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let pause = cx.log.begin_pause();
        self.reclaim_some(u32::MAX);
        self.lists.epoch(cx);
        self.reclaim_some(u32::MAX);
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

/// Puts an object whose count is zero in the table of such.
#[inline(always)]
fn list(zct: &Stack, memory: Memory<'_>, object: ObjectReference) {
    if !memory.has(object, IN_ZCT) {
        memory.set_bits(object, IN_ZCT);
        zct.push_object(object);
    }
}

impl Lists {
    /// Logs the slots of an object before one of them changes; of an array only that one.
    #[inline(never)]
    fn log(&self, memory: Memory<'_>, slot: ObjectSlot, new: Value) {
        let object = slot.object;
        if memory.is_extended(object) {
            new.reference().into_iter().for_each(|new| self.increments.push_object(new));
            let old = slot.read(memory).reference();
            return old.into_iter().for_each(|old| self.decrements.push_object(old));
        }
        memory.set_bits(object, LOGGED);
        self.logged.push_object(object);
        memory.slots(object, Slots::All).for_each(|slot| self.old_slots.push(slot.bits()));
    }

    /// Brings all counts up to date and finds out what is dead. Everything that was dead before has
    /// been freed.
    fn epoch(&mut self, cx: &Context) {
        let memory = cx.memory();
        self.compare_logged(memory);
        self.count_increments(memory);
        self.count_decrements(memory);
        self.list_new(memory);
        self.mark_roots(memory, cx);
        self.scan_zct(memory);
    }

    /// Finds what the logged slots have got and lost.
    fn compare_logged(&mut self, memory: Memory<'_>) {
        let mut place = 0;
        for object in self.logged.objects_ahead::<AHEAD>(memory) {
            memory.clear_bits(object, LOGGED);
            for new in memory.slots(object, Slots::All) {
                let old = Value::from_bits(self.old_slots.get(place));
                place += 1;
                if old == new {
                    continue;
                }
                if new.reference().is_some() && !mutant!(memory, "a logged increment is lost") {
                    self.increments.push(new.bits());
                }
                if old.reference().is_some() && !mutant!(memory, "a logged decrement is lost") {
                    self.decrements.push(old.bits());
                }
            }
        }
        self.logged.truncate(0);
        self.old_slots.truncate(0);
    }

    fn count_increments(&mut self, memory: Memory<'_>) {
        self.new.objects_ahead::<AHEAD>(memory).for_each(|object| {
            for child in memory.children(object, Slots::All) {
                COUNT.increment(memory, child);
            }
        });
        let increments = self.increments.objects_ahead::<AHEAD>(memory);
        increments.for_each(|object| COUNT.increment(memory, object));
        self.increments.truncate(0);
    }

    fn count_decrements(&mut self, memory: Memory<'_>) {
        for object in self.decrements.objects_ahead::<AHEAD>(memory) {
            if COUNT.decrement(memory, object) && !mutant!(memory, "a count of zero is not listed")
            {
                list(&self.zct, memory, object);
            }
        }
        self.decrements.truncate(0);
    }

    fn list_new(&mut self, memory: Memory<'_>) {
        self.new.objects_ahead::<AHEAD>(memory).for_each(|object| {
            memory.clear_bits(object, LOGGED);
            if COUNT.get(memory, object) == 0 {
                list(&self.zct, memory, object);
            }
        });
        self.new.truncate(0);
    }

    fn mark_roots(&mut self, memory: Memory<'_>, cx: &Context) {
        for root in cx.roots.to_mark() {
            if !memory.has(root.object, ROOTED) {
                memory.set_bits(root.object, ROOTED);
                self.rooted.push_object(root.object);
            }
        }
    }

    /// Takes from the table what is referred to by now, and what is dead.
    fn scan_zct(&mut self, memory: Memory<'_>) {
        let mut kept = 0;
        for object in self.zct.objects_ahead::<AHEAD>(memory) {
            if COUNT.get(memory, object) > 0 && !mutant!(memory, "a count of zero is final") {
                memory.clear_bits(object, IN_ZCT);
            } else if memory.has(object, ROOTED) {
                self.zct.set(kept, object.bits());
                kept += 1;
            } else {
                memory.clear_bits(object, IN_ZCT);
                self.dead.push_object(object);
            }
        }
        self.zct.truncate(kept);
    }
}

impl RcDeferred {
    /// Frees at most `most` dead objects.
    fn reclaim_some(&mut self, most: u32) {
        let Self { objects, lists, .. } = self;
        let Lists { dead, zct, .. } = lists;
        cascade_pending(objects, dead, most, Slots::All, |memory, child| {
            if mutant!(memory, "children are not decremented") || !COUNT.decrement(memory, child) {
                return false;
            }
            let lives =
                memory.has(child, ROOTED) && !mutant!(memory, "a cascade frees a rooted object");
            if lives {
                list(zct, memory, child);
            }
            !lives
        });
        if self.lists.dead.is_empty() {
            self.begin_epoch();
        } else {
            self.credit_bytes = SLICE_BYTES;
        }
    }

    /// Forgets the roots of the last epoch, all of whose dead are freed.
    fn begin_epoch(&mut self) {
        let memory = self.objects.heap().memory();
        for object in self.lists.rooted.objects() {
            memory.clear_bits(object, ROOTED);
        }
        self.lists.rooted.truncate(0);
        self.lists_peak_bytes = self.lists_peak_bytes.max(self.lists.committed_bytes());
        self.lists.all().into_iter().for_each(Stack::shrink);
        let live_bytes = self.objects.allocated_bytes();
        let epoch_bytes = (live_bytes / EPOCH_SHARE).max(LEAST_EPOCH_BYTES);
        self.credit_bytes = epoch_bytes.min(self.most_epoch_bytes);
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if self.credit_bytes < u64::from(layout.bytes()) {
            self.work(cx);
        }
        let may_grow = cx.heap.available_bytes() > RESERVE_BYTES + self.lists_peak_bytes;
        if let Some(object) = self.objects.alloc_without_collecting(layout, LOGGED, may_grow) {
            return Ok(object);
        }
        self.collect(cx, Cause::Exhausted);
        let object = self.objects.alloc_after_collecting(layout, LOGGED);
        object.ok_or_else(|| cx.heap.out_of_memory(layout))
    }

    /// Something is due: a slice of what is dead, or, if nothing is, an epoch.
    fn work(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        if self.lists.dead.is_empty() {
            self.lists.epoch(cx);
        }
        self.reclaim_some(self.slice);
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}

impl Inspect for RcDeferred {
    /// Counts are those of the last epoch, and the zero-count table is exact.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        let memory = cx.memory();
        let expected = self.counted(memory);
        COUNT.verify(&self.objects, |object| expected.get(&object).copied().unwrap_or(0))?;
        let mut listed: Vec<u32> = self.lists.zct.objects().map(ObjectReference::bits).collect();
        listed.sort_unstable();
        let (lists, new) = (listed.len(), self.lists.new.len());
        listed.dedup();
        if listed.len() < lists {
            return Err("an object is in the zero-count table twice".to_owned());
        }
        let is_idle = new == 0 && self.lists.dead.is_empty();
        for object in self.objects.objects() {
            let name = object.bits();
            let is_listed = listed.binary_search(&name).is_ok();
            if is_listed != memory.has(object, IN_ZCT) {
                return Err(format!("object {name:#x} is listed: {is_listed}, and says otherwise"));
            }
            if is_idle && !is_listed && COUNT.get(memory, object) == 0 {
                return Err(format!("object {name:#x} counts zero references and is not listed"));
            }
        }
        Ok(())
    }
}

impl RcDeferred {
    /// What each object must count: the references in slots, as they were at the last epoch.
    fn counted(&self, memory: Memory<'_>) -> HashMap<ObjectReference, u32> {
        let mut expected = in_degrees(&self.objects, Slots::All, |o| !memory.has(o, LOGGED));
        let mut place = 0;
        for object in self.lists.logged.objects() {
            for _ in memory.slots(object, Slots::All) {
                let old = Value::from_bits(self.lists.old_slots.get(place)).reference();
                old.into_iter().for_each(|old| *expected.entry(old).or_default() += 1);
                place += 1;
            }
        }
        let add = |degrees: &mut HashMap<_, u32>, list: &Stack, by: u32| {
            list.objects().for_each(|object| {
                let degree = degrees.entry(object).or_default();
                *degree = degree.wrapping_add(by);
            });
        };
        add(&mut expected, &self.lists.decrements, 1);
        add(&mut expected, &self.lists.increments, 1u32.wrapping_neg());
        expected
    }
}
