//! The stamp table: the object at each address, and the object that each slot and root was given.
//!
//! A stamp is the number of an allocation, so two objects at one address differ in it. A probe that
//! compares the stamp of a reference with that of its address finds a stale reference even after
//! the memory has been reused.

use crate::memory::Offset32;
use crate::memory::value::ObjectReference;
use std::cell::RefCell;
use std::collections::HashMap;

/// Stamps of objects, slots and roots, keyed by address, slot offset and root index.
#[derive(Debug, Default)]
pub struct StampTable {
    latest: u64,
    objects: RefCell<HashMap<ObjectReference, Stamped>>,
    roots: RefCell<HashMap<u32, u64>>,
}

/// The entry of an address; it moves with the object.
#[derive(Debug, Default)]
struct Stamped {
    stamp: u64,
    /// Stamps of the references stored in its slots.
    slots: HashMap<Offset32, u64>,
}

impl StampTable {
    /// Stamp of an address where nothing was allocated.
    pub const NONE: u64 = 0;

    /// Stamps a new object. Stamps count from 1.
    pub fn allocated(&mut self, object: ObjectReference) -> u64 {
        self.latest += 1;
        self.objects.get_mut().entry(object).or_default().stamp = self.latest;
        self.latest
    }

    /// Moves the entry of an object to its new address.
    pub fn moved(&mut self, from: ObjectReference, to: ObjectReference) {
        let objects = self.objects.get_mut();
        let stamped = objects.remove(&from).unwrap_or_default();
        objects.insert(to, stamped);
    }

    /// Objects stamped so far.
    pub fn latest(&self) -> u64 {
        self.latest
    }

    /// Stamp of the object allocated last at this address.
    pub fn object(&self, object: ObjectReference) -> u64 {
        self.objects.borrow().get(&object).map_or(Self::NONE, |stamped| stamped.stamp)
    }

    /// Stamp of the reference stored last in a slot.
    pub fn slot(&self, object: ObjectReference, at: Offset32) -> Option<u64> {
        self.objects.borrow().get(&object)?.slots.get(&at).copied()
    }

    /// A slot was filled with a reference to the object with this stamp.
    pub fn set_slot(&self, object: ObjectReference, at: Offset32, stamp: u64) {
        self.objects.borrow_mut().entry(object).or_default().slots.insert(at, stamp);
    }

    /// Stamp of the object that a root was last given.
    pub fn root(&self, index: u32) -> Option<u64> {
        self.roots.borrow().get(&index).copied()
    }

    /// A root was given the object with this stamp.
    pub fn set_root(&self, index: u32, stamp: u64) {
        self.roots.borrow_mut().insert(index, stamp);
    }
}
