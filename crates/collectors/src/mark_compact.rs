//! Mark-compact, stop-the-world: slides the live objects to the front of the heap in allocation order.
//! Marking and two passes, the second of which moves (after Kermany and Petrank, "The Compressor", PLDI
//! 2006; sliding itself goes back to the LISP 2 collector of the sixties).
//!
//! 1. *Allocate* by bumping through blocks.
//! 2. *Push the roots and trace* (see [`heap::Marker`]): side bits record where an object begins and
//!    where it ends.
//! 3. *Process weak references*: weak slots, ephemerons, finalizable objects (see
//!    [`heap::ReferenceProcessor`]).
//! 4. *Plan*: from the bits alone, the new place of the objects that begin in each 64 granules. The new
//!    place of any one of them is that place and a count of bits, so nothing is written to the objects.
//! 5. *Update* the roots, the weak references and the slots of large objects with the new places. Large
//!    objects do not move; unmarked ones were freed before the plan.
//! 6. *Slide*, in allocation order: each object is moved, and its slots are updated shortly after, when the
//!    side words of their referents have been prefetched. Blocks behind the last object return to the heap.
//!
//! No barrier. It reclaims cycles, and after a collection the heap has no holes: it works in hardly more
//! than the live size. Objects allocated together stay neighbours. But each collection passes over all live
//! objects twice, and moves them the second time.

use heap::contract::*;
use heap::{Marker, MovableSpace, Room, Sliding, WithLarge, os};

/// Kept free for the side tables: each may grow by a page when a block is taken.
const TABLES_BYTES: u64 = 2 * os::PAGE_BYTES as u64;

/// Slides the reachable objects together.
#[derive(Debug)]
pub struct MarkCompact {
    objects: WithLarge<MovableSpace<Sliding>>,
    marker: Marker,
    sizer: Sizer,
}

impl Collector for MarkCompact {
    const CAPS: Caps = Caps::MOVING;
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut objects = WithLarge::over(MovableSpace::new(heap)?);
        objects.kept_bytes = TABLES_BYTES;
        let marker = Marker::new(heap, config.whole(&PREFETCH))?;
        Ok(Self { objects, marker, sizer: Sizer::new(heap, config) })
    }

    traced!(objects; marker; stop_and_collect);
}

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for MarkCompact {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, _: Cause) {
        let (space, memory) = (&mut self.objects.small, cx.heap.memory());
        cx.roots.iter().for_each(|root| self.marker.push(root.object));
        space.trace(&mut self.marker);
        space.trace_weak(&mut self.marker, &mut cx.weak);
        // The peak size of the queue is kept free: marking cannot be refused memory.
        let queue_bytes = self.marker.metadata_bytes() + TABLES_BYTES;
        self.objects.kept_bytes = self.objects.kept_bytes.max(queue_bytes);
        self.marker.shrink();
        self.objects.sweep_large();
        let WithLarge { small: space, large, .. } = &mut self.objects;
        space.plan();
        cx.roots.update(|object| space.new_place(object));
        cx.weak.update_references(|object| space.new_place(object));
        for object in large.objects() {
            memory.update_slots(object, |child| space.new_place(child));
        }
        space.slide(&mut cx.moves);
    }
}

impl Inspect for MarkCompact {
    fn room(&self) -> Room {
        Room::SLID
    }
}
