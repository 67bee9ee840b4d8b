//! Reference counting as Rust programmers write it: `Rc` for own and shared slots, `Weak` for borrow
//! slots.
//!
//! 1. Two counts. *Strong*: roots, locals, own and shared slots. *Weak*: borrow slots, and one for
//!    all strong ones together.
//! 2. *The strong count reaches zero*: what the object refers to is released and the common weak
//!    count given up. *The weak count reaches zero*: the memory is freed. So a borrow never dangles,
//!    but holds its referent's memory until it goes too.
//! 3. *Upgrade*: a borrow is read only if the strong count is not zero.
//! 4. Parking and cascades as in [`crate::Rc`].
//!
//! Counts of 13 bits stick at their maximum. Cycles of own or shared slots leak; back links that are
//! borrows do not.

use heap::{
    Caps, CascadeClock, Collector, Config, Context, Count, Footprint, Heap, Layout,
    ObjectReference, ObjectSpace, Occupancy, Offset32, OutOfMemory, PARKED, SlotKind, Slots, Stack,
    Value, in_degrees, mutant,
};
use std::io;

const STRONG: Count = Count::STRONG;
const WEAK: Count = Count::WEAK;
const NEW: u32 = STRONG.one() | WEAK.one();

/// Strong and weak counts.
#[derive(Debug)]
pub struct RcWeak {
    objects: ObjectSpace,
    /// Objects whose strong count has reached zero, to be released next.
    pending: Stack,
    /// Released objects whose last borrow has just gone.
    unborrowed: Stack,
}

impl Collector for RcWeak {
    const CAPS: Caps = Caps {
        counts: true,
        most_counted: STRONG.most(),
        drops: true,
        parks: true,
        weak: true,
        weak_slots: true,
        header_bytes: 8,
        ..Caps::NONE
    };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::new(heap)?,
            pending: heap.queue()?,
            unborrowed: heap.stack()?,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, NEW) {
            Some(object) => Ok(object),
            None => self
                .objects
                .alloc_growing(layout, NEW)
                .ok_or_else(|| self.objects.heap().refuse(layout)),
        }
    }

    fn footprint(&self) -> Footprint {
        let stacks = self.pending.committed_bytes() + self.unborrowed.committed_bytes();
        self.objects.footprint(stacks)
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
        let memory = self.heap().memory();
        let is_alive = |object| STRONG.get(memory, object) > 0;
        let mut strong = in_degrees(&self.objects, Slots::Strong, is_alive);
        cx.roots.iter().for_each(|root| *strong.entry(root.object).or_default() += 1);
        let weak = in_degrees(&self.objects, Slots::Borrow, is_alive);
        STRONG.verify(&self.objects, |object| strong.get(&object).copied().unwrap_or(0))?;
        let borrows = |object| weak.get(&object).copied().unwrap_or(0);
        WEAK.verify(&self.objects, |object| borrows(object) + u32::from(is_alive(object)))
    }

    #[inline(always)]
    fn store(
        &self,
        cx: &Context,
        object: ObjectReference,
        at: Offset32,
        kind: SlotKind,
        new: Value,
    ) {
        let memory = self.heap().memory();
        let count = if kind == SlotKind::Borrow { WEAK } else { STRONG };
        if let Some(new) = new.reference() {
            count.increment(memory, new);
        }
        let old = ObjectReference::from_bits(memory.read(object, at));
        memory.write(object, at, new.bits());
        if let Some(old) = old
            && !mutant!(memory, "a store does not decrement")
            && count.decrement(memory, old)
        {
            cx.park(memory, old);
        }
    }

    #[inline(always)]
    fn orphan(&self, cx: &Context, object: ObjectReference) {
        self.unretain(cx, object);
    }

    #[inline(always)]
    fn load(&self, _: &Context, kind: SlotKind, value: Value) -> Value {
        match value.reference() {
            Some(object)
                if kind == SlotKind::Borrow
                    && STRONG.get(self.heap().memory(), object) == 0
                    && !mutant!(self.heap().memory(), "an upgrade finds the dead") =>
            {
                Value::NULL
            }
            _ => value,
        }
    }

    /// A weak slot is a borrow slot under another name.
    #[inline(always)]
    fn store_hidden(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        self.store(cx, object, at, SlotKind::Borrow, new);
    }

    #[inline(always)]
    fn load_hidden(&self, cx: &Context, value: Value) -> Value {
        self.load(cx, SlotKind::Borrow, value)
    }

    #[inline(always)]
    fn retain(&self, _: &Context, object: ObjectReference) {
        STRONG.increment(self.heap().memory(), object);
    }

    #[inline(always)]
    fn unretain(&self, cx: &Context, object: ObjectReference) {
        if STRONG.decrement(self.heap().memory(), object) {
            cx.park(self.heap().memory(), object);
        }
    }

    #[inline(always)]
    fn release(&mut self, cx: &mut Context, object: ObjectReference, _: bool) {
        if STRONG.decrement(self.heap().memory(), object) {
            self.cascade(cx, object);
        }
    }

    #[inline(never)]
    fn reclaim(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark(self.objects.heap().memory()) {
            let memory = self.objects.heap().memory();
            match (STRONG.get(memory, object), WEAK.get(memory, object)) {
                // Released before; the last borrow of its memory has gone.
                (0, 0) => {
                    self.objects.free(object);
                }
                (0, _) => self.cascade(cx, object),
                // Stored again since it was parked.
                _ if mutant!(memory, "what is parked is freed though stored") => {
                    self.cascade(cx, object);
                }
                _ => {}
            }
        }
    }
}

impl RcWeak {
    /// Releases an object whose strong count is zero, and whatever only it kept alive. What is parked
    /// was found without a holder before, and is left until its turn comes.
    #[inline(never)]
    fn cascade(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, pending, unborrowed } = self;
        let mut clock = CascadeClock::default();
        let mut pending = pending.top();
        let mut unborrowed = unborrowed.top();
        let heap = objects.heap().clone();
        let memory = heap.memory();
        let mut next = Some(dead);
        while let Some(object) = next {
            clock.tick(1);
            for child in memory.slots(object, Slots::Borrow).filter_map(Value::reference) {
                if mutant!(memory, "the dead keep what they borrow") {
                    continue;
                }
                if WEAK.decrement(memory, child) && !memory.has(child, PARKED) {
                    unborrowed.push(child.bits());
                }
            }
            next = None;
            for child in memory.slots(object, Slots::Strong) {
                if let Some(child) = child.reference()
                    && STRONG.decrement(memory, child)
                    && !memory.has(child, PARKED)
                    && let Some(other) = next.replace(child)
                {
                    pending.push(other.bits());
                }
            }
            if WEAK.decrement(memory, object) || mutant!(memory, "borrowed memory is freed") {
                objects.free(object);
            }
            while let Some(child) = unborrowed.pop().and_then(ObjectReference::from_bits) {
                objects.free(child);
            }
            next = next.or_else(|| pending.pop().and_then(ObjectReference::from_bits));
        }
        cx.log.end_cascade(clock);
    }
}
