//! Mark-sweep that collects whenever the heap has grown by a mebibyte, even with room for more.
//!
//! 1. *Trigger*: the bytes of blocks by which the heap has grown since the last collection; or the limit.
//! 2. *Mark* from the roots, process weak references, *sweep* by exchanging mark and allocation bits.
//!
//! No barrier. Its footprint is little more than the live objects, at the cost of marking them more often:
//! beside `mark-sweep` in a chart it shows the effect of the trigger.

use collectors::registry::{Family, Info, Line};
use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// Its entry in lists, tables and charts.
pub const INFO: Info = Info {
    name: "every-mib",
    summary: "mark-sweep that collects whenever the heap has grown by a mebibyte",
    family: Family::Tracing,
    light: "#8744E4",
    dark: "#E2D2F9",
    line: Line::Dashed,
};

/// Growth of the heap between two collections.
const STEP_BYTES: u64 = 1 << 20;

/// Marks reachable objects and reclaims the rest, often.
#[derive(Debug)]
pub struct EveryMib {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    /// Bytes of blocks at which the next collection begins.
    collect_at_bytes: u64,
}

impl Collector for EveryMib {
    const CAPS: Caps = Caps::TRACING;
    const PARAMETERS: &'static [Parameter] = &[PREFETCH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            collect_at_bytes: STEP_BYTES,
        })
    }

    traced!(objects; marker; mark_and_sweep);
}

impl EveryMib {
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        let may_grow = self.objects.reserved_bytes() < self.collect_at_bytes;
        let object = self.objects.alloc_without_collecting(layout, Self::NEW, may_grow);
        let object = object.or_else(|| {
            self.mark_and_sweep(cx, if may_grow { Cause::Exhausted } else { Cause::Growth });
            self.objects.alloc_after_collecting(layout, Self::NEW)
        });
        object.ok_or_else(|| cx.heap.out_of_memory(layout))
    }

    fn mark_and_sweep(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let pause = cx.log.begin_pause();
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.trace_weak(&mut self.marker, &mut cx.weak);
        self.objects.sweep();
        self.marker.shrink();
        self.collect_at_bytes = self.objects.reserved_bytes() + STEP_BYTES;
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl Inspect for EveryMib {}
