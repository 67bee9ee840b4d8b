//! Mark-sweep (McCarthy 1960), stop-the-world, non-moving, with a lazy sweep.
//!
//! 1. *Trigger*: an allocation finds no free cell and the heap may not grow. With a limit it may until the
//!    limit is reached; without one, until the heap is `growth` times what was live.
//! 2. *Stop and mark*: from the roots, depth first, with a queue of prefetched edges (see
//!    [`heap::Marker`]). Marks are side bits; every block counts its own.
//! 3. *Classify*: allocation bits and mark bits change places. A block without marks goes back to the
//!    heap, one with free cells on its class's list. No object is touched. The world runs again.
//! 4. *Sweep lazily*: the allocator finds the free cells of a listed block by scanning its bits, when it
//!    gets there.
//!
//! No barrier. It reclaims cycles, does not move, and its pause grows with what is live.

use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, Footprint, Heap, Layout, Marker,
    ObjectReference, ObjectSpace, Occupancy, OutOfMemory, PauseKind, mutant,
};
use std::io;

/// The heap may always grow to this, whatever was live.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

/// Room that is left to objects for which a collection finds no cell: the first of their size, say.
/// Without it, the sizes that a program allocates first would take the whole heap.
const RESERVE_BYTES: u64 = 2 * BLOCK_BYTES as u64;

/// After so many collections in a row that each made room for less than this share of the heap, the
/// heap counts as too small.
const FUTILE_COLLECTIONS: u32 = 8;
const FUTILE_SHARE: u64 = 500;

/// Traces what is reachable and reclaims the rest.
#[derive(Debug)]
pub struct MarkSweep {
    objects: ObjectSpace,
    marker: Marker,
    /// How much the heap may grow between collections, as a multiple of what is live; `None` where
    /// the heap limit decides.
    growth: Option<f64>,
    /// Bytes of blocks up to which the space grows without collecting first.
    collect_at_bytes: u64,
    /// The most that the mark queue has ever held: kept free, for marking cannot be refused memory.
    queue_peak_bytes: u64,
    /// Bytes of cells that the last collection kept.
    survived_bytes: u64,
    /// Whether the last collection found no cell for the object that was waiting for one.
    is_tight: bool,
    /// Collections in a row that made room for next to nothing.
    futile_collections: u32,
}

impl Collector for MarkSweep {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::NONE };

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let limited = heap.budget().limit_bytes() != u64::MAX;
        Ok(Self {
            objects: ObjectSpace::with_marks(heap)?,
            marker: Marker::new(heap, config.prefetch)?,
            growth: (!limited).then_some(config.growth),
            collect_at_bytes: if limited { u64::MAX } else { SMALLEST_HEAP_BYTES },
            queue_peak_bytes: 0,
            survived_bytes: 0,
            is_tight: false,
            futile_collections: 0,
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

    fn occupied(&self) -> Occupancy {
        self.objects.occupied()
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.objects.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.objects.verify()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        self.objects.heap()
    }

    fn collect(&mut self, cx: &mut Context, _: Cause) {
        let pause = cx.log.begin_pause();
        let memory = self.heap().memory();
        let (loses, owned) =
            (mutant!(memory, "a root is lost"), mutant!(memory, "locals are no roots"));
        let roots = cx.roots.iter().skip(usize::from(loses)).filter(|root| root.owned || !owned);
        roots.for_each(|root| self.marker.push(root.object));
        self.objects.trace(&mut self.marker);
        self.queue_peak_bytes = self.queue_peak_bytes.max(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
        cx.log.end_pause(pause, PauseKind::Stw);
    }
}

impl MarkSweep {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if let Some(object) = self.alloc_without_collecting(layout) {
            return Ok(object);
        }
        if self.is_futile() {
            return Err(self.heap().refuse(layout));
        }
        self.collect(cx, Cause::Exhausted);
        let objects = &mut self.objects;
        self.survived_bytes = objects.occupied().bytes;
        if let Some(growth) = self.growth {
            // On top of the blocks that are left, for in a fragmented heap those exceed what is live.
            let room_bytes = self.survived_bytes as f64 * (growth - 1.0).max(0.0);
            self.collect_at_bytes =
                (objects.used_bytes() + room_bytes as u64).max(SMALLEST_HEAP_BYTES);
        }
        let reclaimed = objects.alloc(layout, 0).or_else(|| objects.alloc_growing(layout, 0));
        self.is_tight = reclaimed.is_none();
        reclaimed
            .or_else(|| objects.alloc_larger(layout, 0))
            .ok_or_else(|| objects.heap().refuse(layout))
    }

    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let may_grow = self.objects.used_bytes() < self.collect_at_bytes
            && self.heap().room_bytes() > RESERVE_BYTES + self.queue_peak_bytes;
        let grown = may_grow.then(|| self.objects.alloc_growing(layout, 0)).flatten();
        // The last collection left no cell of the right size: another one so soon would not either.
        grown.or_else(|| self.is_tight.then(|| self.objects.alloc_larger(layout, 0)).flatten())
    }

    /// Whether the last collections each made room for next to nothing, so that the program would
    /// spend its time collecting: then the heap is too small, as it is if nothing was reclaimed.
    fn is_futile(&mut self) -> bool {
        let allocated_bytes = self.objects.occupied().bytes.saturating_sub(self.survived_bytes);
        let is_next_to_nothing = allocated_bytes < self.objects.used_bytes() / FUTILE_SHARE;
        self.futile_collections = if is_next_to_nothing { self.futile_collections + 1 } else { 0 };
        self.futile_collections > FUTILE_COLLECTIONS
    }
}
