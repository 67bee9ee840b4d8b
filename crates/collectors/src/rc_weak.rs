//! Reference counting as Rust programmers write it: `Rc` for own and shared slots, `Weak` for borrow
//! slots.
//!
//! 1. Two counts. *Strong*: roots, locals, own and shared slots. *Weak*: borrow slots, and one for all
//!    strong references together.
//! 2. *The strong count reaches zero*: the object's references are released, and the common weak count is
//!    given up. *The weak count reaches zero*: the memory is freed. So a borrow never dangles, but holds
//!    its referent's memory until the borrow ends.
//! 3. *Upgrade*: a borrow is read only if the strong count is not zero.
//! 4. Parking and cascades as in [`crate::Rc`].
//!
//! Counts of 13 bits stick at their maximum. Cycles of own or shared slots leak; back links that are
//! borrows do not.

use heap::contract::*;
use heap::{Count, NoMarks, NonMovingSpace, PARKED, Stack, cascade, counted_roots, in_degrees};
use std::sync::atomic::Ordering::Relaxed;

const STRONG: Count = Count::STRONG;
const WEAK: Count = Count::WEAK;

/// Strong and weak counts.
#[derive(Debug)]
pub struct RcWeak {
    objects: NonMovingSpace<NoMarks>,
    /// Objects to be freed next: no borrow refers to them, and they have none.
    pending: Stack,
    /// Other objects to be released next.
    released: Stack,
    /// Released objects whose weak count has just reached zero.
    unborrowed: Stack,
}

impl Collector for RcWeak {
    const CAPS: Caps =
        Caps { weak: true, weak_slots: true, header_bytes: 8, ..Caps::counting(STRONG.most()) };
    const NEW: u32 = STRONG.one() | WEAK.one();

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let (pending, released, unborrowed) = (heap.queue()?, heap.queue()?, heap.stack()?);
        Ok(Self { objects: NonMovingSpace::new(heap)?, pending, released, unborrowed })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        self.objects.alloc_or_grow(layout, Self::NEW)
    }

    fn parts(&self) -> Parts<'_> {
        let queues = [&self.pending, &self.released, &self.unborrowed];
        Parts::of([&self.objects], queues.map(Stack::committed_bytes).iter().sum())
    }

    /// **Rule:** own and shared slots count strongly, the others weakly: a weak slot is a borrow slot under
    /// another name. A move changes no count.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        let count = match slot.kind {
            SlotKind::Own => return slot.write(cx.memory(), new),
            SlotKind::Shared => STRONG,
            SlotKind::Borrow | SlotKind::Weak | SlotKind::Ephemeral => WEAK,
        };
        if let Some(old) = count.store(cx.memory(), slot, new)
            && count.decrement(cx.memory(), old)
        {
            cx.park(old);
        }
    }

    /// **Rule:** a borrow whose strong count is zero is read as null (upgrade).
    #[inline(always)]
    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value {
        match (kind, value.reference()) {
            (SlotKind::Own | SlotKind::Shared, _) | (_, None) => value,
            (_, Some(object)) if STRONG.get(cx.memory(), object) > 0 => value,
            _ => Value::NULL,
        }
    }

    counted_roots!(STRONG; cascade);

    #[inline]
    fn process_parked(&mut self, cx: &mut Context) {
        while let Some(object) = cx.unpark() {
            let memory = cx.memory();
            let strong = STRONG.get(memory, object);
            if strong == 0 && WEAK.get(memory, object) == 0 {
                // Released before; its last borrow has ended.
                self.objects.free(object);
            } else if strong == 0 || mutant!(memory, "a parked object is freed though stored") {
                self.cascade(cx, object);
            }
        }
    }
}

// ---- the cascade --------------------------------------------------------------------------------

/// Whether an object with these header bits is freed with no further work when it is released: no borrow
/// refers to it, it has none, and it is not parked.
#[inline(always)]
fn is_plain(memory: Memory<'_>, object: ObjectReference, bits: u32) -> bool {
    memory.collector_word(object).load(Relaxed) == bits
        && memory.slots(object, Slots::Borrow).next().is_none()
}

impl RcWeak {
    /// Releases an object whose strong count is zero, and the objects that only it kept alive, except
    /// parked ones: these lost their last holder before and wait to be unparked. The plain ones are freed as
    /// in [`crate::Rc`], the others and what they release one by one.
    #[inline(never)]
    fn cascade(&mut self, cx: &mut Context, dead: ObjectReference) {
        let Self { objects, pending, released, .. } = self;
        let mut first = Some(dead);
        cx.log.begin_cascade();
        if is_plain(cx.memory(), dead, WEAK.one()) {
            cascade(objects, pending, &mut cx.log, dead, Slots::Strong, |memory, child| {
                let is_plain = is_plain(memory, child, Self::NEW);
                if !is_plain && STRONG.release(memory, child) {
                    released.push_object(child);
                }
                is_plain
            });
            first = released.pop_object();
        }
        if let Some(first) = first {
            self.release_all(cx, first);
        }
        cx.log.end_cascade();
    }

    #[inline(never)]
    fn release_all(&mut self, cx: &mut Context, first: ObjectReference) {
        let Self { objects, released, unborrowed, .. } = self;
        let mut released = released.top();
        let mut unborrowed = unborrowed.top();
        let memory = cx.heap.memory();
        let mut next = Some(first);
        while let Some(object) = next {
            for child in memory.children(object, Slots::Borrow) {
                if !mutant!(memory, "a dead object keeps its borrows")
                    && WEAK.decrement(memory, child)
                    && !memory.has(child, PARKED)
                {
                    unborrowed.push_object(child);
                }
            }
            next = None;
            for child in memory.slots(object, Slots::Strong) {
                if let Some(child) = child.reference()
                    && STRONG.release(memory, child)
                    && let Some(other) = next.replace(child)
                {
                    released.push_object(other);
                }
            }
            STRONG.clear(memory, object);
            if WEAK.decrement(memory, object) || mutant!(memory, "borrowed memory is freed") {
                objects.free(object);
            }
            while let Some(child) = unborrowed.pop_object() {
                objects.free(child);
            }
            next = next.or_else(|| released.pop_object());
        }
    }
}

impl Inspect for RcWeak {
    /// Both counts of each object equal the numbers of its references from live objects and roots.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        let memory = cx.memory();
        let is_alive = |object| STRONG.get(memory, object) > 0;
        let mut strong = in_degrees(&self.objects, Slots::Strong, is_alive);
        cx.roots.iter().for_each(|root| *strong.entry(root.object).or_default() += 1);
        let weak = in_degrees(&self.objects, Slots::Borrow, is_alive);
        STRONG.verify(&self.objects, |object| strong.get(&object).copied().unwrap_or(0))?;
        let borrows = |object| weak.get(&object).copied().unwrap_or(0);
        WEAK.verify(&self.objects, |object| borrows(object) + u32::from(is_alive(object)))
    }
}
