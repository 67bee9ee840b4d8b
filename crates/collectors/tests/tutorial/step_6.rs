//! `my-gc`: mark-sweep (McCarthy 1960), stop-the-world, non-moving.
//!
//! 1. *Trigger*: an allocation finds no free cell, and the heap may not grow, as its sizer has it.
//! 2. *Mark*: what can be reached from the roots, with a stack of edges. Marks are side bits.
//! 3. *Sweep*: mark bits become allocation bits; blocks without marks go back to the heap. The
//!    allocator finds the free cells of the others when it gets there.
//!
//! No barrier. It does not move objects, so it can fragment; its pause grows with what is live.

use heap::{
    Caps, Cause, Collector, Config, Context, Cycle, Footprint, GROWTH, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PREFETCH, PRICE, Parameter, PauseKind,
    SIZER, Sizer,
};
use std::io;

/// Marks what is reachable and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: ObjectSpace,
    marker: Marker,
    sizer: Sizer,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::NONE };

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
        let allocated_bytes = self.objects.allocated().bytes;
        let pause = cx.log.begin_pause();
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.sizer.reserve_queue(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
        self.sizer.collected(Cycle {
            cause,
            allocated_bytes,
            survived_bytes: self.objects.allocated().bytes,
            reserved_bytes: self.objects.reserved_bytes(),
            ended_ns: cx.log.now_ns(),
            collecting_ns: cx.log.pause_total_ns(),
        });
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
        let reserved_bytes = self.objects.reserved_bytes();
        if self.sizer.may_grow(reserved_bytes, self.heap().available_bytes())
            && let Some(object) = self.objects.alloc_growing(layout, 0)
        {
            return Ok(object);
        }
        if self.sizer.overhead_limit_exceeded(self.objects.allocated().bytes, reserved_bytes) {
            return Err(self.heap().out_of_memory(layout));
        }
        self.collect(cx, self.sizer.cause(reserved_bytes));
        let objects = &mut self.objects;
        let object = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
        let object = object.or_else(|| objects.alloc_larger(layout, 0));
        object.ok_or_else(|| objects.heap().out_of_memory(layout))
    }
}
