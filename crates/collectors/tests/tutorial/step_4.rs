//! `my-gc`: mark-sweep that collects when it is asked to.

use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// Marks reachable objects and reclaims the rest.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { cycles: true, ..Caps::NONE };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, _: &mut Context, layout: Layout) -> AllocResult {
        self.objects.alloc_or_grow(layout, Self::NEW)
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

impl Inspect for MyGc {}
