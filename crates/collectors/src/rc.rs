//! Immediate reference counting (Collins 1960), "Rc everywhere": every stored or rooted reference is
//! counted, back links included.
//!
//! 1. *Store*: increment the new referent, then decrement the old one. Moves (of a root into an own slot
//!    and back) change no count, as in Rust.
//! 2. *A count reaches zero* in an operation that may not reclaim: the object is parked. The next operation
//!    that may reclaim checks it again; if it has been stored meanwhile, it stays alive.
//! 3. *Cascade*: decrement the referents of the object, free it, continue with the referents whose count
//!    has reached zero; a loop, not a recursion.
//! 4. With `COUNT_LOADS`, every loaded view is counted too, up and down, as naive implementations do for
//!    each local variable.
//!
//! A count of 26 bits sticks at its maximum. It cannot reclaim cycles, so back links leak.

use heap::contract::*;
use heap::{Count, NoMarks, NonMovingSpace, Stack, cascade, counted_roots, freed_one_by_one};

const COUNT: Count = Count::ONLY;

/// Counts every reference; with `COUNT_LOADS` also loaded ones.
#[derive(Debug)]
pub struct Rc<const COUNT_LOADS: bool = false> {
    objects: NonMovingSpace<NoMarks>,
    /// Objects whose count has reached zero, to be freed next.
    pending: Stack,
}

impl<const COUNT_LOADS: bool> Collector for Rc<COUNT_LOADS> {
    const CAPS: Caps = Caps::counting(COUNT.most());
    const NEW: u32 = COUNT.one();

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        Ok(Self { objects: NonMovingSpace::new(heap)?, pending: heap.queue()? })
    }

    freed_one_by_one!(objects; pending);

    /// **Rule:** every store counts: the new referent up, then the old one down. A move changes no count.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        if slot.kind == SlotKind::Own {
            // A move: the count of a root becomes that of the slot.
            slot.write(cx.memory(), new);
        } else if let Some(old) = COUNT.store(cx.memory(), slot, new) {
            self.root_removed_deferred(cx, old);
        }
    }

    /// **Rule:** with `COUNT_LOADS`, every load counts its referent up and down.
    #[inline(always)]
    fn load(&self, cx: &Context, _: SlotKind, value: Value) -> Value {
        if COUNT_LOADS && let Some(object) = value.reference() {
            // Up when the view begins, down when it ends; the slot that holds it keeps the count above zero.
            COUNT.increment(cx.memory(), object);
            COUNT.decrement(cx.memory(), object);
        }
        value
    }

    counted_roots!(COUNT; free_dead);

    #[inline]
    fn process_parked(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark() {
            if COUNT.still_dead(cx.memory(), object) {
                self.free_dead(cx, object);
            }
        }
    }
}

// ---- the cascade --------------------------------------------------------------------------------

impl<const COUNT_LOADS: bool> Rc<COUNT_LOADS> {
    /// Frees an object whose count is zero, and the objects that only it kept alive.
    #[inline(never)]
    fn free_dead(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, pending } = self;
        let dies = |memory: Memory<'_>, child| COUNT.release(memory, child);
        cascade(objects, pending, &mut cx.log, dead, Slots::All, dies);
    }
}

impl<const COUNT_LOADS: bool> Inspect for Rc<COUNT_LOADS> {
    /// The count of each object equals the number of its references.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        COUNT.verify_all(&self.objects, &cx.roots)
    }
}
