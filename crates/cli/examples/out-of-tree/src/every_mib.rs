//! Mark-sweep that collects whenever the heap has grown by a mebibyte, even with room for more.
//!
//! 1. *Trigger*: the blocks and large objects taken since the last collection; or the limit.
//! 2. *Mark* from the roots, *sweep* by exchanging mark bits and allocation bits.
//!
//! No barrier. Its footprint is little more than the live objects, at the cost of marking them more often:
//! beside `mark-sweep` in a chart it shows the effect of the trigger.

use collectors::registry::{Family, Info, Line};
use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, Footprint, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PREFETCH, Parameter, PauseKind,
};
use std::io;

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
    objects: ObjectSpace,
    marker: Marker,
    /// Bytes by which the heap has grown since the last collection.
    grown_bytes: u64,
}

impl Collector for EveryMib {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::NONE };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            grown_bytes: 0,
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

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let pause = cx.log.begin_pause();
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.objects.sweep();
        self.marker.shrink();
        self.grown_bytes = 0;
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl EveryMib {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        // The space has no free cell for the object, so it grows by a block or by a large object.
        self.grown_bytes += u64::from(layout.bytes()).max(BLOCK_BYTES as u64);
        let may_grow = self.grown_bytes < STEP_BYTES;
        if may_grow && let Some(object) = self.objects.alloc_growing(layout, 0) {
            return Ok(object);
        }
        self.collect(cx, if may_grow { Cause::Exhausted } else { Cause::Growth });
        let objects = &mut self.objects;
        let object = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
        let object = object.or_else(|| objects.alloc_larger(layout, 0));
        object.ok_or_else(|| objects.heap().out_of_memory(layout))
    }
}
