//! Manual memory management: `malloc` and `free`, where the author says.
//!
//! 1. *Free* an object: a hand-written destructor, which frees the tree below it through own slots.
//!    Coded as a loop, like [`crate::Ownership`].
//! 2. Nothing else frees: a root that goes out of scope, a slot that is overwritten, a shared or
//!    borrow slot are the author's business. What is forgotten leaks; what is freed too early is
//!    used after free; what is freed twice may by then be somebody else's object.
//! 3. Regions are arenas that the author frees as a whole.
//!
//! No barrier.

use heap::{
    Caps, Collector, Config, Context, Footprint, Heap, Layout, Memory, ObjectReference,
    ObjectSpace, Occupancy, OutOfMemory, Regions, Slots, Stack, cascade, mutant,
};
use std::io;

/// Frees where the author says.
#[derive(Debug)]
pub struct Manual {
    objects: ObjectSpace,
    regions: Regions,
    pending: Stack,
}

impl Collector for Manual {
    const CAPS: Caps = Caps { needs_free: true, regions: true, ..Caps::NONE };

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

    #[inline(never)]
    fn free(&mut self, cx: &mut Context, root: ObjectReference) {
        let Self { objects, pending, .. } = self;
        let follow = |memory: Memory<'_>, _| !mutant!(memory, "a destructor forgets its children");
        cascade(objects, pending, &mut cx.log, root, Slots::Own, follow);
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
        self.regions.end(cx, region);
    }
}
