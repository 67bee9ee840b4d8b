//! Ownership: every object has one owner, a root or an own slot, and goes with it. `Box`.
//!
//! 1. *Drop* an object: take out what its own slots hold, free it, go on with what was taken out.
//!    What is recursive in Rust (and overflows the stack on a long list) is a loop over a stack of
//!    owned objects here, so any depth drops on any thread.
//! 2. A root is dropped when its scope ends; a slot's object when another is put in its place.
//!    That happens in an operation that may not reclaim, so the object is parked until the next one
//!    that may.
//! 3. A region owns the objects allocated in it and frees them at once; what they own outside is
//!    dropped first.
//!
//! No barrier: borrow slots are not followed, and may dangle if the program is wrong. Shared slots
//! need a region, for outside one nobody would drop what they hold. Cycles of own slots leak.

use heap::{
    Caps, Collector, Config, Context, Heap, Inspect, Layout, NoMarks, NonMovingSpace,
    ObjectReference, OutOfMemory, Parts, REGION, Regions, Slots, Stack, allocates_in_regions,
    cascade, mutant,
};
use std::io;

/// Drops on scope exit, recursively, in a loop.
#[derive(Debug)]
pub struct Ownership {
    objects: NonMovingSpace<NoMarks>,
    regions: Regions,
    /// Objects that lost their owner, to be dropped next.
    pending: Stack,
}

impl Collector for Ownership {
    const CAPS: Caps = Caps::OWNING;

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let objects = NonMovingSpace::new(heap)?;
        Ok(Self { objects, regions: Regions::new(heap), pending: heap.queue()? })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        self.objects.alloc_or_grow(layout, 0)
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.objects, &self.regions], self.pending.committed_bytes())
    }

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

    #[inline(never)]
    fn process_parked(&mut self, cx: &mut Context) {
        // Only a root can move into a slot, and no root refers to a parked object: it has no owner still.
        while let Some(object) = cx.unpark() {
            self.drop_tree(cx, object);
        }
    }

    allocates_in_regions!(regions);

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        for owner in self.regions.owners(region) {
            let memory = cx.memory();
            let is_outside = |&child: &ObjectReference| {
                mutant!(memory, "a region's object is dropped as well")
                    || !memory.has(child, REGION)
            };
            let children: Vec<_> =
                memory.children(owner, Slots::Own).filter(is_outside).collect();
            children.into_iter().for_each(|child| self.drop_tree(cx, child));
        }
        self.regions.end(cx, region);
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
