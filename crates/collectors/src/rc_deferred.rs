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
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, Count, EXTENDED_HEADER_BYTES, Extent,
    Footprint, Heap, Layout, Memory, ObjectReference, ObjectSpace, Occupancy, Offset32,
    OutOfMemory, PARKED, Parameter, PauseKind, SlotKind, Slots, Stack, Value, Values,
    cascade_pending, in_degrees, mutant,
};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

const COUNT: Count = Count::ONLY;

/// In the log, or new: what it refers to is not counted as it stands. Nothing is ever parked.
const LOGGED: u32 = PARKED;
/// In the zero-count table.
const LISTED: u32 = 1 << 26;
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
    objects: ObjectSpace,
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
    before: Stack,
    /// References that slots have got, each once for each slot.
    gains: Stack,
    /// References that slots have lost.
    losses: Stack,
    /// Objects whose count is zero.
    zeros: Stack,
    /// Objects that were rooted at the last epoch, if that has not reclaimed everything yet.
    rooted: Stack,
    /// Objects that are dead, to be freed with what only they refer to.
    dead: Stack,
}

impl Lists {
    fn new(heap: &Heap) -> io::Result<Self> {
        Ok(Self {
            new: heap.stack()?,
            logged: heap.stack()?,
            before: heap.stack()?,
            gains: heap.stack()?,
            losses: heap.stack()?,
            zeros: heap.stack()?,
            rooted: heap.stack()?,
            dead: heap.queue()?,
        })
    }

    fn all(&self) -> [&Stack; 8] {
        let Self { new, logged, before, gains, losses, zeros, rooted, dead } = self;
        [new, logged, before, gains, losses, zeros, rooted, dead]
    }

    fn committed_bytes(&self) -> u64 {
        self.all().map(Stack::committed_bytes).iter().sum()
    }
}

impl Collector for RcDeferred {
    // Not `bounded`: garbage cycles may fill any heap that is a multiple of what is live.
    const CAPS: Caps =
        Caps { defers: true, most_counted: COUNT.most(), header_bytes: 8, ..Caps::NONE };

    const PARAMETERS: &'static [Parameter] = &[SLICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let limit_bytes = heap.budget().limit_bytes();
        let mut collector = Self {
            objects: ObjectSpace::new(heap)?,
            lists: Lists::new(heap)?,
            credit_bytes: 0,
            most_epoch_bytes: limit_bytes / EPOCH_SHARE_OF_LIMIT,
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
        let object = match object {
            Some(object) => object,
            None => self.alloc_slow(cx, layout)?,
        };
        self.lists.new.push(object.bits());
        Ok(object)
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.lists.committed_bytes())
    }

    fn occupied(&self) -> Occupancy {
        self.objects.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.objects.verify()?;
        let memory = self.heap().memory();
        let expected = self.counted();
        COUNT.verify(&self.objects, |object| expected.get(&object).copied().unwrap_or(0))?;
        let mut listed: Vec<u32> = entries(&self.lists.zeros).map(ObjectReference::bits).collect();
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
            if is_listed != memory.has(object, LISTED) {
                return Err(format!("object {name:#x} is listed: {is_listed}, and says otherwise"));
            }
            if is_idle && !is_listed && COUNT.get(memory, object) == 0 {
                return Err(format!("object {name:#x} counts zero references and is not listed"));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn store(&self, _: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        self.write(object, at, new);
    }

    #[inline(always)]
    fn moved(&self, _: &Context, object: ObjectReference, at: Offset32, new: Value) {
        self.write(object, at, new);
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let pause = cx.log.begin_pause();
        self.reclaim_all();
        self.epoch(cx);
        self.reclaim_all();
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

/// What stands in a list.
fn entries(list: &Stack) -> impl Iterator<Item = ObjectReference> {
    (0..list.len()).filter_map(|place| ObjectReference::from_bits(list.get(place)))
}

/// The objects of a list, those ahead prefetched.
#[inline(always)]
fn prefetched<'l>(
    list: &'l Stack,
    memory: Memory<'l>,
) -> impl Iterator<Item = ObjectReference> + 'l {
    (0..list.len()).filter_map(move |place| {
        if let Some(ahead) = ObjectReference::from_bits(list.get(place + AHEAD)) {
            memory.prefetch(ahead);
        }
        ObjectReference::from_bits(list.get(place))
    })
}

#[inline(always)]
fn is_array(memory: Memory<'_>, object: ObjectReference) -> bool {
    Extent::of(memory, object).first == EXTENDED_HEADER_BYTES / 4
}

#[inline(always)]
fn set(memory: Memory<'_>, object: ObjectReference, bits: u32) {
    let word = memory.collector_word(object);
    word.store(word.load(Relaxed) | bits, Relaxed);
}

#[inline(always)]
fn clear(memory: Memory<'_>, object: ObjectReference, bits: u32) {
    let word = memory.collector_word(object);
    word.store(word.load(Relaxed) & !bits, Relaxed);
}

/// Puts an object whose count is zero in the table of such.
#[inline(always)]
fn list(zeros: &Stack, memory: Memory<'_>, object: ObjectReference) {
    if !memory.has(object, LISTED) {
        set(memory, object, LISTED);
        zeros.push(object.bits());
    }
}

impl RcDeferred {
    // ---- barrier ----------------------------------------------------------------------------------

    #[inline(always)]
    fn write(&self, object: ObjectReference, at: Offset32, new: Value) {
        let memory = self.heap().memory();
        if !memory.has(object, LOGGED) {
            self.log(memory, object, at, new);
        }
        memory.write(object, at, new.bits());
    }

    /// Logs the slots of an object before one of them changes; of an array only that one.
    #[inline(never)]
    fn log(&self, memory: Memory<'_>, object: ObjectReference, at: Offset32, new: Value) {
        if mutant!(memory, "a log entry is dropped") {
            return;
        }
        if is_array(memory, object) {
            if new.reference().is_some() {
                self.lists.gains.push(new.bits());
            }
            let old = Value::from_bits(memory.read(object, at));
            if old.reference().is_some() {
                self.lists.losses.push(old.bits());
            }
            return;
        }
        set(memory, object, LOGGED);
        self.lists.logged.push(object.bits());
        for slot in memory.slots(object, Slots::All) {
            self.lists.before.push(slot.bits());
        }
    }

    // ---- epochs -----------------------------------------------------------------------------------

    /// Brings all counts up to date and finds out what is dead. Everything that was dead before has
    /// been freed.
    fn epoch(&mut self, cx: &Context) {
        self.compare_logged();
        self.count_gains();
        self.count_losses();
        self.list_new();
        self.mark_roots(cx);
        self.scan_zeros();
    }

    /// Finds what the logged slots have got and lost.
    fn compare_logged(&mut self) {
        let Self { objects, lists, .. } = self;
        let memory = objects.heap().memory();
        let mut place = 0;
        for object in prefetched(&lists.logged, memory) {
            clear(memory, object, LOGGED);
            for new in memory.slots(object, Slots::All) {
                let old = Value::from_bits(lists.before.get(place));
                place += 1;
                if old == new {
                    continue;
                }
                if new.reference().is_some() && !mutant!(memory, "a logged gain is not counted") {
                    lists.gains.push(new.bits());
                }
                if old.reference().is_some() && !mutant!(memory, "a logged loss is not counted") {
                    lists.losses.push(old.bits());
                }
            }
        }
        lists.logged.truncate(0);
        lists.before.truncate(0);
    }

    fn count_gains(&mut self) {
        let Self { objects, lists, .. } = self;
        let memory = objects.heap().memory();
        for object in prefetched(&lists.new, memory) {
            if mutant!(memory, "a new object is born unlogged") {
                break;
            }
            for child in memory.slots(object, Slots::All).filter_map(Value::reference) {
                COUNT.increment(memory, child);
            }
        }
        for object in prefetched(&lists.gains, memory) {
            COUNT.increment(memory, object);
        }
        lists.gains.truncate(0);
    }

    fn count_losses(&mut self) {
        let Self { objects, lists, .. } = self;
        let memory = objects.heap().memory();
        for object in prefetched(&lists.losses, memory) {
            if COUNT.decrement(memory, object) && !mutant!(memory, "a count of zero is not listed")
            {
                list(&lists.zeros, memory, object);
            }
        }
        lists.losses.truncate(0);
    }

    fn list_new(&mut self) {
        let Self { objects, lists, .. } = self;
        let memory = objects.heap().memory();
        for object in prefetched(&lists.new, memory) {
            clear(memory, object, LOGGED);
            if COUNT.get(memory, object) == 0 {
                list(&lists.zeros, memory, object);
            }
        }
        lists.new.truncate(0);
    }

    fn mark_roots(&mut self, cx: &Context) {
        let memory = self.objects.heap().memory();
        let owned = mutant!(memory, "locals are no roots");
        let loses = usize::from(mutant!(memory, "a root is lost"));
        for root in cx.roots.iter().skip(loses).filter(|root| root.owned || !owned) {
            if !memory.has(root.object, ROOTED) {
                set(memory, root.object, ROOTED);
                self.lists.rooted.push(root.object.bits());
            }
        }
    }

    /// Takes from the table what is referred to by now, and what is dead.
    fn scan_zeros(&mut self) {
        let Self { objects, lists, .. } = self;
        let memory = objects.heap().memory();
        let mut kept = 0;
        for object in prefetched(&lists.zeros, memory) {
            let is_rooted = memory.has(object, ROOTED);
            let resurrects = !mutant!(memory, "what has zero references once is dead");
            if COUNT.get(memory, object) > 0 && resurrects {
                clear(memory, object, LISTED);
            } else if is_rooted {
                lists.zeros.set(kept, object.bits());
                kept += 1;
            } else {
                clear(memory, object, LISTED);
                lists.dead.push(object.bits());
            }
        }
        lists.zeros.truncate(kept);
    }

    // ---- reclamation ------------------------------------------------------------------------------

    /// Frees at most so many of the dead.
    fn reclaim_some(&mut self, most: u32) {
        let Self { objects, lists, .. } = self;
        let Lists { dead, zeros, .. } = lists;
        cascade_pending(objects, dead, most, Slots::All, |memory, child| {
            if mutant!(memory, "children are not decremented") || !COUNT.decrement(memory, child) {
                return false;
            }
            let lives =
                memory.has(child, ROOTED) && !mutant!(memory, "a cascade frees what is rooted");
            if lives {
                list(zeros, memory, child);
            }
            !lives
        });
        if self.lists.dead.is_empty() {
            self.begin_epoch();
        } else {
            self.credit_bytes = SLICE_BYTES;
        }
    }

    fn reclaim_all(&mut self) {
        self.reclaim_some(u32::MAX);
    }

    /// Forgets the roots of the last epoch, all of whose dead are freed.
    fn begin_epoch(&mut self) {
        let memory = self.objects.heap().memory();
        for object in entries(&self.lists.rooted) {
            clear(memory, object, ROOTED);
        }
        self.lists.rooted.truncate(0);
        self.lists_peak_bytes = self.lists_peak_bytes.max(self.lists.committed_bytes());
        self.lists.all().into_iter().for_each(Stack::shrink);
        let live_bytes = self.objects.occupied().bytes;
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
        let has_room = self.heap().room_bytes() > RESERVE_BYTES + self.lists_peak_bytes;
        let grown = has_room.then(|| self.objects.alloc_growing(layout, LOGGED)).flatten();
        if let Some(object) = grown.or_else(|| self.objects.alloc(layout, LOGGED)) {
            return Ok(object);
        }
        self.collect(cx, Cause::Exhausted);
        let objects = &mut self.objects;
        let object =
            objects.alloc(layout, LOGGED).or_else(|| objects.alloc_growing(layout, LOGGED));
        let object = object.or_else(|| objects.alloc_larger(layout, LOGGED));
        object.ok_or_else(|| objects.heap().refuse(layout))
    }

    /// Something is due: a slice of what is dead, or, if nothing is, an epoch.
    fn work(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        if self.lists.dead.is_empty() {
            self.epoch(cx);
        }
        self.reclaim_some(self.slice);
        cx.log.end_pause(pause, PauseKind::Increment);
    }

    // ---- checks -----------------------------------------------------------------------------------

    /// What each object must count: the references in slots, as they were at the last epoch.
    fn counted(&self) -> HashMap<ObjectReference, u32> {
        let memory = self.heap().memory();
        let mut expected = in_degrees(&self.objects, Slots::All, |o| !memory.has(o, LOGGED));
        let mut place = 0;
        for object in entries(&self.lists.logged) {
            for _ in memory.slots(object, Slots::All) {
                let old = Value::from_bits(self.lists.before.get(place)).reference();
                old.into_iter().for_each(|old| *expected.entry(old).or_default() += 1);
                place += 1;
            }
        }
        let add = |degrees: &mut HashMap<_, u32>, list, by: u32| {
            entries(list).for_each(|object| {
                let degree = degrees.entry(object).or_default();
                *degree = degree.wrapping_add(by);
            });
        };
        add(&mut expected, &self.lists.losses, 1);
        add(&mut expected, &self.lists.gains, 1u32.wrapping_neg());
        expected
    }
}
