//! Reference counting that reclaims cycles, by synchronous trial deletion (Bacon and Rajan, "Concurrent
//! Cycle Collection in Reference Counted Systems", ECOOP 2001, section 3; after Lins 1992 and Martínez,
//! Wachenchauzer and Lins 1990).
//!
//! 1. *Count* as [`crate::Rc`]: every stored or rooted reference, back links included. What reaches zero
//!    goes at once, in a cascade.
//! 2. *Suspect*: an object that loses a reference and keeps others may be left in a cycle. It turns
//!    purple and is buffered, once. So is one that was parked and lives on, and one that is moved into a
//!    slot, for there a root may become part of a cycle without any count going down. An object without
//!    slots is green: it is in no cycle, and never suspected.
//! 3. *Winnow*: the buffer only hints. What has been freed since is left in it, and dropped when the
//!    buffer has doubled, so that it holds at most two entries for each object.
//! 4. *Trigger*: nothing is tried while the heap does not grow, for then counting does well enough.
//!    Trial deletion begins as mark-sweep's collections do: when the heap is `growth` times what was
//!    left by the last one, at the heap limit, or when the program asks. What stays rooted is not
//!    scanned again and again.
//! 5. *Mark grey*: from the purple ones, take away all counts that come from within.
//! 6. *Scan*: a grey object that still has a count is held from outside: it turns black, and so does
//!    what it refers to, all counts restored. The others turn white.
//! 7. *Collect white*: what is white is garbage, its counts are away already. It is listed, and freed
//!    when all of it has been: in a cycle, something always refers to what would be freed first. (The
//!    paper frees each object behind those that it refers to, and asks others later for their colour.)
//!
//! The barrier is that of `rc` and a push for each suspect. A count of 26 bits sticks at its maximum, and
//! holds what it counts for ever. A pause grows with what the suspects reach, which may be all that is
//! live; each phase walks it once, with a stack.
//!
//! It is long because it is two disciplines: counting at once, and a tracer with three phases.

use heap::{
    Caps, Cause, Collector, Config, Context, Count, DeadList, Footprint, Heap, Layout, Memory,
    ObjectReference, ObjectSpace, Occupancy, Offset32, OutOfMemory, Parameter, PauseKind, Sizer,
    SlotKind, Slots, Stack, Value, cascade, in_degrees, mutant,
};
use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

const COUNT: Count = Count::ONLY;

/// The bits of the header that hold a colour. Black, in use or free, is none of them.
const COLOUR: u32 = 0b11 << 26;
const BLACK: u32 = 0;
/// Suspected, and in the buffer.
const PURPLE: u32 = 0b10 << 26;
/// On trial: what comes from within the trial is not counted.
const GREY: u32 = 0b01 << 26;
/// Convicted, unless something black refers to it.
const WHITE: u32 = 0b11 << 26;

/// Entries up to which the buffer is not winnowed.
const FEW_SUSPECTS: u32 = 1 << 14;
/// Slots of an object that is moved that are looked at: one that holds nothing closes no cycle.
const LOOKED_AT: usize = 4;

/// Counts every reference, and tries those that it suspects.
#[derive(Debug)]
pub struct RcCycles {
    objects: ObjectSpace,
    /// Objects that may be in garbage cycles: all purple ones, and places where one has been.
    suspects: Stack,
    /// Length of that buffer at which it is winnowed.
    winnow_at: u32,
    /// Objects to be looked at, or freed, next.
    pending: Stack,
    /// Objects that have turned black, and whose referents' counts are to be restored.
    restored: Stack,
    /// How far the heap may grow from one trial to the next.
    sizer: Sizer,
}

impl Collector for RcCycles {
    const CAPS: Caps = Caps {
        counts: true,
        most_counted: COUNT.most(),
        drops: true,
        parks: true,
        cycles: true,
        bounded: true,
        header_bytes: 8,
        ..Caps::NONE
    };

    const PARAMETERS: &'static [Parameter] = &Sizer::PARAMETERS;

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::new(heap)?,
            suspects: heap.stack()?,
            winnow_at: FEW_SUSPECTS,
            pending: heap.queue()?,
            restored: heap.queue()?,
            sizer: Sizer::new(heap, config),
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, COUNT.one()) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.suspects.committed_bytes() + self.stacks_bytes())
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

    fn verify(&self, cx: &Context) -> Result<(), String> {
        self.objects.verify()?;
        let mut expected = in_degrees(&self.objects, Slots::All, |_| true);
        cx.roots.iter().for_each(|root| *expected.entry(root.object).or_default() += 1);
        COUNT.verify(&self.objects, |object| expected.get(&object).copied().unwrap_or(0))?;
        let buffered: HashSet<u32> =
            (0..self.suspects.len()).map(|place| self.suspects.get(place)).collect();
        for object in self.objects.objects() {
            let (name, colour) = (object.bits(), colour(self.heap().memory(), object));
            match colour {
                BLACK => {}
                PURPLE if buffered.contains(&name) => {}
                PURPLE => return Err(format!("object {name:#x} is purple and not buffered")),
                _ => return Err(format!("object {name:#x} is still on trial")),
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn store(&self, cx: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        let memory = self.heap().memory();
        if let Some(new) = new.reference() {
            COUNT.increment(memory, new);
        }
        let old = ObjectReference::from_bits(memory.read(object, at));
        memory.write(object, at, new.bits());
        if let Some(old) = old
            && !mutant!(memory, "a store does not decrement")
        {
            self.unretain(cx, old);
        }
    }

    #[inline(always)]
    fn moved(&self, _: &Context, object: ObjectReference, at: Offset32, new: Value) {
        let memory = self.heap().memory();
        memory.write(object, at, new.bits());
        if let Some(new) = new.reference()
            && may_close_a_cycle(memory, new)
            && !mutant!(memory, "a move is not suspected")
        {
            suspect(&self.suspects, memory, new);
        }
    }

    #[inline(always)]
    fn orphan(&self, cx: &Context, object: ObjectReference) {
        self.unretain(cx, object);
    }

    #[inline(always)]
    fn retain(&self, _: &Context, object: ObjectReference) {
        COUNT.increment(self.heap().memory(), object);
    }

    #[inline(always)]
    fn unretain(&self, cx: &Context, object: ObjectReference) {
        let memory = self.heap().memory();
        if COUNT.decrement(memory, object) {
            cx.park(memory, object);
        } else {
            suspect(&self.suspects, memory, object);
        }
    }

    #[inline(always)]
    fn release(&mut self, cx: &mut Context, object: ObjectReference, _: bool) {
        let memory = self.objects.heap().memory();
        if COUNT.decrement(memory, object) {
            self.free_dead(cx, object);
        } else {
            suspect(&self.suspects, memory, object);
        }
    }

    #[inline(never)]
    fn reclaim(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark(self.objects.heap().memory()) {
            let memory = self.objects.heap().memory();
            let stored_too = mutant!(memory, "what is parked is freed though stored");
            if COUNT.get(memory, object) == 0 || stored_too {
                self.free_dead(cx, object);
            } else if !mutant!(memory, "what lives on is not suspected") {
                suspect(&self.suspects, memory, object);
            }
        }
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let occupied_bytes = self.objects.occupied().bytes;
        let pause = cx.log.begin_pause();
        self.winnow();
        self.mark_grey();
        self.scan();
        self.collect_white();
        cx.log.end_pause(pause, PauseKind::Stw);
        self.sizer.collected(self.objects.cycle(cause, occupied_bytes, &cx.log));
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

/// Whether the object has slots at all: the other ones are green.
#[inline(always)]
fn has_slots(memory: Memory<'_>, object: ObjectReference) -> bool {
    memory.slots(object, Slots::All).next().is_some()
}

/// Whether the object, which a slot has just received, refers to anything. A long one always may.
#[inline(always)]
fn may_close_a_cycle(memory: Memory<'_>, object: ObjectReference) -> bool {
    let mut slots = memory.slots(object, Slots::All);
    slots.by_ref().take(LOOKED_AT).any(|slot| slot.reference().is_some()) || slots.next().is_some()
}

/// Buffers an object that may be in a cycle that nothing else refers to.
#[inline(always)]
fn suspect(suspects: &Stack, memory: Memory<'_>, object: ObjectReference) {
    let word = memory.collector_word(object);
    let bits = word.load(Relaxed);
    if bits & COLOUR == BLACK && has_slots(memory, object) && !mutant!(memory, "a suspect is lost")
    {
        word.store(bits | PURPLE, Relaxed);
        suspects.push(object.bits());
    }
}

impl RcCycles {
    /// Frees an object whose count is zero, and whatever only it kept alive.
    #[inline(never)]
    fn free_dead(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, suspects, pending, .. } = self;
        let dies = |memory: Memory<'_>, child| {
            let dies =
                !mutant!(memory, "children are not decremented") && COUNT.release(memory, child);
            if !dies && !mutant!(memory, "a cascade suspects nobody") {
                suspect(suspects, memory, child);
            }
            dies
        };
        cascade(objects, pending, &mut cx.log, dead, Slots::All, dies);
        if self.suspects.len() >= self.winnow_at {
            self.winnow();
        }
    }

    /// Drops from the buffer what has been freed, and what it names a second time: a cell may have
    /// been freed and be the place of another suspect.
    #[cold]
    #[inline(never)]
    fn winnow(&mut self) {
        let memory = self.objects.heap().memory();
        let freed_too = mutant!(memory, "a freed suspect is tried");
        let mut kept = 0;
        for place in 0..self.suspects.len() {
            let Some(object) = entry(&self.suspects, place) else { continue };
            let is_there = freed_too || self.objects.is_allocated(object);
            if is_there && colour(memory, object) == PURPLE {
                // Grey for now, so that a second entry is not taken for a suspect.
                paint(memory, object, GREY);
                self.suspects.set(kept, object.bits());
                kept += 1;
            }
        }
        self.suspects.truncate(kept);
        for object in (0..kept).filter_map(|place| entry(&self.suspects, place)) {
            paint(memory, object, PURPLE);
        }
        self.suspects.shrink();
        self.winnow_at = (2 * kept).max(FEW_SUSPECTS);
    }

    /// Takes away the counts of all references within what the suspects reach.
    fn mark_grey(&mut self) {
        let memory = self.objects.heap().memory();
        let mut pending = self.pending.top();
        for object in (0..self.suspects.len()).filter_map(|place| entry(&self.suspects, place)) {
            if colour(memory, object) != PURPLE {
                continue;
            }
            paint(memory, object, GREY);
            let mut next = Some(object);
            while let Some(object) = next {
                for child in memory.slots(object, Slots::All).filter_map(Value::reference) {
                    COUNT.decrement(memory, child);
                    if colour(memory, child) != GREY {
                        paint(memory, child, GREY);
                        memory.prefetch(child);
                        pending.push(child.bits());
                    }
                }
                next = pending.pop().and_then(ObjectReference::from_bits);
            }
        }
    }

    /// Turns what is held from outside black again, with all that it holds, and the others white.
    fn scan(&mut self) {
        let memory = self.objects.heap().memory();
        for object in (0..self.suspects.len()).filter_map(|place| entry(&self.suspects, place)) {
            let mut next = Some(object);
            while let Some(object) = next {
                if colour(memory, object) == GREY {
                    if COUNT.get(memory, object) > 0 {
                        Self::restore(memory, &mut self.restored, object);
                    } else {
                        paint(memory, object, WHITE);
                        for child in memory.slots(object, Slots::All).filter_map(Value::reference) {
                            self.pending.push(child.bits());
                        }
                    }
                }
                next = self.pending.pop().and_then(ObjectReference::from_bits);
            }
        }
    }

    /// Turns an object and all that it reaches black, and counts their references again.
    fn restore(memory: Memory<'_>, restored: &mut Stack, object: ObjectReference) {
        let mut restored = restored.top();
        paint(memory, object, BLACK);
        let mut next = Some(object);
        while let Some(object) = next {
            for child in memory.slots(object, Slots::All).filter_map(Value::reference) {
                if !mutant!(memory, "a count is not restored") {
                    COUNT.increment(memory, child);
                }
                if colour(memory, child) != BLACK {
                    paint(memory, child, BLACK);
                    if !mutant!(memory, "what the innocent hold stays on trial") {
                        restored.push(child.bits());
                    }
                }
            }
            next = restored.pop().and_then(ObjectReference::from_bits);
        }
    }

    /// Frees what is white. Everything that is tried is reached from a suspect. Nothing is freed before all
    /// of it has been looked at, for it refers to what would be gone already.
    fn collect_white(&mut self) {
        let memory = self.objects.heap().memory();
        let mut white = DeadList::default();
        let mut pending = self.pending.top();
        let goes = |object| {
            let is_white = colour(memory, object) == WHITE;
            if is_white {
                paint(memory, object, BLACK);
            }
            is_white
        };
        for object in (0..self.suspects.len()).filter_map(|place| entry(&self.suspects, place)) {
            let mut next = Some(object).filter(|&object| goes(object));
            while let Some(object) = next {
                for child in memory.slots(object, Slots::All).filter_map(Value::reference) {
                    if goes(child) {
                        memory.prefetch(child);
                        pending.push(child.bits());
                    }
                }
                white.push(memory, object);
                next = pending.pop().and_then(ObjectReference::from_bits);
            }
        }
        drop(pending);
        white.free(&mut self.objects);
        self.suspects.truncate(0);
        self.sizer.keep_free(self.stacks_bytes());
        [&self.suspects, &self.pending, &self.restored].into_iter().for_each(Stack::shrink);
        self.winnow_at = FEW_SUSPECTS;
    }

    fn stacks_bytes(&self) -> u64 {
        self.pending.committed_bytes() + self.restored.committed_bytes()
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        let used_bytes = self.objects.used_bytes();
        let may_grow = self.sizer.may_grow(used_bytes, self.heap().room_bytes());
        if let Some(object) = may_grow.then(|| self.grow(layout)).flatten() {
            return Ok(object);
        }
        if !self.sizer.is_futile(self.objects.occupied().bytes, used_bytes) {
            self.collect(cx, self.sizer.cause(used_bytes));
        }
        let reclaimed = self.objects.alloc(layout, COUNT.one()).or_else(|| self.grow(layout));
        reclaimed
            .or_else(|| self.objects.alloc_larger(layout, COUNT.one()))
            .ok_or_else(|| self.heap().refuse(layout))
    }

    fn grow(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.objects.alloc_growing(layout, COUNT.one())
    }
}

/// An entry of the buffer.
#[inline(always)]
fn entry(suspects: &Stack, place: u32) -> Option<ObjectReference> {
    ObjectReference::from_bits(suspects.get(place))
}
