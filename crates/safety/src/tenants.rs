//! Who lives where: which object was allocated last over each byte of the heap.

use heap::{Layout, ObjectReference};
use std::collections::BTreeMap;

/// An object, by the number of its allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tenant {
    /// Where it lies.
    pub(crate) object: ObjectReference,
    /// Number of its allocation, from 1: two objects in one place differ in it.
    pub(crate) stamp: u64,
    /// Its layout.
    pub(crate) layout: Layout,
}

impl Tenant {
    /// The granule after its last one.
    fn end(&self) -> u32 {
        self.object.granule() + self.layout.bytes().div_ceil(heap::GRANULE_BYTES as u32)
    }
}

/// The latest tenant of every granule, alive or not.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    by_granule: BTreeMap<u32, Tenant>,
    latest: u64,
}

impl Tenants {
    /// An object moves in over whatever was there.
    pub(crate) fn move_in(&mut self, object: ObjectReference, layout: Layout) -> Tenant {
        self.latest += 1;
        let tenant = Tenant { object, stamp: self.latest, layout };
        self.place(tenant);
        tenant
    }

    /// An object moves; tells which one, if there is one.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) -> Option<u64> {
        let tenant = self.by_granule.remove(&from.granule())?;
        self.place(Tenant { object: to, ..tenant });
        Some(tenant.stamp)
    }

    /// Puts an object over whatever was there.
    fn place(&mut self, tenant: Tenant) {
        let (object, end) = (tenant.object, tenant.end());
        let start = object.granule();
        let first = self.of(object).map_or(start, |old| old.object.granule());
        let gone: Vec<u32> =
            self.by_granule.range(first..end).map(|(&granule, _)| granule).collect();
        gone.iter().for_each(|granule| {
            self.by_granule.remove(granule);
        });
        self.by_granule.insert(start, tenant);
    }

    /// The latest tenant of the granule that a reference leads to.
    pub(crate) fn of(&self, object: ObjectReference) -> Option<Tenant> {
        let (_, tenant) = self.by_granule.range(..=object.granule()).next_back()?;
        (object.granule() < tenant.end()).then_some(*tenant)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tenant> {
        self.by_granule.values()
    }

    /// How many ever moved in.
    pub(crate) fn count(&self) -> u64 {
        self.latest
    }
}
