//! The cascade: frees an object and every object that only it kept alive.
//!
//! A recursive drop or decrement as a loop: a list of ten million nodes is freed on any thread's
//! stack. Ownership follows every own slot, counting follows references whose count reaches zero;
//! they differ in nothing else. It is among the hottest loops of the workbench: its state is kept in
//! registers, and neighbouring cells are freed together.

use crate::context::events::EventLog;
use crate::memory::Memory;
use crate::memory::stack::{Stack, Top};
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::object::header::Slots;
use crate::space::cells::{Batch, NoMarks};
use crate::space::non_moving::NonMovingSpace;
use std::sync::atomic::Ordering::Relaxed;

/// Frees `root`, then every object in the selected slots of a freed object that `follow` accepts.
/// `pending` must be empty, and is empty again afterwards.
///
/// In the pause pass it is recorded as a pause.
#[inline(always)]
pub fn cascade(
    objects: &mut NonMovingSpace<NoMarks>,
    pending: &mut Stack,
    log: &mut EventLog,
    root: ObjectReference,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
) {
    log.begin_cascade();
    run::<false>(objects, pending, root, 0, slots, follow, |_| ());
    log.end_cascade();
}

/// Frees at most `max_objects` objects, beginning with those that are `pending`: the others stay
/// pending. Returns the number freed.
///
/// It records no pause, for it is a part of one.
#[inline(always)]
pub fn cascade_pending(
    objects: &mut NonMovingSpace<NoMarks>,
    pending: &mut Stack,
    max_objects: u32,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
) -> u32 {
    let mut freed = 0;
    if let Some(root) = pending.pop_object() {
        run::<true>(objects, pending, root, max_objects, slots, follow, |more| freed += more);
    }
    freed
}

/// The loop of both; `max_objects` applies if `BOUNDED`. Calls `freed` with the size of each batch.
#[inline(always)]
fn run<const BOUNDED: bool>(
    objects: &mut NonMovingSpace<NoMarks>,
    pending: &mut Stack,
    root: ObjectReference,
    max_objects: u32,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
    mut freed: impl FnMut(u32),
) {
    let (memory, mut space) = objects.split();
    let mut batch = Batch::of(root);
    let mut pending = pending.top();
    let mut next = Some(root);
    let mut left = max_objects;
    while let Some(object) = next {
        next = None;
        if let Some(children) = memory.two_slots(object, slots) {
            let followed =
                |child: Value| child.referent_in(slots).filter(|&child| follow(memory, child));
            let (first, second) = (followed(children[0]), followed(children[1]));
            next = second.or(first);
            if let (Some(first), Some(_)) = (first, second) {
                memory.prefetch(first);
                if !mutant!(memory, "a cascade loses the first of two") {
                    pending.push_object(first);
                }
            }
        } else if let Some(children) = memory.ordinary_slots(object, slots, Relaxed) {
            for child in children {
                if let Some(child) = child.referent_in(slots)
                    && follow(memory, child)
                    && let Some(other) = next.replace(child)
                {
                    memory.prefetch(other);
                    if !mutant!(memory, "a cascade loses the second child") {
                        pending.push_object(other);
                    }
                }
            }
        } else {
            pending = push_extended(memory, object, slots, &follow, pending);
        }
        if !batch.add(object) {
            if !mutant!(memory, "a cascade loses a batch") {
                freed(space.free_batch(batch));
            }
            batch = Batch::of(object);
        }
        if BOUNDED {
            left = left.saturating_sub(1);
            if left == 0 {
                next.into_iter().for_each(|next| pending.push_object(next));
                break;
            }
        }
        next = next.or_else(|| pending.pop_object());
    }
    freed(space.free_batch(batch));
}

/// The same for an array or an object with the long header. The top of the stack is passed by value,
/// so that it need not live in memory for this rare case.
#[cold]
#[inline(never)]
fn push_extended<'s>(
    memory: Memory<'_>,
    object: ObjectReference,
    slots: Slots,
    follow: impl Fn(Memory<'_>, ObjectReference) -> bool,
    mut pending: Top<'s>,
) -> Top<'s> {
    let scanned = if mutant!(memory, "a cascade sees half of an array") { 4 } else { usize::MAX };
    for child in memory.slots(object, slots).take(scanned).filter_map(Value::reference) {
        if follow(memory, child) {
            pending.push_object(child);
        }
    }
    pending
}

#[cfg(test)]
mod tests;
