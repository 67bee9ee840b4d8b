//! The object that each reference of the program means.
//!
//! Every object has a stamp. A slot, a root and the program's own copy of a reference keep the stamp
//! of the object that they were given, so a reference to a dead object is recognised even after its
//! memory has been reused. A stale access is one of these:
//!
//! | the memory | a read | a write or a free |
//! | --- | --- | --- |
//! | is free and not reused since | benign | benign |
//! | holds the stale bytes of another object | a wrong value | benign |
//! | holds another live object | a wrong value | corrupts that object |
//! | was returned to the system | the program faults | the program faults |

use crate::occupancy_map::{OccupancyMap, Occupant};
use heap::{Heap, Layout, ObjectReference, Offset32, StampTable};
use std::cell::RefCell;
use std::collections::HashMap;

/// An access through a reference whose object is dead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stale {
    /// The memory has been returned to the system.
    Unmapped,
    /// The memory has not been reused.
    Free,
    /// The memory has been reused, by the object with this stamp if that is live.
    Reused(Option<u64>),
}

/// Stamps and extents of all objects.
#[derive(Debug, Default)]
pub(crate) struct ReferenceTracker {
    occupancy: OccupancyMap,
    stamps: StampTable,
    /// The address of each object, or its last one, by stamp.
    addresses: HashMap<u64, ObjectReference>,
    /// Stamp of the object that the program last meant by a reference.
    meant: RefCell<HashMap<ObjectReference, u64>>,
}

impl ReferenceTracker {
    pub(crate) fn allocated(&mut self, object: ObjectReference, layout: Layout) {
        self.occupancy.place(Occupant { object, layout });
        let stamp = self.stamps.allocated(object);
        self.addresses.insert(stamp, object);
        self.meant.get_mut().insert(object, stamp);
    }

    pub(crate) fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        self.occupancy.relocate(from, to);
        self.stamps.moved(from, to);
        self.addresses.insert(self.stamps.object(to), to);
        let meant = self.meant.get_mut();
        match meant.remove(&from) {
            Some(stamp) => meant.insert(to, stamp),
            None => meant.remove(&to),
        };
    }

    /// Objects allocated.
    pub(crate) fn objects(&self) -> u64 {
        self.stamps.latest()
    }

    /// The latest occupant of an address.
    pub(crate) fn occupant(&self, object: ObjectReference) -> Option<Occupant> {
        self.occupancy.at(object)
    }

    /// The occupant of an address, if it is the object with this stamp.
    pub(crate) fn current(&self, object: ObjectReference, stamp: u64) -> Option<Occupant> {
        self.occupant(object).filter(|occupant| self.stamps.object(occupant.object) == stamp)
    }

    /// The latest occupants of all memory.
    pub(crate) fn occupants(&self) -> impl Iterator<Item = &Occupant> {
        self.occupancy.iter()
    }

    /// Stamp of the object that the program means by this reference.
    pub(crate) fn meant(&self, object: ObjectReference) -> u64 {
        let meant = self.meant.borrow().get(&object).copied();
        meant.unwrap_or_else(|| {
            let occupant = self.occupant(object);
            occupant.map_or(StampTable::NONE, |occupant| self.stamps.object(occupant.object))
        })
    }

    /// A slot was filled. Returns the stamp of `child`.
    pub(crate) fn stored(
        &self,
        parent: ObjectReference,
        at: Offset32,
        child: ObjectReference,
    ) -> u64 {
        let stamp = self.meant(child);
        self.stamps.set_slot(parent, at, stamp);
        stamp
    }

    /// The program takes a reference from a slot.
    pub(crate) fn loaded(&self, parent: ObjectReference, at: Offset32, child: ObjectReference) {
        // Other bits than the stored ones mean no object. The slot of an object that moved is
        // updated by the collector.
        let is_stored = |stamp: &u64| self.addresses.get(stamp) == Some(&child);
        let stamp = self.stamps.slot(parent, at).filter(is_stored).unwrap_or(StampTable::NONE);
        self.meant.borrow_mut().insert(child, stamp);
    }

    pub(crate) fn rooted(&self, index: u32, object: ObjectReference) {
        self.stamps.set_root(index, self.meant(object));
    }

    /// The program takes a reference from a root.
    pub(crate) fn root_read(&self, index: u32, object: ObjectReference) {
        if let Some(stamp) = self.stamps.root(index) {
            self.meant.borrow_mut().insert(object, stamp);
        }
    }

    /// Classifies an access through a reference to the object with this stamp; `None` if that object
    /// is there and live.
    pub(crate) fn stale(
        &self,
        heap: &Heap,
        object: ObjectReference,
        stamp: u64,
        allocated: impl Fn(ObjectReference) -> bool,
    ) -> Option<Stale> {
        let occupant = self.occupant(object);
        let is_live = occupant.is_some_and(|occupant| allocated(occupant.object));
        let there = occupant.map(|occupant| self.stamps.object(occupant.object));
        let is_meant = there == Some(stamp);
        match (is_meant, is_live) {
            (true, true) => None,
            _ if !heap.is_committed(object) => Some(Stale::Unmapped),
            (true, false) => Some(Stale::Free),
            (false, _) => Some(Stale::Reused(there.filter(|_| is_live))),
        }
    }
}
