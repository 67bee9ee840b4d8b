//! Immediate reference counting (Collins 1960), "Rc everywhere": every stored or rooted reference is
//! counted, back links included.
//!
//! 1. *Store*: increment the new referent, then decrement the old one. Moves (of a root into an own
//!    slot and back) change no count, as in Rust.
//! 2. *A count reaches zero* in an operation that may not reclaim: the object is parked, and looked
//!    at again in the next one that may; if it has been stored somewhere meanwhile, it lives on.
//! 3. *Cascade*: decrement what the object refers to, free it, go on with those that reached zero; a
//!    loop, not a recursion.
//! 4. With `COUNT_LOADS`, every loaded view is counted too, up and down, as naive implementations do
//!    for each local variable.
//!
//! A count of 26 bits sticks at its maximum. It cannot reclaim cycles, so back links leak.

use heap::{
    Caps, Collector, Config, Context, Count, Footprint, Heap, Layout, Memory, ObjectReference,
    ObjectSpace, Occupancy, Offset32, OutOfMemory, SlotKind, Slots, Stack, Value, cascade,
    in_degrees, mutant,
};
use std::io;

const COUNT: Count = Count::ONLY;

/// Counts every reference; with `COUNT_LOADS` also those that are merely looked at.
#[derive(Debug)]
pub struct Rc<const COUNT_LOADS: bool = false> {
    objects: ObjectSpace,
    /// Objects whose count has reached zero, to be freed next.
    pending: Stack,
}

impl<const COUNT_LOADS: bool> Collector for Rc<COUNT_LOADS> {
    const CAPS: Caps = Caps {
        counts: true,
        most_counted: COUNT.most(),
        drops: true,
        parks: true,
        header_bytes: 4,
        ..Caps::NONE
    };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { objects: ObjectSpace::new(heap)?, pending: heap.queue()? })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, COUNT.one()) {
            Some(object) => Ok(object),
            None => self
                .objects
                .alloc_growing(layout, COUNT.one())
                .ok_or_else(|| self.objects.heap().refuse(layout)),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.pending.committed_bytes())
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
        COUNT.verify(&self.objects, |object| expected.get(&object).copied().unwrap_or(0))
    }

    #[inline(always)]
    fn store(&self, cx: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        let memory = self.heap().memory();
        let late = mutant!(memory, "decrement before increment");
        if let Some(new) = new.reference()
            && !late
        {
            COUNT.increment(memory, new);
        }
        let old = ObjectReference::from_bits(memory.read(object, at));
        memory.write(object, at, new.bits());
        if let Some(old) = old
            && !mutant!(memory, "a store does not decrement")
        {
            self.unretain(cx, old);
        }
        if let Some(new) = new.reference()
            && late
        {
            COUNT.increment(memory, new);
        }
    }

    #[inline(always)]
    fn orphan(&self, cx: &Context, object: ObjectReference) {
        self.unretain(cx, object);
    }

    #[inline(always)]
    fn load(&self, _: &Context, _: SlotKind, value: Value) -> Value {
        if COUNT_LOADS && let Some(object) = value.reference() {
            // Up when the view begins and down when it ends; what holds it keeps it above zero.
            COUNT.increment(self.heap().memory(), object);
            COUNT.decrement(self.heap().memory(), object);
        }
        value
    }

    #[inline(always)]
    fn retain(&self, _: &Context, object: ObjectReference) {
        COUNT.increment(self.heap().memory(), object);
    }

    #[inline(always)]
    fn unretain(&self, cx: &Context, object: ObjectReference) {
        if COUNT.decrement(self.heap().memory(), object) {
            cx.park(self.heap().memory(), object);
        }
    }

    #[inline(always)]
    fn release(&mut self, cx: &mut Context, object: ObjectReference, _: bool) {
        if COUNT.decrement(self.heap().memory(), object) {
            self.free_dead(cx, object);
        }
    }

    #[inline(never)]
    fn reclaim(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark(self.objects.heap().memory()) {
            let stored_too = mutant!(self.heap().memory(), "what is parked is freed though stored");
            if COUNT.get(self.heap().memory(), object) == 0 || stored_too {
                self.free_dead(cx, object);
            }
        }
    }
}

impl<const COUNT_LOADS: bool> Rc<COUNT_LOADS> {
    /// Frees an object whose count is zero, and whatever only it kept alive.
    #[inline(never)]
    fn free_dead(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, pending } = self;
        let dies = |memory: Memory<'_>, child| {
            !mutant!(memory, "children are not decremented") && COUNT.release(memory, child)
        };
        cascade(objects, pending, &mut cx.log, dead, Slots::All, dies);
    }
}
