//! `my-gc`: mark-sweep that collects when the heap is full, or has grown by a factor.

use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// Without a limit, the heap may grow to this multiple of the blocks that a collection left.
const GROWTH_FACTOR: u64 = 2;

/// Without a limit, the heap may always grow to this.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

/// Marks reachable objects and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    /// Bytes of blocks at which it collects before it grows; `None` where a limit decides.
    collect_at_bytes: Option<u64>,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, bounded: true, ..Caps::NONE };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let is_limited = heap.budget().limit_bytes() != u64::MAX;
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            collect_at_bytes: (!is_limited).then_some(SMALLEST_HEAP_BYTES),
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        match self.objects.alloc(layout, Self::NEW) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of([&self.objects], self.marker.metadata_bytes())
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let pause = cx.log.begin_pause();
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl MyGc {
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        let reserved_bytes = self.objects.reserved_bytes();
        let may_grow = self.collect_at_bytes.is_none_or(|bytes| reserved_bytes < bytes);
        if may_grow && let Some(object) = self.objects.alloc_growing(layout, Self::NEW) {
            return Ok(object);
        }
        self.collect(cx, if may_grow { Cause::Exhausted } else { Cause::Growth });
        if let Some(bytes) = &mut self.collect_at_bytes {
            *bytes = SMALLEST_HEAP_BYTES.max(GROWTH_FACTOR * self.objects.reserved_bytes());
        }
        self.objects.alloc_or_grow(layout, Self::NEW)
    }
}

impl Inspect for MyGc {}
