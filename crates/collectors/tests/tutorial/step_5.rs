//! `my-gc`: mark-sweep that collects when the heap is full, or has grown by a factor.

use heap::{
    Caps, Cause, Collector, Config, Context, Footprint, GROWTH, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PREFETCH, PauseKind,
};
use std::io;

/// The heap may always grow to this, whatever is live.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

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
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, bounded: true, ..Caps::NONE };

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let is_limited = heap.budget().limit_bytes() != u64::MAX;
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            growth: (!is_limited).then_some(config.real(&GROWTH)),
            collect_at_bytes: if is_limited { u64::MAX } else { SMALLEST_HEAP_BYTES },
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

    fn allocated(&self) -> Occupancy {
        self.objects.allocated()
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
        if self.objects.reserved_bytes() < self.collect_at_bytes
            && let Some(object) = self.objects.alloc_growing(layout, 0)
        {
            return Ok(object);
        }
        self.collect(cx, Cause::Exhausted);
        if let Some(growth) = self.growth {
            let grown_bytes = (self.objects.reserved_bytes() as f64 * growth) as u64;
            self.collect_at_bytes = grown_bytes.max(SMALLEST_HEAP_BYTES);
        }
        let objects = &mut self.objects;
        let object = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
        object.ok_or_else(|| objects.heap().out_of_memory(layout))
    }
}
