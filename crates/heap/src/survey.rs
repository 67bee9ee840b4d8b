//! An independent look at the object graph: what is reachable, and how many bytes that is.
//!
//! Not a collector: it has its own marks, is slow, and works under every discipline. It follows own
//! and shared slots only, for a borrow keeps nothing alive.

use crate::bitmap::Bitmap;
use crate::budget::Budget;
use crate::header::{Extent, Slots};
use crate::heap::Heap;
use crate::roots::RootStack;
use crate::stack::Stack;
use crate::value::ObjectReference;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

/// What a survey found.
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
    /// A survey that can be made again and again.
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

    /// Counts what can be reached from the roots through own and shared slots.
    pub fn reachable(&mut self, heap: &Heap, roots: &RootStack) -> Reachable {
        roots.iter().for_each(|root| self.pending.push(root.object.bits()));
        let memory = heap.memory();
        let mut found = Reachable::default();
        while let Some(object) = self.pending.pop().and_then(ObjectReference::from_bits) {
            if !self.marks.set(object) {
                continue;
            }
            self.visited.push(object);
            let extent = Extent::of(memory, object);
            found.objects += 1;
            found.bytes += extent.bytes();
            let mut pending = self.pending.top();
            for child in memory.slots(object, Slots::Strong) {
                pending.push_if(child.is_reference(), child.bits());
            }
        }
        for object in self.visited.drain(..) {
            self.marks.clear(object);
        }
        found
    }
}

/// A defect that [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defect {
    /// The object whose slot is wrong; `None` for a root.
    pub parent: Option<ObjectReference>,
    /// Number of the slot.
    pub slot: u32,
    /// What the slot holds.
    pub child: ObjectReference,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Walks the graph from the roots through own and shared slots: every object met must be allocated,
/// and no two own slots or roots may own the same object.
///
/// # Errors
/// The first [`Defect`] met.
pub fn verify(
    heap: &Heap,
    roots: &RootStack,
    is_allocated: impl Fn(ObjectReference) -> bool,
) -> Result<Reachable, Defect> {
    let memory = heap.memory();
    let mut found = Reachable::default();
    let mut owners: HashMap<ObjectReference, bool> = HashMap::new();
    let mut pending: Vec<(Option<ObjectReference>, u32, ObjectReference, bool)> =
        roots.iter().map(|root| (None, 0, root.object, root.owned)).collect();
    while let Some((parent, slot, child, owns)) = pending.pop() {
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
        for index in 0..extent.shared_end {
            let value = memory.read(child, extent.slot(index));
            if let Some(next) = ObjectReference::from_bits(value) {
                pending.push((Some(child), index, next, index < extent.own_end));
            }
        }
    }
    Ok(found)
}
