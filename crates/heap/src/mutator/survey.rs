//! An independent survey of the object graph: the reachable objects and their bytes.
//!
//! Not a collector: it has its own marks, is slow, and works under every discipline. It follows own
//! and shared slots only, for a borrow keeps nothing alive; and an ephemeron's value, once its key is
//! found.

use crate::blocks::bitmap::Bitmap;
use crate::blocks::heap::Heap;
use crate::context::roots::RootStack;
use crate::memory::Memory;
use crate::memory::budget::Budget;
use crate::memory::stack::Stack;
use crate::memory::value::{ObjectReference, Value};
use crate::object::header::{Extent, SlotKind, Slots};
use crate::object::shape::Slot;
use crate::space::IsAllocated;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

/// The result of a survey.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reachable {
    /// Number of reachable objects.
    pub objects: u64,
    /// Their bytes, headers included, before rounding to cells.
    pub bytes: u64,
}

/// Marks and a stack of its own, charged to no heap.
#[derive(Debug)]
pub struct Survey {
    marks: Bitmap,
    pending: Stack,
    visited: Vec<ObjectReference>,
}

impl Survey {
    /// A survey that can be repeated.
    ///
    /// # Errors
    /// If the operating system refuses address space.
    pub fn new() -> io::Result<Self> {
        let budget = Arc::new(Budget::new(u64::MAX));
        Ok(Self {
            marks: Bitmap::new(Arc::clone(&budget))?,
            pending: Stack::new(budget, true)?,
            visited: Vec::new(),
        })
    }

    /// Counts the objects reachable from the roots through own and shared slots.
    pub fn reachable(&mut self, heap: &Heap, roots: &RootStack) -> Reachable {
        roots.iter().for_each(|root| self.pending.push(root.object.bits()));
        let memory = heap.memory();
        let mut found = Reachable::default();
        let mut tables = Vec::new();
        while !self.pending.is_empty() {
            self.follow(memory, &mut found, &mut tables);
            let is_found = |object| self.marks.test(object);
            for (_, _, value) in values_of(memory, &tables, is_found) {
                self.pending.push_object(value);
            }
        }
        for object in self.visited.drain(..) {
            self.marks.clear(object);
        }
        found
    }

    /// Follows own and shared slots; adds arrays of ephemerons to `tables`.
    fn follow(
        &mut self,
        memory: Memory<'_>,
        found: &mut Reachable,
        tables: &mut Vec<ObjectReference>,
    ) {
        while let Some(object) = self.pending.pop_object() {
            if !self.marks.set(object) {
                continue;
            }
            self.visited.push(object);
            let extent = Extent::of(memory, object);
            found.objects += 1;
            found.bytes += extent.bytes();
            tables.extend(has_ephemerons(extent).then_some(object));
            let mut pending = self.pending.top();
            for child in memory.slots(object, Slots::Strong) {
                pending.push_if(child.is_reference(), child.bits());
            }
        }
    }
}

fn has_ephemerons(extent: Extent) -> bool {
    extent.slots > extent.borrow_end && extent.weak_kind == SlotKind::Ephemeral
}

/// Values, not found yet, of ephemerons in these arrays whose keys have been found: each with its array
/// and its slot.
fn values_of(
    memory: Memory<'_>,
    tables: &[ObjectReference],
    is_found: impl Fn(ObjectReference) -> bool,
) -> Vec<(ObjectReference, u32, ObjectReference)> {
    let ephemerons = tables
        .iter()
        .flat_map(|&table| (0..Extent::of(memory, table).slots / 2).map(move |n| (table, n)));
    let values = ephemerons.filter_map(|(table, number)| {
        let read = |slot: Slot<_>| Value::from_bits(memory.read(table, slot.offset())).referent();
        let (key, value) = (read(Slot::key(number))?, read(Slot::value(number))?);
        (is_found(key) && !is_found(value)).then_some((table, 2 * number + 1, value))
    });
    values.collect()
}

/// A defect that [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defect {
    /// The object whose slot is wrong; `None` for a root.
    pub parent: Option<ObjectReference>,
    /// Number of the slot.
    pub slot: u32,
    /// The referent of the slot.
    pub child: ObjectReference,
    /// The defect, in words.
    pub what: &'static str,
}

/// Walks the graph from the roots through own and shared slots: every object reached must be allocated,
/// and no two own slots or roots may own the same object.
///
/// # Errors
/// The first [`Defect`] found.
pub fn verify(
    heap: &Heap,
    roots: &RootStack,
    is_allocated: impl IsAllocated,
) -> Result<Reachable, Defect> {
    let memory = heap.memory();
    let mut found = Reachable::default();
    let mut owners: HashMap<ObjectReference, bool> = HashMap::new();
    let mut pending: Vec<(Option<ObjectReference>, u32, ObjectReference, bool)> =
        roots.iter().map(|root| (None, 0, root.object, root.owned)).collect();
    let mut tables = Vec::new();
    loop {
        let Some((parent, slot, child, owns)) = pending.pop() else {
            let values = values_of(memory, &tables, |object| owners.contains_key(&object));
            pending
                .extend(values.into_iter().map(|(t, slot, value)| (Some(t), slot, value, false)));
            if pending.is_empty() {
                break;
            }
            continue;
        };
        let defect = |what| Err(Defect { parent, slot, child, what });
        if !is_allocated(child) {
            return defect("refers to memory that is not allocated to an object");
        }
        match owners.entry(child) {
            Entry::Occupied(entry) if *entry.get() && owns => return defect("has a second owner"),
            Entry::Occupied(mut entry) => {
                *entry.get_mut() |= owns;
                continue;
            }
            Entry::Vacant(entry) => {
                entry.insert(owns);
            }
        }
        let extent = Extent::of(memory, child);
        found.objects += 1;
        found.bytes += extent.bytes();
        tables.extend(has_ephemerons(extent).then_some(child));
        for index in 0..extent.shared_end {
            let value = memory.read(child, extent.slot(index));
            if let Some(next) = ObjectReference::from_bits(value) {
                pending.push((Some(child), index, next, index < extent.own_end));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
