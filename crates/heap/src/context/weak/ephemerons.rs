//! Ephemerons (Hayes, "Ephemerons: a new finalization mechanism", OOPSLA 1997): pairs of a key and a
//! value that is kept only as long as the key can be reached otherwise than through the value.
//!
//! An array of them is a table in which an object is looked up by its identity and forgotten when it
//! dies, although what is known of it may refer to it. It holds keys and values in turn.
//!
//! Whether a key is reached may depend on the value of another ephemeron, and so on, and tables refer
//! to tables. To look at all of them again until nothing changes would take quadratic time on a chain.
//! So one whose key, or whose array, has not been reached *waits* for it in a hash table, and is looked
//! at again when that object is met: each ephemeron a few times, whatever depends on what.

use super::slots::{follow, read};
use crate::memory::Memory;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::object::header::Extent;
use crate::object::shape::Slot;
use std::collections::HashMap;

/// Stands for all ephemerons of an array.
const ALL: u32 = u32::MAX;
/// The end of a list.
const NONE: u32 = u32::MAX;

/// One ephemeron of an array, by its number, or [`ALL`].
#[derive(Clone, Copy, Debug)]
struct Part {
    array: ObjectReference,
    number: u32,
}

/// All arrays of ephemerons.
#[derive(Debug, Default)]
pub(super) struct Ephemerons {
    arrays: Vec<ObjectReference>,
    // Empty between collections.
    /// What waits, and the place of the next that waits for the same object, or [`NONE`].
    waiting: Vec<(Part, u32)>,
    /// The place of the first that waits for an object.
    first: HashMap<ObjectReference, u32>,
    /// What is to be looked at.
    woken: Vec<Part>,
}

impl Ephemerons {
    pub(super) fn register(&mut self, array: ObjectReference) {
        self.arrays.push(array);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }

    /// Looks at all of them. Tells whether there is a value to be traced.
    pub(super) fn begin(
        &mut self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        self.woken.extend(self.arrays.iter().map(|&array| Part { array, number: ALL }));
        self.advance(memory, place, reach)
    }

    /// An object was reached: wakes what waits for it.
    #[inline]
    pub(super) fn object_reached(&mut self, memory: Memory<'_>, object: ObjectReference) {
        if self.first.is_empty() || mutant!(memory, "an ephemeron's late key is not noticed") {
            return;
        }
        let mut place = self.first.remove(&object).unwrap_or(NONE);
        while let Some(&(part, next)) = self.waiting.get(place as usize) {
            self.woken.push(part);
            place = next;
        }
    }

    /// Looks at those that were woken. Tells whether there is a value to be traced.
    pub(super) fn advance(
        &mut self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        let mut any = false;
        while let Some(part) = self.woken.pop() {
            let Some(body) = place(part.array) else {
                self.wait_for(part.array, part);
                continue;
            };
            let numbers = match part.number {
                ALL => 0..count(memory, body),
                number => number..number + 1,
            };
            for number in numbers {
                any |= self.look_at(memory, body, Part { number, ..part }, place, reach);
            }
        }
        any
    }

    /// Looks at an ephemeron whose array was reached. Tells whether its value is to be traced.
    fn look_at(
        &mut self,
        memory: Memory<'_>,
        body: ObjectReference,
        part: Part,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        let [key, value] = read_pair(memory, body, part.number);
        let Some(key) = key else { return false };
        if place(key).is_none() && !mutant!(memory, "an ephemeron keeps its key's value") {
            self.wait_for(key, part);
            return false;
        }
        let Some(value) = value.filter(|&value| place(value).is_none()) else { return false };
        reach(value);
        if place(value).is_some() {
            // A collector that copies it at once does not meet it again.
            self.object_reached(memory, value);
        }
        true
    }

    fn wait_for(&mut self, object: ObjectReference, part: Part) {
        let before = self.first.insert(object, self.waiting.len() as u32);
        self.waiting.push((part, before.unwrap_or(NONE)));
    }

    /// Clears every ephemeron whose key was not reached; in arrays that were not reached either as
    /// well, for they may be resurrected.
    pub(super) fn clear(
        &self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
    ) {
        for &array in &self.arrays {
            let body = place(array).unwrap_or(array);
            for number in 0..count(memory, body) {
                let [key, _] = read_pair(memory, body, number);
                if key.is_none_or(|key| place(key).is_none()) {
                    memory.write(body, Slot::key(number).offset(), 0);
                    if !mutant!(memory, "a dead key's value is not cleared") {
                        memory.write(body, Slot::value(number).offset(), 0);
                    }
                }
            }
        }
    }

    /// Nothing waits any more.
    pub(super) fn finish(&mut self) {
        *self = Self { arrays: std::mem::take(&mut self.arrays), ..Self::default() };
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

    /// Bytes held; those of the hash table by an estimate of its load.
    pub(super) fn bytes(&self) -> u64 {
        let entries = self.first.capacity() * (size_of::<(ObjectReference, u32)>() + 1) * 8 / 7;
        let lists = self.arrays.capacity() * size_of::<ObjectReference>()
            + self.waiting.capacity() * size_of::<(Part, u32)>()
            + self.woken.capacity() * size_of::<Part>();
        (entries + lists) as u64
    }
}

/// How many ephemerons an array has.
fn count(memory: Memory<'_>, array: ObjectReference) -> u32 {
    Extent::of(memory, array).slots / 2
}

/// Key and value of an ephemeron.
fn read_pair(
    memory: Memory<'_>,
    array: ObjectReference,
    number: u32,
) -> [Option<ObjectReference>; 2] {
    [Slot::key(number), Slot::value(number)].map(|slot| read(memory, array, slot.offset()))
}
