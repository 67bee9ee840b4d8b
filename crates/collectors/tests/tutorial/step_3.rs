//! `my-gc`: marks reachable objects, and reclaims nothing yet.

use heap::contract::*;
use heap::{MarkBits, Marker, NonMovingSpace};

/// A collector that knows the live objects.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<MarkBits>,
    marker: Marker,
    /// Objects marked so far.
    pub marked: u64,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps::NONE;
    const PARAMETERS: &'static [Parameter] = &[PREFETCH];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: NonMovingSpace::new(heap)?,
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            marked: 0,
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
        self.marked += self.objects.trace(&mut self.marker);
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl Inspect for MyGc {}
