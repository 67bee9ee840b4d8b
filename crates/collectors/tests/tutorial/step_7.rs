//! `my-gc`: mark-sweep (McCarthy 1960), stop-the-world, non-moving.
//!
//! 1. *Trigger*: an allocation finds no free cell, and the sizer does not let the heap grow.
//! 2. *Mark* from the roots, with a stack of edges. Marks are side bits.
//! 3. *Reference processing*: weak slots, ephemerons and finalizable objects, once the trace is done.
//! 4. *Sweep*: mark bits become allocation bits; blocks without marks go back to the heap. The
//!    allocator finds the free cells of the others when it gets there.
//!
//! No barrier. It does not move objects, so it can fragment; its pause grows with the live objects.

use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// Marks reachable objects and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    sizer: Sizer,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps::TRACING;
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
        })
    }

    traced!(objects; marker; stop_and_collect);
}

impl StopTheWorld for MyGc {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, _: Cause) {
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_weak(&mut self.marker, &mut cx.weak);
        self.sizer.reserve_queue(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
    }
}

impl Inspect for MyGc {}
