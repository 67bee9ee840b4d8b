//! Mark-sweep (McCarthy 1960), stop-the-world, non-moving, with a lazy sweep.
//!
//! 1. *Trigger*: an allocation finds no free cell and the heap may not grow, as its policy has it (see
//!    [`heap::Sizer`]).
//! 2. *Stop and mark*: from the roots, depth first, with a queue of prefetched edges (see
//!    [`heap::Marker`]). Marks are side bits; every block counts its own.
//! 3. *Weak slots, ephemerons, finalizable objects* are looked at (see [`heap::WeakTables`]).
//! 4. *Classify*: allocation bits and mark bits change places. A block without marks goes back to the
//!    heap, one with free cells on its class's list. No object is touched. The world runs again.
//! 5. *Sweep lazily*: the allocator finds the free cells of a listed block by scanning its bits, when it
//!    gets there.
//!
//! No barrier. It reclaims cycles, does not move, and its pause grows with what is live.

use heap::{
    Caps, Cause, Collector, Config, Context, GROWTH, Heap, Layout, Marker, ObjectReference,
    ObjectSpace, OutOfMemory, PREFETCH, PRICE, Parameter, SIZER, Sizer, StopTheWorld, accounts,
};
use std::io;

/// Traces what is reachable and reclaims the rest.
#[derive(Debug)]
pub struct MarkSweep {
    objects: ObjectSpace,
    marker: Marker,
    sizer: Sizer,
}

impl Collector for MarkSweep {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.stop_and_collect(cx, cause);
    }

    accounts!(spaces: objects; queues: marker);
}

impl StopTheWorld for MarkSweep {
    fn sizer(&mut self) -> &mut Sizer {
        &mut self.sizer
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context) {
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_hidden(&mut self.marker, &mut cx.weak);
        self.sizer.keep_free(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
    }

    fn used_bytes(&self) -> u64 {
        self.objects.used_bytes()
    }

    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        self.objects.alloc_without_collecting(layout, may_grow)
    }

    fn alloc_after_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.objects.alloc_after_collecting(layout)
    }
}
