//! Barrier and root mutants: a wrapper that forwards barrier and root operations incorrectly.
//!
//! [`Faulty`] stands between the mutator and a collector. The write barrier that the collector declares in
//! [`Caps::barrier`], and its other capabilities, decide which mutants it passes. The kit puts it outside
//! [`crate::watched::Watched`], which so checks the arguments that a faulty barrier is given. Without the
//! feature `mutants` every operation is forwarded as it is.

use heap::{
    AllocResult, Barrier, Caps, Cause, Collector, Colour, Config, Context, Heap, Inspect, Layout,
    ObjectReference, ObjectSlot, PARKED, Parameter, Parts, Room, SlotKind, Step, Value, mutant,
};
use std::io;
use std::ops::Deref;

/// A collector behind barriers that are wrong if the heap has such a mutant.
#[derive(Debug)]
pub(crate) struct Faulty<C>(pub(crate) C);

impl<C> Deref for Faulty<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C: Collector> Faulty<C> {
    /// Calls the write barrier unless a fault omits it. Returns whether the slot holds `new` afterwards.
    fn store_faultily(&self, cx: &Context, slot: ObjectSlot, new: Value) -> bool {
        let (memory, caps) = (cx.memory(), self.caps());
        let is_own = slot.kind == SlotKind::Own;
        let mut stored = new;
        match caps.barrier {
            Barrier::Counting if is_own => {
                if caps.cycles && mutant!(memory, "a moved object is not buffered") {
                    return false;
                }
            }
            Barrier::Counting => {
                if mutant!(memory, "decrement before increment") {
                    self.0.store(cx, slot, Value::NULL);
                }
                if mutant!(memory, "a store does not decrement") {
                    write(cx, slot, Value::NULL);
                }
            }
            Barrier::Logging => {
                if mutant!(memory, "a log entry is dropped") {
                    return false;
                }
            }
            Barrier::Remembering => {
                if mutant!(memory, "an old object is not remembered")
                    || is_own && mutant!(memory, "a move into an old object is not remembered")
                {
                    return false;
                }
            }
            Barrier::Deletion | Barrier::Insertion => {
                if mutant!(memory, "a barrier shades nothing") {
                    return false;
                }
                if mutant!(memory, "a barrier shades the other reference") {
                    // Each barrier shades one of the two; here both of them are the other one.
                    match caps.barrier {
                        Barrier::Deletion => write(cx, slot, new),
                        _ => stored = slot.read(memory),
                    }
                }
            }
            Barrier::None => {}
        }
        self.0.store(cx, slot, stored);
        stored == new
    }
}

/// Writes a slot past the barrier; a marker may run beside the program.
fn write(cx: &Context, slot: ObjectSlot, new: Value) {
    cx.memory().publish(slot.object, slot.at, new.bits());
}

impl<C: Collector> Collector for Faulty<C> {
    const CAPS: Caps = C::CAPS;
    const NEW: u32 = C::NEW;
    const PARAMETERS: &'static [Parameter] = C::PARAMETERS;

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        C::new(heap, config).map(Self)
    }

    fn caps(&self) -> Caps {
        self.0.caps()
    }

    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        let object = self.0.alloc(cx, layout)?;
        if self.caps().barrier == Barrier::Logging
            && mutant!(cx.memory(), "a new object is born unlogged")
        {
            cx.memory().clear_bits(object, PARKED);
        }
        Ok(object)
    }

    fn parts(&self) -> Parts<'_> {
        self.0.parts()
    }

    fn store(&self, cx: &Context, mut slot: ObjectSlot, new: Value) {
        let memory = cx.memory();
        match slot.kind {
            SlotKind::Borrow if mutant!(memory, "a barrier is given a wrong kind") => {
                slot.kind = SlotKind::Shared;
            }
            SlotKind::Own
                if new == Value::NULL && mutant!(memory, "a taken object stays in its slot") =>
            {
                return;
            }
            _ => {}
        }
        if !self.store_faultily(cx, slot, new) {
            write(cx, slot, new);
        }
    }

    fn load(&self, cx: &Context, kind: SlotKind, value: Value) -> Value {
        let memory = cx.memory();
        let is_upgrade = self.caps().weak && matches!(kind, SlotKind::Borrow | SlotKind::Weak);
        if kind.is_weak() && mutant!(memory, "a weak load has no barrier")
            || is_upgrade && mutant!(memory, "an upgrade finds a dead object")
        {
            return value;
        }
        self.0.load(cx, kind, value)
    }

    fn owner_lost(&self, cx: &Context, object: ObjectReference) {
        if !(self.caps().parks
            && mutant!(cx.memory(), "an object that lost its owner is forgotten"))
        {
            self.0.owner_lost(cx, object);
        }
    }

    fn root_added(&self, cx: &Context, object: ObjectReference) {
        if !(self.caps().counts && mutant!(cx.memory(), "a local is not counted")) {
            self.0.root_added(cx, object);
        }
    }

    fn root_removed_deferred(&self, cx: &Context, object: ObjectReference) {
        if !(self.caps().counts && mutant!(cx.memory(), "a reassigned local counts twice")) {
            self.0.root_removed_deferred(cx, object);
        }
    }

    fn root_removed(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {
        let owns = self.caps().drops && !self.caps().counts;
        let is_borrow_dropped =
            !owned && owns && mutant!(cx.memory(), "a borrow that ends drops its object");
        self.0.root_removed(cx, object, owned || is_borrow_dropped);
    }

    fn process_parked(&mut self, cx: &mut Context) {
        self.0.process_parked(cx);
    }

    fn free(&mut self, cx: &mut Context, object: ObjectReference) {
        self.0.free(cx, object);
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.0.collect(cx, cause);
    }

    fn region_begin(&mut self, cx: &mut Context) -> u32 {
        self.0.region_begin(cx)
    }

    fn region_alloc(&mut self, cx: &mut Context, region: u32, layout: Layout) -> AllocResult {
        self.0.region_alloc(cx, region, layout)
    }

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        self.0.region_end(cx, region);
    }
}

impl<C: Collector> Inspect for Faulty<C> {
    const THRESHOLDS: &'static [Parameter] = C::THRESHOLDS;

    fn verify(&self, cx: &Context) -> Result<(), String> {
        self.0.verify(cx)
    }

    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        self.0.colour(object)
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        self.0.step(cx, step);
    }

    fn room(&self) -> Room {
        self.0.room()
    }

    fn threads(&self) -> u32 {
        self.0.threads()
    }
}
