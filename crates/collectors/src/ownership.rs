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
    Caps, Collector, Config, Context, Footprint, Heap, Layout, ObjectReference, ObjectSpace,
    Occupancy, OutOfMemory, REGION, Regions, Slots, Stack, Value, cascade, mutant,
};
use std::io;

/// Drops on scope exit, recursively, in a loop.
#[derive(Debug)]
pub struct Ownership {
    objects: ObjectSpace,
    regions: Regions,
    /// Owned objects whose owner is gone, to be dropped next.
    pending: Stack,
}

impl Collector for Ownership {
    const CAPS: Caps =
        Caps { drops: true, parks: true, regions: true, shared: false, ..Caps::NONE };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let objects = ObjectSpace::new(heap)?;
        Ok(Self { objects, regions: Regions::new(heap), pending: heap.queue()? })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self
                .objects
                .alloc_growing(layout, 0)
                .ok_or_else(|| self.objects.heap().refuse(layout)),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.pending.committed_bytes()).plus(self.regions.footprint())
    }

    fn occupied(&self) -> Occupancy {
        self.objects.occupied().plus(self.regions.occupied())
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object) || self.regions.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.objects.verify()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    #[inline(always)]
    fn orphan(&self, cx: &Context, object: ObjectReference) {
        cx.park(self.heap().memory(), object);
    }

    #[inline(always)]
    fn release(&mut self, cx: &mut Context, object: ObjectReference, owned: bool) {
        if owned || mutant!(self.heap().memory(), "a borrow that ends drops its object") {
            self.drop_tree(cx, object);
        }
    }

    #[inline(never)]
    fn reclaim(&mut self, cx: &mut Context) {
        // An orphan stays one: only a root can move into a slot, and no root refers to it.
        while let Some(object) = cx.unpark(self.objects.heap().memory()) {
            self.drop_tree(cx, object);
        }
    }

    fn region_begin(&mut self, _: &mut Context) -> u32 {
        self.regions.begin()
    }

    #[inline(always)]
    fn region_alloc(
        &mut self,
        _: &mut Context,
        region: u32,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        self.regions.alloc(region, layout, 0).ok_or_else(|| self.objects.heap().refuse(layout))
    }

    fn region_end(&mut self, cx: &mut Context, region: u32) {
        let forgets = mutant!(self.heap().memory(), "a region drops nothing outside");
        for owner in self.regions.owners(region).into_iter().skip(usize::from(forgets)) {
            let memory = self.objects.heap().memory();
            let owned = memory.slots(owner, Slots::Own).filter_map(Value::reference);
            let escapes = mutant!(memory, "a region's object is dropped as well");
            let children: Vec<_> =
                owned.filter(|&child| escapes || !memory.has(child, REGION)).collect();
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
