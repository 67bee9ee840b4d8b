//! Ephemerons (Hayes, "Ephemerons: a new finalization mechanism", OOPSLA 1997): pairs of a key and a
//! value that is kept only as long as the key can be reached otherwise than through the value.
//!
//! An array of them is a table keyed by object identity: the entry of a key disappears when the key dies,
//! even if the value refers to the key. It holds keys and values alternately.
//!
//! A key may be reached only through the value of another ephemeron, and tables refer to tables. Scanning
//! all of them until nothing changes would take quadratic time on a chain. So an ephemeron whose key, or
//! whose array, has not been reached *waits* for it in a hash table and is scanned again when that object
//! is reached: each ephemeron a few times, for any order of dependencies.

use super::Places;
use super::slots::{WeakArrays, read};
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
    pub(super) arrays: WeakArrays,
    // Empty between collections.
    /// The waiting parts, each with the index of the next one that waits for the same object, or [`NONE`].
    waiting: Vec<(Part, u32)>,
    /// The index of the first part that waits for an object.
    first: HashMap<ObjectReference, u32>,
    /// The parts to be scanned.
    woken: Vec<Part>,
}

impl Ephemerons {
    /// Scans all of them. Returns whether there is a value to trace.
    pub(super) fn begin(
        &mut self,
        memory: Memory<'_>,
        place: &impl Places,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        self.woken.extend(self.arrays.iter().map(|array| Part { array, number: ALL }));
        self.advance(memory, place, reach)
    }

    /// Wakes the parts that wait for a reached object.
    #[inline]
    pub(super) fn object_reached(&mut self, memory: Memory<'_>, object: ObjectReference) {
        if self.first.is_empty() || mutant!(memory, "an ephemeron's late key is not noticed") {
            return;
        }
        let mut index = self.first.remove(&object).unwrap_or(NONE);
        while let Some(&(part, next)) = self.waiting.get(index as usize) {
            self.woken.push(part);
            index = next;
        }
    }

    /// Scans the woken parts. Returns whether there is a value to trace.
    pub(super) fn advance(
        &mut self,
        memory: Memory<'_>,
        place: &impl Places,
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
                any |= self.scan_pair(memory, body, Part { number, ..part }, place, reach);
            }
        }
        any
    }

    /// Scans an ephemeron whose array was reached. Returns whether its value is to be traced.
    fn scan_pair(
        &mut self,
        memory: Memory<'_>,
        body: ObjectReference,
        part: Part,
        place: &impl Places,
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
            // A collector that copies it at once does not report it again.
            self.object_reached(memory, value);
        }
        true
    }

    fn wait_for(&mut self, object: ObjectReference, part: Part) {
        let before = self.first.insert(object, self.waiting.len() as u32);
        self.waiting.push((part, before.unwrap_or(NONE)));
    }

    /// Clears every ephemeron whose key was not reached; also in unreached arrays, which may be
    /// resurrected.
    pub(super) fn clear(&self, memory: Memory<'_>, place: &impl Places) {
        for array in self.arrays.iter() {
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

    /// Discards all waiting parts.
    pub(super) fn finish(&mut self) {
        *self = Self { arrays: std::mem::take(&mut self.arrays), ..Self::default() };
    }

    /// Bytes of the tables; those of the hash table estimated from its load.
    pub(super) fn bytes(&self) -> u64 {
        let entries = self.first.capacity() * (size_of::<(ObjectReference, u32)>() + 1) * 8 / 7;
        let lists = self.waiting.capacity() * size_of::<(Part, u32)>()
            + self.woken.capacity() * size_of::<Part>();
        self.arrays.bytes() + (entries + lists) as u64
    }
}

/// Number of ephemerons in an array.
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
