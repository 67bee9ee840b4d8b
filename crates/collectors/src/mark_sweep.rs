//! Mark-sweep (McCarthy 1960), stop-the-world, non-moving, with a lazy sweep.
//!
//! 1. *Trigger*: an allocation finds no free cell, and the sizing policy forbids growth (see
//!    [`heap::Sizer`]).
//! 2. *Push the roots and trace*, depth first, with a queue of prefetched edges (see [`heap::Marker`]).
//!    Marks are side bits; every block counts its own.
//! 3. *Process weak references*: weak slots, ephemerons, finalizable objects (see
//!    [`heap::ReferenceProcessor`]).
//! 4. *Sweep*: allocation bits and mark bits are exchanged. A block without marks returns to the heap, one
//!    with free cells to the list of its size class. No object is touched. The world resumes.
//! 5. *Sweep lazily*: the allocator scans the bits of a listed block for free cells when it reaches it.
//!
//! No barrier. It reclaims cycles, does not move, and its pause grows with the live objects.

use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// Traces the reachable objects and reclaims the others.
#[derive(Debug)]
pub struct MarkSweep {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    sizer: Sizer,
}

impl Collector for MarkSweep {
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

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for MarkSweep {
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

impl Inspect for MarkSweep {}
