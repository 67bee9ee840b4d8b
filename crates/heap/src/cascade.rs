//! The cascade: reclaiming an object and, after it, whatever only it kept.
//!
//! What a recursive drop or decrement does, as a loop: a list of ten million nodes is reclaimed on
//! any thread's stack. Ownership follows every own slot, counting follows those whose count reaches
//! zero; they differ in nothing else. It is among the hottest loops of the workbench: what it needs
//! is kept in registers, and cells that lie together are freed together.

use crate::cells::Batch;
use crate::events::{CascadeClock, EventLog};
use crate::header::Slots;
use crate::memory::Memory;
use crate::object_space::ObjectSpace;
use crate::stack::{Stack, Top};
use crate::value::{ObjectReference, Value};

/// Frees `root`, then every object found in the selected slots of a freed object for which `follow`
/// says that it goes too. `pending` must be empty, and is again afterwards.
///
/// The cascade is recorded as a pause if it was long enough to be one.
#[inline(always)]
pub fn cascade(
    objects: &mut ObjectSpace,
    pending: &mut Stack,
    log: &mut EventLog,
    root: ObjectReference,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
) {
    let (memory, mut space) = objects.split();
    let mut clock = CascadeClock::default();
    let mut freed = Batch::of(root);
    let mut pending = pending.top();
    let mut next = Some(root);
    while let Some(object) = next {
        next = None;
        if let Some(children) = memory.ordinary_slots(object, slots) {
            for child in children {
                if let Some(child) = child.referent_in(slots)
                    && follow(memory, child)
                    && let Some(other) = next.replace(child)
                {
                    memory.prefetch(other);
                    pending.push(other.bits());
                }
            }
        } else {
            pending = push_extended(memory, object, slots, &follow, pending);
        }
        if !freed.add(object) {
            clock.tick(space.free_batch(freed));
            freed = Batch::of(object);
        }
        next = next.or_else(|| pending.pop().and_then(ObjectReference::from_bits));
    }
    clock.tick(space.free_batch(freed));
    log.end_cascade(clock);
}

/// The same for an array or an object with the long header. The top of the stack goes through by
/// value, so that it need not live in memory for the sake of this rare case.
#[cold]
#[inline(never)]
fn push_extended<'s>(
    memory: Memory<'_>,
    object: ObjectReference,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
    mut pending: Top<'s>,
) -> Top<'s> {
    for child in memory.slots(object, slots).filter_map(Value::reference) {
        if follow(memory, child) {
            pending.push(child.bits());
        }
    }
    pending
}
