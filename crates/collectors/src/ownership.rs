//! Ownership: every object has one owner, a root or an own slot, and is dropped with it. `Box`.
//!
//! 1. *Drop* an object: take the referents out of its own slots, free it, drop these referents. The
//!    recursion of Rust (which overflows the stack on a long list) is a loop over a stack of owned objects
//!    here, so any depth drops on any thread.
//! 2. *Owners end*: a root's object is dropped when its scope ends, a slot's object when the slot is
//!    overwritten. An overwrite may not reclaim, so the object is parked until the next operation that may.
//! 3. A region owns the objects allocated in it and frees them at once; objects outside that they own are
//!    dropped first.
//!
//! No barrier: borrow slots are not followed, and may dangle if the program is wrong. Shared slots need a
//! region, because outside one their referents would never be dropped. Cycles of own slots leak.

use heap::contract::*;
use heap::{
    NoMarks, NonMovingSpace, REGION, Regions, Stack, allocates_in_regions, cascade,
    freed_one_by_one,
};

/// Drops an object with its owner, recursively, in a loop.
#[derive(Debug)]
pub struct Ownership {
    objects: NonMovingSpace<NoMarks>,
    regions: Regions,
    /// Objects without an owner, to be dropped next.
    pending: Stack,
}

impl Collector for Ownership {
    const CAPS: Caps = Caps::OWNING;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let objects = NonMovingSpace::new(heap)?;
        Ok(Self { objects, regions: Regions::new(heap), pending: heap.queue()? })
    }

    freed_one_by_one!(objects; pending; regions);

    #[inline(always)]
    fn owner_lost(&self, cx: &Context, object: ObjectReference) {
        cx.park(object);
    }

    #[inline(always)]
    fn root_removed(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {
        if owned {
            self.drop_tree(cx, object);
        }
    }

    #[inline]
    fn process_parked(&mut self, cx: &mut Context) {
        // Only a root can move into a slot, and no root refers to a parked object: it still has no owner.
        while let Some(object) = cx.unpark() {
            self.drop_tree(cx, object);
        }
    }

    allocates_in_regions!(regions);

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        for owner in self.regions.owners(region) {
            let memory = cx.memory();
            let drops_inside = mutant!(memory, "a region's object is dropped as well");
            let is_outside = |&child: &ObjectReference| drops_inside || !memory.has(child, REGION);
            let children: Vec<_> = memory.children(owner, Slots::Own).filter(is_outside).collect();
            children.into_iter().for_each(|child| self.drop_tree(cx, child));
        }
        self.regions.end(region);
    }
}

impl Ownership {
    /// Drops an object and everything it owns.
    #[inline(never)]
    fn drop_tree(&mut self, cx: &mut Context, root: ObjectReference) {
        let Self { objects, pending, .. } = self;
        cascade(objects, pending, &mut cx.log, root, Slots::Own, |_, _| true);
    }
}

impl Inspect for Ownership {}
