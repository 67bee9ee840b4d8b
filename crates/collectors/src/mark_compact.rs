//! Mark-compact, stop-the-world: slides what lives to the front of the heap and keeps its order. Marking
//! and two passes, the second of which moves (after Kermany and Petrank, "The Compressor", PLDI 2006;
//! sliding itself goes back to the LISP 2 collector of the sixties).
//!
//! 1. *Allocate* by bumping through blocks.
//! 2. *Mark* from the roots (see [`heap::Marker`]): side bits say where an object begins and what it covers.
//!    Then weak slots, ephemerons and finalizable objects are looked at (see [`heap::WeakTables`]).
//! 3. *Plan*: from the bits alone, the new place of the objects that begin in each 64 granules. Where any
//!    one of them goes is that place and a count of bits, so nothing is written to the objects.
//! 4. *Update* the roots and the large objects, which do not move, with the new places.
//! 5. *Slide*, in the order of allocation: each object's slots are updated, then it is moved. Blocks behind
//!    the last one go back to the heap.
//!
//! No barrier. It reclaims cycles, and after a collection the heap has no holes: it works in hardly more
//! than what is live. It keeps neighbours together, as they were allocated. But each collection passes
//! over all that lives twice, and the second time moves it.

use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, GROWTH, Heap, LargeSpace, Layout, Marker,
    MovableSpace, ObjectReference, OutOfMemory, PREFETCH, PRICE, Parameter, SIZER, Sizer,
    StopTheWorld, accounts, mutant, os,
};
use std::io;

/// Side tables grow by pages, one of each when a block is taken.
const TABLES_BYTES: u64 = 3 * os::PAGE_BYTES as u64;

/// Slides together what is reachable.
#[derive(Debug)]
pub struct MarkCompact {
    heap: Heap,
    /// All objects but the large ones.
    space: MovableSpace,
    large: LargeSpace,
    marker: Marker,
    sizer: Sizer,
    /// The most that the mark queue has ever held: kept free, for marking cannot be refused memory.
    queue_peak_bytes: u64,
}

impl Collector for MarkCompact {
    const CAPS: Caps =
        Caps { cycles: true, bounded: true, moves: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            heap: heap.clone(),
            space: MovableSpace::sliding(heap)?,
            large: LargeSpace::new(heap),
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
            queue_peak_bytes: 0,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.space.alloc(layout) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.stop_and_collect(cx, cause);
    }

    accounts!(spaces: space, large; queues: marker);
}

impl StopTheWorld for MarkCompact {
    fn sizer(&mut self) -> &mut Sizer {
        &mut self.sizer
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context) {
        let memory = self.heap.memory();
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        self.space.trace(&mut self.marker);
        self.space.trace_hidden(&mut self.marker, &mut cx.weak);
        self.queue_peak_bytes = self.queue_peak_bytes.max(self.marker.metadata_bytes());
        self.marker.shrink();
        self.large.sweep(|object| self.space.unmark(object));
        self.space.plan();
        let space = &self.space;
        cx.roots.update(|object| space.new_place(object));
        cx.weak.move_to(|object| space.new_place(object));
        if !mutant!(memory, "a large object's slots are not updated") {
            let update = |large| memory.update_slots(large, |child| space.new_place(child));
            self.large.objects().for_each(update);
        }
        self.space.slide(&mut cx.moves);
    }

    fn used_bytes(&self) -> u64 {
        self.filled_bytes()
    }

    fn filled_bytes(&self) -> u64 {
        self.space.filled_bytes() + self.large.used_bytes()
    }

    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        may_grow.then(|| self.alloc_growing(layout))?
    }

    fn alloc_after_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.alloc_growing(layout)
    }
}

impl MarkCompact {
    /// A new object, if there is room for it and for the mark queue.
    fn alloc_growing(&mut self, layout: Layout) -> Option<ObjectReference> {
        let kept_bytes = self.queue_peak_bytes + TABLES_BYTES;
        let room_bytes = self.heap.room_bytes().saturating_sub(kept_bytes);
        if let Some(object) = self.space.alloc_within(layout, room_bytes) {
            return Some(object);
        }
        let run_bytes = u64::from(layout.bytes()).next_multiple_of(u64::from(BLOCK_BYTES));
        if layout.bytes() <= MovableSpace::MAX_BYTES || run_bytes > room_bytes {
            return None;
        }
        let space = &mut self.space;
        self.large.alloc_covered(layout, 0, |object| space.cover(object))
    }
}
