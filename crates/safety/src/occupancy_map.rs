//! The object allocated last over each byte of the heap.

use heap::{GRANULE_BYTES, Layout, ObjectReference};
use std::collections::BTreeMap;

/// The extent of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Occupant {
    pub(crate) object: ObjectReference,
    pub(crate) layout: Layout,
}

impl Occupant {
    /// The granule after its last one.
    fn end(&self) -> u32 {
        self.object.granule() + self.layout.bytes().div_ceil(GRANULE_BYTES as u32)
    }
}

/// The latest occupant of every granule, live or dead.
#[derive(Debug, Default)]
pub(crate) struct OccupancyMap {
    by_granule: BTreeMap<u32, Occupant>,
}

impl OccupancyMap {
    /// Places an object and removes all occupants that it overlaps.
    pub(crate) fn place(&mut self, occupant: Occupant) {
        let (object, end) = (occupant.object, occupant.end());
        let start = object.granule();
        let first = self.at(object).map_or(start, |old| old.object.granule());
        let overlapped: Vec<u32> =
            self.by_granule.range(first..end).map(|(&granule, _)| granule).collect();
        overlapped.iter().for_each(|granule| {
            self.by_granule.remove(granule);
        });
        self.by_granule.insert(start, occupant);
    }

    /// An object has moved.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(occupant) = self.by_granule.remove(&from.granule()) {
            self.place(Occupant { object: to, ..occupant });
        }
    }

    /// The latest occupant of the granule that a reference addresses.
    pub(crate) fn at(&self, object: ObjectReference) -> Option<Occupant> {
        let (_, occupant) = self.by_granule.range(..=object.granule()).next_back()?;
        (object.granule() < occupant.end()).then_some(*occupant)
    }

    /// All occupants, by address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Occupant> {
        self.by_granule.values()
    }
}
