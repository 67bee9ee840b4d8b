//! Who lives where: which object was allocated last over each byte of the heap.

use heap::{Layout, ObjectReference};
use std::collections::BTreeMap;

/// The extent of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tenant {
    pub(crate) object: ObjectReference,
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
}

impl Tenants {
    /// An object moves.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(tenant) = self.by_granule.remove(&from.granule()) {
            self.place(Tenant { object: to, ..tenant });
        }
    }

    /// Puts an object over all that it overlaps.
    pub(crate) fn place(&mut self, tenant: Tenant) {
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
}
