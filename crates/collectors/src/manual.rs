//! Manual memory management: `malloc` and `free`, where the program calls them.
//!
//! 1. *Free* an object: a hand-written destructor, which frees the tree below it through own slots. It is
//!    a loop, as in [`crate::Ownership`].
//! 2. Nothing else frees: roots that go out of scope, overwritten slots, shared and borrow slots are the
//!    program's business. An object that is never freed leaks; one that is freed too early is used after
//!    free; one that is freed twice may by then be another object.
//! 3. Regions are arenas that the program frees as a whole.
//!
//! No barrier.

use heap::contract::*;
use heap::{
    NoMarks, NonMovingSpace, Regions, Stack, allocates_in_regions, cascade, freed_one_by_one,
};

/// Frees an object when the program calls `free`.
#[derive(Debug)]
pub struct Manual {
    objects: NonMovingSpace<NoMarks>,
    regions: Regions,
    pending: Stack,
}

impl Collector for Manual {
    const CAPS: Caps = Caps { needs_free: true, regions: true, ..Caps::NONE };

    fn new(heap: &Heap, _: &Config) -> io::Result<Self> {
        let objects = NonMovingSpace::new(heap)?;
        Ok(Self { objects, regions: Regions::new(heap), pending: heap.queue()? })
    }

    freed_one_by_one!(objects; pending; regions);

    #[inline(never)]
    fn free(&mut self, cx: &mut Context, root: ObjectReference) {
        let Self { objects, pending, .. } = self;
        let follow = |memory: Memory<'_>, _| !mutant!(memory, "a destructor forgets its children");
        cascade(objects, pending, &mut cx.log, root, Slots::Own, follow);
    }

    allocates_in_regions!(regions);

    fn region_end(&mut self, _: &mut Context, region: u32) {
        self.regions.end(region);
    }
}

impl Inspect for Manual {}
