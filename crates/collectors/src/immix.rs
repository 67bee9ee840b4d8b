//! Immix (Blackburn and McKinley, "Immix: a mark-region garbage collector with space efficiency, fast
//! collection, and mutator performance", PLDI 2008), stop-the-world.
//!
//! 1. *Allocate* by bumping through holes: runs of free lines in partly live blocks, then through empty
//!    blocks. An object longer than a line that does not fit the hole is allocated in an overflow block.
//! 2. *Select candidates*, if the heap is fragmented: the blocks with the fewest live bytes, as many as
//!    there is room for copies of their live objects.
//! 3. *Push the roots and trace*: side bits mark objects, and the lines that they occupy. A live object of a
//!    candidate is evacuated to an empty block, while there is room; slots and roots are updated.
//! 4. *Process weak references*: weak slots, ephemerons, finalizable objects (see
//!    [`heap::ReferenceProcessor`]). Objects that only they keep are marked or evacuated in the same way.
//! 5. *Large objects* do not move, and are swept one by one.
//! 6. *Sweep*, from marks alone: a block without marks returns to the heap, one with holes can be
//!    allocated from again, the others are full. No object is touched.
//!
//! No barrier. It reclaims cycles and allocates as fast as a copying collector, without its second half of
//! the heap: only some blocks are kept free, the *headroom*, for a collection to copy to, and no more than
//! sparse blocks would fill. But memory is reclaimed by lines: a live object keeps its neighbours' memory
//! until it is evacuated, and a heap that fragments faster than the headroom permits copying is collected
//! often.

use heap::contract::*;
use heap::{BLOCK_BYTES, LineSpace, Marker, Room, Values, WithLarge};

/// Size of a line.
const LINE: Parameter = Parameter {
    key: "line",
    values: Values::Words(&["128", "256"]),
    default: 0.0,
    summary: "bytes of a line, the unit in which memory is reused",
};

/// Whether objects move.
const DEFRAG: Parameter = Parameter {
    key: "defrag",
    values: Values::Whole(0, 1),
    default: 1.0,
    summary: "1: evacuate fragmented blocks, 0: move nothing",
};

/// Memory kept free for copies.
const HEADROOM: Parameter = Parameter {
    key: "headroom",
    values: Values::Real(0.0, 50.0),
    default: 5.0,
    summary: "maximum memory kept free for copies, in percent of the blocks that a collection leaves",
};

/// Evacuation must usually release at least one in `WORTH` blocks.
const WORTH: u64 = 64;

/// Marks lines, allocates into the holes between them, and evacuates the sparsest blocks.
#[derive(Debug)]
pub struct Immix {
    /// Keeps the headroom free.
    objects: WithLarge<LineSpace>,
    marker: Marker,
    sizer: Sizer,
    /// Peak size of the mark queue: kept free, because marking cannot be refused memory.
    queue_peak_bytes: u64,
    /// Share of the blocks left by a collection that is kept free for copies; `None` to copy nothing.
    headroom: Option<f64>,
    /// The collection under way evacuates if that releases at least one in `worth` blocks.
    worth: u64,
}

impl Collector for Immix {
    const CAPS: Caps = Caps::MOVING;
    const PARAMETERS: &'static [Parameter] =
        &[PREFETCH, SIZER, GROWTH, PRICE, LINE, DEFRAG, HEADROOM];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        Ok(Self {
            objects: WithLarge::over(LineSpace::new(heap, 128 << config.whole(&LINE))?),
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
            queue_peak_bytes: 0,
            headroom: (config.whole(&DEFRAG) != 0).then(|| config.real(&HEADROOM) / 100.0),
            worth: WORTH,
        })
    }

    traced!(objects; marker; stop_and_collect);
}

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for Immix {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, cause: Cause) {
        let copies_bytes = self.copies_bytes(&cx.heap, cause);
        let lines = &mut self.objects.small;
        if self.headroom.is_some() {
            lines.select_candidates(copies_bytes, lines.reserved_bytes() / self.worth);
        }
        lines.trace(&mut self.marker, &cx.roots, &mut cx.moves, &mut cx.weak);
        self.queue_peak_bytes = self.queue_peak_bytes.max(self.marker.metadata_bytes());
        self.sizer.reserve_queue(self.queue_peak_bytes);
        self.marker.shrink();
        self.objects.sweep_large();
        self.objects.small.sweep();
        self.objects.kept_bytes = self.headroom_bytes();
    }

    /// Growth leaves the headroom free. Before a collection, an object longer than a line may also take a
    /// hole: with half of the live size in such objects, the holes are most of what a collection frees.
    fn alloc_without_collecting(
        &mut self,
        cx: &Context,
        layout: Layout,
    ) -> Option<ObjectReference> {
        let available_bytes = cx.heap.available_bytes().saturating_sub(self.objects.kept_bytes);
        let may_grow = self.sizer.may_grow(self.objects.reserved_bytes(), available_bytes);
        let found = self.objects.alloc_without_collecting(layout, 0, may_grow);
        found.or_else(|| self.objects.alloc_anywhere(layout, 0))
    }

    /// Collects until the allocation succeeds, as long as that releases blocks: the next collection can copy
    /// to the blocks that one releases, and knows the live bytes of all blocks.
    fn alloc_collecting(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        let cause = self.cause();
        self.collect(cx, cause);
        let found = loop {
            let found = self.objects.alloc(layout, 0);
            let found = found.or_else(|| self.objects.alloc_growing(layout, 0));
            let reserved_bytes = self.objects.small.reserved_bytes();
            let copies_bytes = self.headroom.map_or(0, |_| self.copies_bytes(&cx.heap, cause));
            if found.is_some() || self.objects.small.reclaimable_bytes(copies_bytes) == 0 {
                break found;
            }
            self.worth = u64::MAX;
            self.collect(cx, cause);
            self.worth = WORTH;
            if self.objects.small.reserved_bytes() >= reserved_bytes {
                break None;
            }
        };
        self.objects.or_anywhere(found, layout, 0)
    }
}

impl Immix {
    /// Bytes to keep free for the copies of the next collection: the headroom, or room for the objects in
    /// sparse blocks where that is less.
    fn headroom_bytes(&self) -> u64 {
        let lines = &self.objects.small;
        let share_bytes = (lines.reserved_bytes() as f64 * self.headroom.unwrap_or(0.0)) as u64;
        share_bytes.min(lines.sparse_bytes()).next_multiple_of(u64::from(BLOCK_BYTES))
    }

    /// Bytes that copies may take in a collection: the headroom, and in a heap at its limit all free bytes.
    fn copies_bytes(&self, heap: &Heap, cause: Cause) -> u64 {
        let available_bytes = heap.available_bytes().saturating_sub(self.queue_peak_bytes);
        match cause {
            Cause::Exhausted => available_bytes,
            _ => available_bytes.min(self.objects.kept_bytes),
        }
    }
}

impl Inspect for Immix {
    fn room(&self) -> Room {
        Room { kept_share: self.headroom.unwrap_or(0.0), ..Room::IN_PLACE }
    }
}
