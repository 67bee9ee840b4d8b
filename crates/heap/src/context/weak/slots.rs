//! Arrays of weak slots: a slot keeps nothing alive, and reads as null once its referent is dead.

use crate::memory::value::{ObjectReference, Value};
use crate::memory::{Memory, Offset32};
use crate::mutant;
use crate::object::header::Extent;

/// All arrays of weak slots.
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

    /// Clears every slot whose referent was not reached; in arrays that were not reached either as well,
    /// for they may be resurrected.
    pub(super) fn clear(
        &self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
    ) {
        if mutant!(memory, "a weak slot is not cleared") {
            return;
        }
        let live_too = mutant!(memory, "a weak slot of a live object is cleared");
        for &array in &self.arrays {
            let body = place(array).unwrap_or(array);
            for (at, referent) in filled(memory, body) {
                if place(referent).is_none() || live_too {
                    memory.write(body, at, 0);
                }
            }
        }
    }

    /// Forgets arrays that died, and follows those that moved; see [`super::ReferenceProcessor`].
    pub(super) fn update(
        &mut self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        body: &impl Fn(ObjectReference, ObjectReference) -> ObjectReference,
    ) {
        self.arrays.retain_mut(|array| {
            let old = *array;
            let Some(new) = place(old) else { return false };
            *array = new;
            follow(memory, body(old, new), place);
            true
        });
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        (self.arrays.capacity() * size_of::<ObjectReference>()) as u64
    }
}

/// The hidden slots of an array that are not null, with their referents.
pub(super) fn filled(
    memory: Memory<'_>,
    array: ObjectReference,
) -> impl Iterator<Item = (Offset32, ObjectReference)> {
    let extent = Extent::of(memory, array);
    let slots = (extent.borrow_end..extent.slots).map(move |index| extent.slot(index));
    slots.filter_map(move |at| Some((at, read(memory, array, at)?)))
}

/// What a hidden slot refers to.
pub(super) fn read(
    memory: Memory<'_>,
    array: ObjectReference,
    at: Offset32,
) -> Option<ObjectReference> {
    Value::from_bits(memory.read(array, at)).referent()
}

/// Makes the hidden slots of an array refer to where their referents are now.
pub(super) fn follow(
    memory: Memory<'_>,
    array: ObjectReference,
    place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
) {
    for (at, referent) in filled(memory, array) {
        if let Some(new) = place(referent)
            && new != referent
            && !mutant!(memory, "a weak slot is not updated")
        {
            memory.write(array, at, new.bits());
        }
    }
}
