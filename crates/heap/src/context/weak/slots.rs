//! Arrays of weak slots: a slot keeps nothing alive, and reads as null once its referent is dead.

use super::Places;
use crate::memory::value::{ObjectReference, Value};
use crate::memory::{Memory, Offset32};
use crate::mutant;
use crate::object::header::Extent;

/// All arrays of weak slots, or of ephemerons.
#[derive(Debug, Default)]
pub(super) struct WeakArrays {
    arrays: Vec<ObjectReference>,
}

impl WeakArrays {
    pub(super) fn register(&mut self, array: ObjectReference) {
        self.arrays.push(array);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ObjectReference> {
        self.arrays.iter().copied()
    }

    /// Clears every slot whose referent was not reached; also in unreached arrays, which may be
    /// resurrected.
    pub(super) fn clear(&self, memory: Memory<'_>, place: &impl Places) {
        if mutant!(memory, "a weak slot is not cleared") {
            return;
        }
        let live_too = mutant!(memory, "a weak slot of a live object is cleared");
        for array in self.iter() {
            let body = place(array).unwrap_or(array);
            for (at, referent) in filled(memory, body) {
                if place(referent).is_none() || live_too {
                    memory.write(body, at, 0);
                }
            }
        }
    }

    /// Removes dead arrays and updates references; see [`super::ReferenceProcessor`].
    pub(super) fn update(
        &mut self,
        memory: Memory<'_>,
        place: &impl Places,
        body: &impl Fn(ObjectReference, ObjectReference) -> ObjectReference,
    ) {
        self.arrays.retain_mut(|array| {
            let old = *array;
            let Some(new) = place(old) else { return false };
            *array = new;
            update_referents(memory, body(old, new), place);
            true
        });
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> u64 {
        (self.arrays.capacity() * size_of::<ObjectReference>()) as u64
    }
}

/// The weak or ephemeral slots of an array that are not null, with their referents.
fn filled(
    memory: Memory<'_>,
    array: ObjectReference,
) -> impl Iterator<Item = (Offset32, ObjectReference)> {
    let extent = Extent::of(memory, array);
    let slots = (extent.borrow_end..extent.slots).map(move |index| extent.slot(index));
    slots.filter_map(move |at| Some((at, read(memory, array, at)?)))
}

/// The referent of a weak or ephemeral slot.
pub(super) fn read(
    memory: Memory<'_>,
    array: ObjectReference,
    at: Offset32,
) -> Option<ObjectReference> {
    Value::from_bits(memory.read(array, at)).referent()
}

/// Updates the weak or ephemeral slots of an array to the new places of their referents.
fn update_referents(memory: Memory<'_>, array: ObjectReference, place: &impl Places) {
    for (at, referent) in filled(memory, array) {
        if let Some(new) = place(referent)
            && new != referent
            && !mutant!(memory, "a weak slot is not updated")
        {
            memory.write(array, at, new.bits());
        }
    }
}
