//! Deferred reference counting (Deutsch and Bobrow, "An Efficient, Incremental, Automatic Garbage
//! Collector", CACM 1976) with coalesced updates (Levanoni and Petrank, "An On-the-Fly Reference-Counting
//! Garbage Collector for Java", OOPSLA 2001, TOPLAS 2006).
//!
//! 1. *Count slots only.* Roots and locals are not counted: creating, assigning and dropping one costs
//!    nothing. So a count of zero does not mean that an object is dead.
//! 2. *Log.* The first store to an object since the last epoch copies its slots to a log; later ones find
//!    it logged, and only store. However often a slot changes, only its first and its last value are
//!    counted. Arrays may be long: each of their stores is logged by itself. New objects are born logged,
//!    with empty slots.
//! 3. *Epoch*: when the program has allocated an eighth of the live bytes, 1 MiB at least and a 64th of the
//!    heap limit at most; when it asks, or the heap is full. Each logged slot that has changed makes an
//!    increment of its new referent and a decrement of the old one. All increments are applied first, then
//!    all decrements. They are lists of addresses in no order, so they are prefetched.
//! 4. *Zero-count table*: the objects whose count is zero, new ones included. Those that a root refers to
//!    stay in it.
//! 5. *Reclaim* the others and, in a cascade, the objects that only they referred to; with `slice`, at most
//!    that number of objects at a time, between allocations. The program cannot reach them meanwhile, so
//!    the roots of the epoch still determine which of their children live.
//!
//! Its barrier reads a bit of the object that is stored to, and touches no other. A count of 26 bits
//! sticks at its maximum. It cannot reclaim cycles, so back links leak. The pause of an epoch grows
//! with the roots and the log, without a slice also with the dead objects.

use heap::contract::*;
use heap::{
    BLOCK_BYTES, Count, NoMarks, NonMovingSpace, PARKED, Stack, Values, cascade_pending, in_degrees,
};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

const COUNT: Count = Count::ONLY;

/// In the log, or new: its present referents are not counted. No object is ever parked.
const LOGGED: u32 = PARKED;
/// In the zero-count table.
const IN_ZCT: u32 = 1 << 26;
/// A root referred to it at the last epoch, which still has dead objects to reclaim.
const ROOTED: u32 = 1 << 27;

/// Minimum bytes allocated from one epoch to the next, where no limit is near.
const LEAST_EPOCH_BYTES: u64 = 1 << 20;
/// Divisors of the live bytes, and of the heap limit, for the bytes allocated from one epoch to the next.
const EPOCH_SHARE: u64 = 8;
const EPOCH_SHARE_OF_LIMIT: u64 = 64;
/// Bytes left to the lists of an epoch, which cannot be refused memory.
const RESERVE_BYTES: u64 = 2 * BLOCK_BYTES as u64;
/// Bytes allocated from one slice to the next.
const SLICE_BYTES: u64 = 8 << 10;
/// Distance at which counts are prefetched, in objects.
const AHEAD: u32 = 16;

/// Objects reclaimed at a time.
const SLICE: Parameter = Parameter {
    key: "slice",
    values: Values::Whole(0, u32::MAX as u64),
    default: 0.0,
    summary: "objects reclaimed at a time, between allocations; 0: all at the epoch",
};

/// Counts the references of slots, by a log of changes.
#[derive(Debug)]
pub struct RcDeferred {
    objects: NonMovingSpace<NoMarks>,
    lists: Lists,
    /// Bytes that may be allocated before the next epoch or slice.
    credit_bytes: u64,
    /// Maximum bytes allocated from one epoch to the next, by the heap limit.
    most_epoch_bytes: u64,
    /// Peak bytes of the lists at the end of an epoch: kept free.
    lists_peak_bytes: u64,
    /// Maximum objects reclaimed at a time.
    slice: u32,
}

/// Lists of objects and references.
#[derive(Debug)]
struct Lists {
    /// Objects allocated since the last epoch.
    new: Stack,
    /// Older objects with a store since then.
    logged: Stack,
    /// Old values of the slots of logged objects: of the first object all, then of the second.
    old_slots: Stack,
    /// New referents, one entry for each slot.
    increments: Stack,
    /// Old referents, one entry for each slot.
    decrements: Stack,
    /// The zero-count table.
    zct: Stack,
    /// Objects rooted at the last epoch, while it has dead objects to reclaim.
    rooted: Stack,
    /// Dead objects, to be freed with the objects that only they refer to.
    dead: Stack,
}

impl Lists {
    fn new(heap: &Heap) -> io::Result<Self> {
        let [new, logged, old_slots, increments, decrements, zct, rooted] = heap.stacks()?;
        let dead = heap.queue()?;
        Ok(Self { new, logged, old_slots, increments, decrements, zct, rooted, dead })
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
    // Not `bounded`: garbage cycles may fill a heap of any multiple of the live size.
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
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
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

// ---- the algorithm ------------------------------------------------------------------------------

/// Adds an object to the zero-count table.
#[inline(always)]
fn add_to_zct(zct: &Stack, memory: Memory<'_>, object: ObjectReference) {
    if !memory.has(object, IN_ZCT) {
        memory.set_bits(object, IN_ZCT);
        zct.push_object(object);
    }
}

impl Lists {
    /// Logs the slots of an object before one changes; of an array only that slot.
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

    /// Brings all counts up to date and finds the dead objects. Those of the last epoch must have been
    /// freed.
    fn epoch(&mut self, cx: &Context) {
        let memory = cx.memory();
        self.compare_logged(memory);
        self.count_increments(memory);
        self.count_decrements(memory);
        self.scan_new(memory);
        self.mark_roots(memory, cx);
        self.scan_zct(memory);
    }

    /// Makes increments and decrements of the logged slots that have changed.
    fn compare_logged(&mut self, memory: Memory<'_>) {
        let mut index = 0;
        for object in self.logged.objects_ahead::<AHEAD>(memory) {
            memory.clear_bits(object, LOGGED);
            for new in memory.slots(object, Slots::All) {
                let old = Value::from_bits(self.old_slots.get(index));
                index += 1;
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

    /// New objects have their referents counted as well, and leave the log.
    fn count_increments(&mut self, memory: Memory<'_>) {
        let increment = |object| COUNT.increment(memory, object);
        self.new.objects_ahead::<AHEAD>(memory).for_each(|object| {
            memory.clear_bits(object, LOGGED);
            memory.children(object, Slots::All).for_each(increment);
        });
        self.increments.objects_ahead::<AHEAD>(memory).for_each(increment);
        self.increments.truncate(0);
    }

    fn count_decrements(&mut self, memory: Memory<'_>) {
        for object in self.decrements.objects_ahead::<AHEAD>(memory) {
            if COUNT.decrement(memory, object) && !mutant!(memory, "a count of zero is forgotten") {
                add_to_zct(&self.zct, memory, object);
            }
        }
        self.decrements.truncate(0);
    }

    fn scan_new(&mut self, memory: Memory<'_>) {
        self.new.objects_ahead::<AHEAD>(memory).for_each(|object| {
            if COUNT.get(memory, object) == 0 {
                add_to_zct(&self.zct, memory, object);
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

    /// Keeps the rooted objects whose count is zero; the others have a count again, or are dead.
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
            if mutant!(memory, "children are not decremented") {
                return false;
            }
            let spared = !mutant!(memory, "a cascade frees a rooted object");
            let bits = memory.collector_word(child).load(Relaxed);
            // The zero is not written to an object that is freed.
            let dies = COUNT.is_last(bits, if spared { ROOTED } else { 0 });
            if !dies && COUNT.decrement(memory, child) {
                add_to_zct(zct, memory, child);
            }
            dies
        });
        if self.lists.dead.is_empty() {
            self.begin_epoch();
        } else {
            self.credit_bytes = SLICE_BYTES;
        }
    }

    /// Clears the roots of the last epoch, all of whose dead objects are freed.
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
    fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
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

    /// Reclaims a slice of the dead objects; of a new epoch, if none are left.
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
    /// Counts are exact as of the last epoch, and so is the zero-count table.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        let memory = cx.memory();
        let expected = self.counted(memory);
        COUNT.verify(&self.objects, |object| expected.get(&object).copied().unwrap_or(0))?;
        let mut zct: Vec<u32> = self.lists.zct.objects().map(ObjectReference::bits).collect();
        zct.sort_unstable();
        zct.dedup();
        if zct.len() < self.lists.zct.len() as usize {
            return Err("an object is in the zero-count table twice".to_owned());
        }
        let is_idle = self.lists.new.is_empty() && self.lists.dead.is_empty();
        for object in self.objects.objects() {
            let name = object.bits();
            let is_in_zct = zct.binary_search(&name).is_ok();
            if is_in_zct != memory.has(object, IN_ZCT) {
                return Err(format!("object {name:#x}: in table is {is_in_zct}, its bit differs"));
            }
            if is_idle && !is_in_zct && COUNT.get(memory, object) == 0 {
                return Err(format!("object {name:#x} has count zero, and is not in the table"));
            }
        }
        Ok(())
    }
}

impl RcDeferred {
    /// The count that each object must have: its references in slots, as of the last epoch.
    fn counted(&self, memory: Memory<'_>) -> HashMap<ObjectReference, u32> {
        let mut expected = in_degrees(&self.objects, Slots::All, |o| !memory.has(o, LOGGED));
        let mut index = 0;
        for object in self.lists.logged.objects() {
            for _ in memory.slots(object, Slots::All) {
                let old = Value::from_bits(self.lists.old_slots.get(index)).reference();
                old.into_iter().for_each(|old| *expected.entry(old).or_default() += 1);
                index += 1;
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
