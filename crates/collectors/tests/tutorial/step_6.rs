//! `my-gc`: mark-sweep (McCarthy 1960), stop-the-world, non-moving.
//!
//! 1. *Trigger*: an allocation finds no free cell, and the heap may not grow: it is at its limit, or has
//!    grown by a factor since the last collection.
//! 2. *Mark*: what can be reached from the roots, with a stack of edges. Marks are side bits.
//! 3. *Sweep*: mark bits become allocation bits; blocks without marks go back to the heap. The
//!    allocator finds the free cells of the others when it gets there.
//!
//! No barrier. It does not move objects, so it can fragment; its pause grows with what is live.

use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, Footprint, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PauseKind,
};
use std::io;

/// The heap may always grow to this, whatever is live.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

/// Room kept for objects for which a collection finds no cell: the first ones of their size, say.
const RESERVE_BYTES: u64 = 2 * BLOCK_BYTES as u64;

/// Marks what is reachable and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: ObjectSpace,
    marker: Marker,
    /// How much the heap may grow between collections, as a multiple of what it holds; `None` where
    /// a limit decides.
    growth: Option<f64>,
    /// Bytes of blocks up to which it grows without collecting first.
    collect_at_bytes: u64,
    /// The most that the mark stack has held. It is kept free: marking cannot be refused memory.
    stack_peak_bytes: u64,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::NONE };

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let is_limited = heap.budget().limit_bytes() != u64::MAX;
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.prefetch)?,
            growth: (!is_limited).then_some(config.growth),
            collect_at_bytes: if is_limited { u64::MAX } else { SMALLEST_HEAP_BYTES },
            stack_peak_bytes: 0,
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

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    fn collect(&mut self, cx: &mut Context, _: Cause) {
        let pause = cx.log.begin_pause();
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.stack_peak_bytes = self.stack_peak_bytes.max(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl MyGc {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        let has_room = self.heap().room_bytes() > RESERVE_BYTES + self.stack_peak_bytes;
        if has_room
            && self.objects.used_bytes() < self.collect_at_bytes
            && let Some(object) = self.objects.alloc_growing(layout, 0)
        {
            return Ok(object);
        }
        self.collect(cx, Cause::Exhausted);
        if let Some(growth) = self.growth {
            let grown_bytes = (self.objects.used_bytes() as f64 * growth) as u64;
            self.collect_at_bytes = grown_bytes.max(SMALLEST_HEAP_BYTES);
        }
        let objects = &mut self.objects;
        let object = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
        let object = object.or_else(|| objects.alloc_larger(layout, 0));
        object.ok_or_else(|| objects.heap().refuse(layout))
    }
}
