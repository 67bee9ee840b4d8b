//! `my-gc`: mark-sweep that stops the world by the protocol of the house.

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
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::NONE };
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
        self.sizer.reserve_queue(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
    }
}

impl Inspect for MyGc {}
