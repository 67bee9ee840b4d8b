//! Reference counting that reclaims cycles, by synchronous trial deletion (Bacon and Rajan, "Concurrent
//! Cycle Collection in Reference Counted Systems", ECOOP 2001, section 3; after Lins 1992 and Martínez,
//! Wachenchauzer and Lins 1990).
//!
//! 1. *Count* as [`crate::Rc`]: every stored or rooted reference, back links included. An object whose
//!    count reaches zero is freed at once, in a cascade.
//! 2. *Possible roots*: an object that loses a reference and keeps others may be in a garbage cycle. It
//!    turns purple and is buffered, once. So does an object that was parked and stays alive, and one that is
//!    moved into a slot, where a root may become part of a cycle without any count going down. An object
//!    without slots is green: it is in no cycle, and never buffered.
//! 3. *Purge buffer*: entries are hints. Those of freed objects stay, and are removed before a trial and when
//!    the buffer has doubled, so that it holds at most two entries for each object.
//! 4. *Trigger*: no trial while the heap does not grow, because counting suffices then. Trial deletion
//!    begins as mark-sweep's collections do: when the heap is `growth` times the size that the last one
//!    left, at the heap limit, or when the program asks. So rooted objects are seldom scanned in vain.
//! 5. *Mark grey*: from the purple objects, subtract the counts of all internal references.
//! 6. *Scan*: a grey object that still has a count is referenced from outside: it and all objects that it
//!    reaches turn black, their counts restored. The others turn white.
//! 7. *Collect white*: white objects are garbage, their counts already subtracted. They are listed, and
//!    freed when all are listed: in a cycle, some object always refers to the one that would be freed
//!    first. (The paper frees each object after its referents, and checks the colour of others later.)
//!
//! The barrier is that of `rc` and a push for each possible root. A count of 26 bits sticks at its maximum,
//! and its object is never freed. A pause grows with the objects that the possible roots reach, which may be
//! all live ones; each phase traverses them once, with a stack.

use heap::contract::*;
use heap::{Count, DeadList, NoMarks, NonMovingSpace, Stack, cascade, counted_roots};
use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

const COUNT: Count = Count::ONLY;

/// The bits of the header that hold a colour. Black, in use or free, has none of them.
const COLOUR: u32 = 0b11 << 26;
const BLACK: u32 = 0;
/// A possible root, in the buffer.
const PURPLE: u32 = 0b10 << 26;
/// On trial: internal references are not counted.
const GREY: u32 = 0b01 << 26;
/// Garbage, unless a black object refers to it.
const WHITE: u32 = 0b11 << 26;

/// Entries up to which the buffer is not purged.
const SHORT_BUFFER: u32 = 1 << 14;
/// Slots inspected of an object that is moved: one without references closes no cycle.
const MAX_SLOTS_INSPECTED: usize = 4;

/// Counts every reference, and reclaims cycles by trial deletion.
#[derive(Debug)]
pub struct RcCycles {
    objects: NonMovingSpace<NoMarks>,
    /// The buffer: all purple objects, and places where one has been.
    possible_roots: Stack,
    /// Length of the buffer at which it is purged.
    purge_at: u32,
    /// Objects to be scanned or freed next.
    pending: Stack,
    /// Black objects whose referents' counts are still to be restored.
    restored: Stack,
    /// How far the heap may grow from one trial to the next.
    sizer: Sizer,
}

// ---- counting, and its barrier ------------------------------------------------------------------

impl Collector for RcCycles {
    const CAPS: Caps =
        Caps { cycles: true, bounded: true, header_bytes: 8, ..Caps::counting(COUNT.most()) };
    const NEW: u32 = COUNT.one();
    const PARAMETERS: &'static [Parameter] = &Sizer::PARAMETERS;

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            possible_roots: heap.stack()?,
            purge_at: SHORT_BUFFER,
            pending: heap.queue()?,
            restored: heap.queue()?,
            sizer: Sizer::new(heap, config),
        })
    }

    traced!(objects; possible_roots, pending, restored; stop_and_collect);

    /// **Rule:** every store counts, as in `rc`. An object that loses a reference and keeps others, or moves
    /// into a slot with references of its own, is a possible root.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        if slot.kind != SlotKind::Own {
            if let Some(old) = COUNT.store(cx.memory(), slot, new) {
                self.root_removed_deferred(cx, old);
            }
            return;
        }
        slot.write(cx.memory(), new);
        if let Some(new) = new.reference()
            && may_close_a_cycle(cx.memory(), new)
        {
            self.add_possible_root(cx, new);
        }
    }

    counted_roots!(COUNT; free_dead; add_possible_root);

    #[inline(never)]
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

    fn trace_and_reclaim(&mut self, _: &mut Context, _: Cause) {
        self.purge_buffer();
        self.mark_grey();
        self.scan();
        self.collect_white();
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

/// Whether an object that was moved into a slot may have referents. A long one always may.
#[inline(always)]
fn may_close_a_cycle(memory: Memory<'_>, object: ObjectReference) -> bool {
    let mut slots = memory.slots(object, Slots::All);
    slots.by_ref().take(MAX_SLOTS_INSPECTED).any(|slot| slot.reference().is_some())
        || slots.next().is_some()
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
        word.store(bits | PURPLE, Relaxed);
        possible_roots.push_object(object);
    }
}

impl RcCycles {
    #[inline(always)]
    fn add_possible_root(&self, cx: &Context, object: ObjectReference) {
        add_possible_root(&self.possible_roots, cx.memory(), object);
    }

    /// Frees an object whose count is zero, and the objects that only it kept alive.
    #[inline(never)]
    fn free_dead(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, possible_roots, pending, .. } = self;
        let dies = |memory: Memory<'_>, child| {
            let dies = COUNT.release(memory, child);
            if !dies && !mutant!(memory, "a cascade buffers no possible root") {
                add_possible_root(possible_roots, memory, child);
            }
            dies
        };
        cascade(objects, pending, &mut cx.log, dead, Slots::All, dies);
        if self.possible_roots.len() >= self.purge_at {
            self.purge_buffer();
        }
    }

    /// Removes the entries of freed objects, and second entries: a cell may have been freed and reused by
    /// another possible root.
    #[cold]
    #[inline(never)]
    fn purge_buffer(&mut self) {
        let memory = self.objects.heap().memory();
        let mut kept = 0;
        for object in self.possible_roots.objects() {
            let is_there =
                self.objects.is_allocated(object) || mutant!(memory, "a freed object is tried");
            if is_there && colour(memory, object) == PURPLE {
                // Grey for now, so that a second entry is removed.
                paint(memory, object, GREY);
                self.possible_roots.set(kept, object.bits());
                kept += 1;
            }
        }
        self.possible_roots.truncate(kept);
        for object in self.possible_roots.objects() {
            paint(memory, object, PURPLE);
        }
        self.possible_roots.shrink();
        self.purge_at = (2 * kept).max(SHORT_BUFFER);
    }

    /// Subtracts the counts of all references between the objects that possible roots reach.
    fn mark_grey(&mut self) {
        let memory = self.objects.heap().memory();
        let mut pending = self.pending.top();
        for object in self.possible_roots.objects() {
            if colour(memory, object) != PURPLE {
                continue;
            }
            paint(memory, object, GREY);
            pending.push_object(object);
            while let Some(object) = pending.pop_object() {
                for child in memory.children(object, Slots::All) {
                    COUNT.decrement(memory, child);
                    if colour(memory, child) != GREY {
                        paint(memory, child, GREY);
                        memory.prefetch(child);
                        pending.push_object(child);
                    }
                }
            }
        }
    }

    /// Restores the objects that are referenced from outside, and turns the others white.
    fn scan(&mut self) {
        let memory = self.objects.heap().memory();
        for object in self.possible_roots.objects() {
            self.pending.push_object(object);
            while let Some(object) = self.pending.pop_object() {
                if colour(memory, object) != GREY {
                    continue;
                }
                if COUNT.get(memory, object) > 0 {
                    Self::restore(memory, &mut self.restored, object);
                    continue;
                }
                paint(memory, object, WHITE);
                memory.children(object, Slots::All).for_each(|c| self.pending.push_object(c));
            }
        }
    }

    /// Turns an object and all objects that it reaches black, and restores their counts.
    fn restore(memory: Memory<'_>, restored: &mut Stack, object: ObjectReference) {
        let mut restored = restored.top();
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

    /// Frees the white objects, all of which are reached from a possible root. None is freed before all are
    /// scanned, because they refer to each other.
    fn collect_white(&mut self) {
        let memory = self.objects.heap().memory();
        let mut white = DeadList::default();
        let mut pending = self.pending.top();
        let take_white = |object| {
            let is_white = colour(memory, object) == WHITE;
            if is_white {
                paint(memory, object, BLACK);
            }
            is_white
        };
        for object in self.possible_roots.objects() {
            if take_white(object) {
                pending.push_object(object);
            }
            while let Some(object) = pending.pop_object() {
                for child in memory.children(object, Slots::All) {
                    if take_white(child) {
                        memory.prefetch(child);
                        pending.push_object(child);
                    }
                }
                white.push(memory, object);
            }
        }
        drop(pending);
        white.free(&mut self.objects);
        self.possible_roots.truncate(0);
        self.sizer.reserve_queue(self.pending.committed_bytes() + self.restored.committed_bytes());
        [&self.possible_roots, &self.pending, &self.restored].into_iter().for_each(Stack::shrink);
        self.purge_at = SHORT_BUFFER;
    }
}

impl Inspect for RcCycles {
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
}
