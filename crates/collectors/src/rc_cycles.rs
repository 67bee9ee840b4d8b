//! Reference counting that reclaims cycles, by synchronous trial deletion (Bacon and Rajan, "Concurrent
//! Cycle Collection in Reference Counted Systems", ECOOP 2001, section 3; after Lins 1992 and Martínez,
//! Wachenchauzer and Lins 1990).
//!
//! 1. *Count* as [`crate::Rc`]: every stored or rooted reference, back links included. An object whose
//!    count reaches zero is freed at once, in a cascade.
//! 2. *Possible roots*: an object that loses a reference and keeps others may be in a garbage cycle. It
//!    turns purple and is buffered, once. So does an object that was parked and stays alive, and one that is
//!    moved into a slot, where a root may become part of a cycle without any count going down. An object
//!    without slots is green: it is in no cycle, and never buffered. Nor is one for which a young local
//!    ends (see [`ROOTED`]).
//! 3. *Purge buffer*: entries are hints. Those of freed objects stay, and are removed before a trial and when
//!    the buffer has doubled, so that it holds at most two entries for each object.
//! 4. *Trigger*: no trial while the heap does not grow, because counting suffices then. Trial deletion
//!    begins as mark-sweep's collections do: when the heap is `growth` times the size that the last
//!    whole trial left, at the heap limit, or when the program asks.
//! 5. *Mark grey*: from a purple object, subtract the counts of all internal references.
//! 6. *Scan*: a grey object that still has a count is referenced from outside: it and all objects that it
//!    reaches turn black, their counts restored.
//! 7. *Collect white*: objects that are still grey are garbage, their counts already subtracted. They are
//!    listed (the paper traverses them again, white), so none is read after it is freed.
//! 8. *Slices*: an allocation without room tries single roots first, the latest first, for `SLICE` objects
//!    at most. A root that reaches more than `reach` objects is given up, and its counts are restored. If a
//!    few slices make no room, *a whole trial* does 5 to 7 for all roots at once, those given up included.
//!
//! The barrier is that of `rc` and a push for each possible root. A count of 26 bits sticks at its maximum,
//! and its object is never freed. The pause of a slice is bounded; that of a whole trial grows with the
//! objects that the possible roots reach, which may be all live ones.

mod slices;

use heap::contract::*;
use heap::{Count, DeadList, NoMarks, NonMovingSpace, Stack, Step, Values, cascade, counted_roots};
use slices::Round;
use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

const COUNT: Count = Count::ONLY;

/// The bits of the header that hold a colour. Black, in use or free, has none of them.
const COLOUR: u32 = 0b11 << 26;
const BLACK: u32 = 0;
/// A possible root, in the buffer.
const PURPLE: u32 = 0b10 << 26;
/// On trial: internal references are not counted. Garbage, if it is still grey after the scan.
const GREY: u32 = 0b01 << 26;

/// A local referred to the object at the last trial or slice, or before anything else did (no object is
/// ever forwarded, so the bit is free). Other locals are *young*, and their end makes no possible root.
///
/// Why that loses no garbage: a young local was taken of an object that the program had reached in another
/// way, so the object dies only if that way is cut as well. **Invariant:** an object that no root reaches but
/// young locals is reached from a purple object too. After a trial there is no young local. Taking
/// one changes nothing, nor does its end. The removal of any other reference turns its referent purple, or
/// frees it and does the same to its referents; so does a move of a root into a slot, unless the object has
/// no referents: then the slot's object is reached without it. So garbage has a purple object behind it.
const ROOTED: u32 = 1 << 28;

/// Entries up to which the buffer is not purged.
const SHORT_BUFFER: u32 = 1 << 14;
/// Objects visited from one root in a slice.
const REACH: Parameter = Parameter {
    key: "reach",
    values: Values::Whole(2, 1 << 20),
    default: 64.0,
    summary: "objects visited from one possible root before it is left to a whole trial",
};

/// Counts every reference, and reclaims cycles by trial deletion.
#[derive(Debug)]
pub struct RcCycles {
    objects: NonMovingSpace<NoMarks>,
    /// The buffer: all purple objects, and places where one has been.
    possible_roots: Stack,
    /// Entries at the bottom of the buffer that slices have given up.
    given_up: u32,
    /// Length of the buffer at which it is purged.
    purge_at: u32,
    /// The objects on trial, each once.
    tried: Stack,
    /// Objects to be freed next, or black ones whose referents' counts are to be restored.
    pending: Stack,
    /// Objects visited from one root in a slice.
    reach: u32,
    round: Round,
    /// How far the heap may grow from one whole trial or round to the next.
    sizer: Sizer,
}

// ---- counting, and its barrier ------------------------------------------------------------------

impl Collector for RcCycles {
    const CAPS: Caps =
        Caps { cycles: true, bounded: true, header_bytes: 8, ..Caps::counting(COUNT.most()) };
    const NEW: u32 = COUNT.one();
    const PARAMETERS: &'static [Parameter] = &[SIZER, GROWTH, PRICE, REACH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            possible_roots: heap.stack()?,
            given_up: 0,
            purge_at: SHORT_BUFFER,
            tried: heap.queue()?,
            pending: heap.queue()?,
            reach: config.whole(&REACH) as u32,
            round: Round::default(),
            sizer: Sizer::new(heap, config),
        })
    }

    traced!(objects; possible_roots, tried, pending; stop_and_collect);

    /// **Rule:** every store counts, as in `rc`. An object that loses a reference and keeps others, or moves
    /// into a slot with references of its own, is a possible root.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        if slot.kind != SlotKind::Own {
            if let Some(old) = COUNT.store(cx.memory(), slot, new) {
                self.owner_lost(cx, old);
            }
            return;
        }
        slot.write(cx.memory(), new);
        if let Some(new) = new.reference()
            && cx.memory().may_have_children(new)
        {
            self.add_possible_root(cx, new);
        }
    }

    counted_roots!(COUNT; free_dead; reference_lost);

    /// The local is the first reference to its object, so it is not young.
    #[inline(always)]
    fn region_alloc(&mut self, cx: &mut Context, _: u32, layout: Layout) -> AllocResult {
        let object = self.alloc(cx, layout)?;
        cx.memory().set_bits(object, ROOTED);
        Ok(object)
    }

    #[inline]
    fn process_parked(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark() {
            if COUNT.still_dead(cx.memory(), object) {
                self.free_dead(cx, object);
            } else if !mutant!(cx.memory(), "an unparked object is not buffered") {
                self.add_possible_root(cx, object);
            }
        }
    }
}

// ---- the algorithm: trial deletion --------------------------------------------------------------

impl StopTheWorld for RcCycles {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    /// The whole trial.
    fn trace_and_reclaim(&mut self, cx: &mut Context, _: Cause) {
        self.purge_buffer();
        self.try_all(cx.memory());
        self.possible_roots.truncate(0);
        (self.given_up, self.purge_at, self.round.left) = (0, SHORT_BUFFER, 0);
        self.sizer.reserve_queue(self.pending.committed_bytes());
        [&self.possible_roots, &self.pending].into_iter().for_each(Stack::shrink);
        mark_locals(cx);
        // A size class that is not in use any more would keep its last block.
        self.objects.small.retire_windows();
    }

    /// Counting may have freed memory since the last trial.
    fn alloc_when_futile(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.objects.alloc_after_collecting(layout, Self::NEW)
    }
}

#[inline(always)]
fn colour(memory: Memory<'_>, object: ObjectReference) -> u32 {
    memory.collector_word(object).load(Relaxed) & COLOUR
}

#[inline(always)]
fn paint(memory: Memory<'_>, object: ObjectReference, colour: u32) {
    let word = memory.collector_word(object);
    word.store(word.load(Relaxed) & !COLOUR | colour, Relaxed);
}

/// Buffers an object that may be the root of a garbage cycle. One without slots is green.
#[inline(always)]
fn add_possible_root(possible_roots: &Stack, memory: Memory<'_>, object: ObjectReference) {
    let word = memory.collector_word(object);
    let bits = word.load(Relaxed);
    if bits & COLOUR == BLACK
        && memory.slots(object, Slots::All).next().is_some()
        && !mutant!(memory, "a possible root is lost")
    {
        word.store(bits & !ROOTED | PURPLE, Relaxed);
        possible_roots.push_object(object);
    }
}

/// An object has lost a reference to a cascade, and keeps others.
#[inline(never)]
fn survives(possible_roots: &Stack, memory: Memory<'_>, object: ObjectReference) {
    if !mutant!(memory, "a cascade buffers no possible root") {
        add_possible_root(possible_roots, memory, object);
    }
}

/// Subtracts the references of an object on trial, and turns its referents grey.
#[inline(always)]
fn subtract(memory: Memory<'_>, object: ObjectReference, mut found: impl FnMut(ObjectReference)) {
    for child in memory.children(object, Slots::All) {
        COUNT.decrement(memory, child);
        if colour(memory, child) != GREY {
            paint(memory, child, GREY);
            memory.prefetch(child);
            found(child);
        }
    }
}

/// No local is young any more.
fn mark_locals(cx: &Context) {
    let locals = cx.roots.iter().filter(|root| !root.owned);
    if !mutant!(cx.memory(), "a trial leaves locals young") {
        locals.for_each(|local| cx.memory().set_bits(local.object, ROOTED));
    }
}

impl RcCycles {
    #[inline(always)]
    fn add_possible_root(&self, cx: &Context, object: ObjectReference) {
        add_possible_root(&self.possible_roots, cx.memory(), object);
    }

    /// An object has lost a reference and keeps others. The end of a young local is no reason to try it.
    #[inline(always)]
    fn reference_lost(&self, cx: &Context, object: ObjectReference, owned: bool) {
        if owned || cx.memory().has(object, ROOTED) {
            self.add_possible_root(cx, object);
        }
    }

    /// Frees an object whose count is zero, and the objects that only it kept alive.
    #[inline(never)]
    fn free_dead(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, possible_roots, pending, .. } = self;
        let dies = |memory: Memory<'_>, child| {
            let dies = COUNT.release(memory, child);
            if !dies {
                survives(possible_roots, memory, child);
            }
            dies
        };
        cascade(objects, pending, &mut cx.log, dead, Slots::All, dies);
        if self.possible_roots.len() >= self.purge_at {
            cx.log.begin_cascade();
            self.purge_buffer();
            cx.log.end_cascade();
        }
    }

    /// Whether an entry of the buffer still names a possible root.
    #[inline(always)]
    fn is_possible_root(&self, memory: Memory<'_>, object: ObjectReference) -> bool {
        (self.objects.is_allocated(object) || mutant!(memory, "a freed object is tried"))
            && colour(memory, object) == PURPLE
    }

    /// Removes the entries of freed objects, and second entries: a cell may have been freed and reused by
    /// another possible root.
    #[cold]
    #[inline(never)]
    fn purge_buffer(&mut self) {
        let memory = self.objects.heap().memory();
        let (mut kept, mut given_up) = (0, 0);
        for (index, object) in (0..).zip(self.possible_roots.objects()) {
            if self.is_possible_root(memory, object) {
                // Grey for now, so that a second entry is removed.
                paint(memory, object, GREY);
                self.possible_roots.set(kept, object.bits());
                kept += 1;
                given_up += u32::from(index < self.given_up);
            }
        }
        self.given_up = given_up;
        self.possible_roots.truncate(kept);
        for object in self.possible_roots.objects() {
            paint(memory, object, PURPLE);
        }
        self.possible_roots.shrink();
        self.purge_at = (2 * kept).max(SHORT_BUFFER);
    }

    /// The same from all possible roots. A list of what they reach might take much memory: the heap is
    /// walked instead, and garbage is listed in its own.
    fn try_all(&mut self, memory: Memory<'_>) {
        let mut pending = self.pending.top();
        for root in self.possible_roots.objects() {
            if colour(memory, root) == PURPLE {
                paint(memory, root, GREY);
                pending.push_object(root);
            }
            while let Some(object) = pending.pop_object() {
                subtract(memory, object, |child| pending.push_object(child));
            }
        }
        drop(pending);
        for object in self.objects.objects() {
            Self::scan(memory, &mut self.pending, object);
        }
        let mut white = DeadList::default();
        for object in self.objects.objects().filter(|&object| colour(memory, object) == GREY) {
            white.push(memory, object);
        }
        white.free(&mut self.objects);
    }

    /// Restores an object that is referenced from outside.
    #[inline(always)]
    fn scan(memory: Memory<'_>, pending: &mut Stack, object: ObjectReference) {
        if colour(memory, object) == GREY && COUNT.get(memory, object) > 0 {
            Self::restore(memory, pending, object);
        }
    }

    /// Turns an object and all objects that it reaches black, and restores their counts.
    fn restore(memory: Memory<'_>, pending: &mut Stack, object: ObjectReference) {
        let mut restored = pending.top();
        paint(memory, object, BLACK);
        restored.push_object(object);
        while let Some(object) = restored.pop_object() {
            for child in memory.children(object, Slots::All) {
                COUNT.restore(memory, child);
                if colour(memory, child) != BLACK
                    && !mutant!(memory, "a child of a restored object stays on trial")
                {
                    paint(memory, child, BLACK);
                    restored.push_object(child);
                }
            }
        }
    }
}

impl Inspect for RcCycles {
    const THRESHOLDS: &'static [Parameter] = &[REACH];

    /// Each count equals the number of references, and every purple object is buffered.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        COUNT.verify_all(&self.objects, &cx.roots)?;
        let buffered: HashSet<u32> =
            self.possible_roots.objects().map(ObjectReference::bits).collect();
        for object in self.objects.objects() {
            let (name, colour) = (object.bits(), colour(cx.memory(), object));
            match colour {
                BLACK => {}
                PURPLE if buffered.contains(&name) => {}
                PURPLE => return Err(format!("object {name:#x} is purple and not buffered")),
                _ => return Err(format!("object {name:#x} is still on trial")),
            }
        }
        Ok(())
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        if step == Step::Advance {
            self.slice(cx);
        }
    }
}
