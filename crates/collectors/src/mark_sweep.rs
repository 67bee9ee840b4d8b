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
    Caps, Cause, Collector, Config, Context, Footprint, GROWTH, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PREFETCH, PRICE, Parameter, PauseKind,
    SIZER, Sizer, mutant,
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

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.marker.metadata_bytes())
    }

    fn occupied(&self) -> Occupancy {
        self.objects.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.objects.verify()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let occupied_bytes = self.objects.occupied().bytes;
        let pause = cx.log.begin_pause();
        let memory = self.heap().memory();
        let (loses, owned) =
            (mutant!(memory, "a root is lost"), mutant!(memory, "locals are no roots"));
        let roots = cx.roots.iter().skip(usize::from(loses)).filter(|root| root.owned || !owned);
        roots.for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_hidden(&mut self.marker, &mut cx.weak);
        self.sizer.keep_free(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
        self.sizer.collected(self.objects.cycle(cause, occupied_bytes, &cx.log));
    }
}

impl MarkSweep {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        let used_bytes = self.objects.used_bytes();
        let may_grow = self.sizer.may_grow(used_bytes, self.heap().room_bytes());
        if let Some(object) = self.objects.alloc_without_collecting(layout, may_grow) {
            return Ok(object);
        }
        if self.sizer.is_futile(self.objects.occupied().bytes, used_bytes) {
            return Err(self.heap().refuse(layout));
        }
        self.collect(cx, self.sizer.cause(used_bytes));
        self.objects.alloc_after_collecting(layout).ok_or_else(|| self.heap().refuse(layout))
    }
}
