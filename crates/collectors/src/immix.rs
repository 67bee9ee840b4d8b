//! Immix (Blackburn and McKinley, "Immix: a mark-region garbage collector with space efficiency, fast
//! collection, and mutator performance", PLDI 2008), stop-the-world.
//!
//! 1. *Allocate* by bumping through holes: runs of free lines in blocks that live on in part, then through
//!    empty blocks. An object longer than a line that does not fit the hole goes to an overflow block.
//! 2. *Choose*, if the heap is fragmented: the blocks with the fewest live bytes, as many as there is
//!    room for copies of what lives in them.
//! 3. *Mark* from the roots: side bits for objects, and the lines that they reach. What is met in a
//!    chosen block is copied to an empty one, while there is room; slots and roots follow.
//! 4. *Weak slots, ephemerons, finalizable objects* are looked at (see [`heap::WeakTables`]). What only
//!    they keep is marked or copied in the same way.
//! 5. *Large objects* do not move, and are swept one by one.
//! 6. *Classify*, from marks alone: a block without one goes back to the heap, one with holes
//!    can be allocated from again, the rest are full. No object is touched.
//!
//! No barrier. It reclaims cycles and allocates as fast as a copying collector, without its second half of
//! the heap: only some blocks are kept free, the *headroom*, for a collection to copy to, and no more than
//! sparse blocks would fill. But memory comes back by lines: an object that lives keeps its neighbours' memory
//! until it is evacuated, and a heap that fragments faster than the headroom allows to copy is collected often.

use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Config, Context, Cycle, Footprint, GROWTH, Heap,
    LargeSpace, Layout, LineSpace, Marker, ObjectReference, Occupancy, OutOfMemory, PREFETCH,
    PRICE, Parameter, PauseKind, SIZER, Sizer, Values,
};
use std::io;

/// How long a line is.
const LINE: Parameter = Parameter {
    key: "line",
    values: Values::Words(&["128", "256"]),
    default: 0.0,
    summary: "bytes of a line, the unit in which memory is used again",
};

/// Whether objects move.
const DEFRAG: Parameter = Parameter {
    key: "defrag",
    values: Values::Whole(0, 1),
    default: 1.0,
    summary: "1 to empty fragmented blocks by copying, 0 to move nothing",
};

/// What is kept free for copies.
const HEADROOM: Parameter = Parameter {
    key: "headroom",
    values: Values::Real(0.0, 50.0),
    default: 5.0,
    summary: "most room that is kept to copy to, in percent of the blocks that a collection leaves",
};

/// In the usual case, to copy must give back at least one in so many blocks.
const WORTH: u64 = 64;

/// Marks lines, allocates into the holes between them, and empties the worst blocks.
#[derive(Debug)]
pub struct Immix {
    heap: Heap,
    /// All objects but the large ones.
    space: LineSpace,
    large: LargeSpace,
    marker: Marker,
    sizer: Sizer,
    /// The most that the mark queue has ever held: kept free, for marking cannot be refused memory.
    queue_peak_bytes: u64,
    /// Share of the blocks that a collection leaves which is kept free for copies; `None` to copy nothing.
    headroom: Option<f64>,
    /// What is kept free now, in bytes.
    headroom_bytes: u64,
    /// Whether the last collection left no place for the object that was waiting for one.
    is_tight: bool,
}

impl Collector for Immix {
    const CAPS: Caps =
        Caps { cycles: true, bounded: true, moves: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] =
        &[PREFETCH, SIZER, GROWTH, PRICE, LINE, DEFRAG, HEADROOM];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let headroom = (config.whole(&DEFRAG) != 0).then(|| config.real(&HEADROOM) / 100.0);
        Ok(Self {
            heap: heap.clone(),
            space: LineSpace::new(heap, 128 << config.whole(&LINE))?,
            large: LargeSpace::new(heap),
            marker: Marker::new(heap, config.whole(&PREFETCH))?,
            sizer: Sizer::new(heap, config),
            queue_peak_bytes: 0,
            headroom,
            headroom_bytes: 0,
            is_tight: false,
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.space.alloc(layout) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn footprint(&self) -> Footprint {
        Footprint {
            used_bytes: self.used_bytes(),
            retained_bytes: 0,
            metadata_bytes: self.space.metadata_bytes()
                + self.large.metadata_bytes()
                + self.marker.metadata_bytes(),
        }
    }

    fn occupied(&self) -> Occupancy {
        self.space.occupied().plus(self.large.occupied())
    }

    fn is_allocated(&self, object: ObjectReference) -> bool {
        self.space.is_allocated(object) || self.large.is_allocated(object)
    }

    fn verify(&self, _: &Context) -> Result<(), String> {
        self.space.verify()
    }

    #[inline(always)]
    fn heap(&self) -> &Heap {
        &self.heap
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.cycle(cx, cause, WORTH);
    }
}

impl Immix {
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
        let used_bytes = self.used_bytes();
        if self.sizer.is_futile(self.filled_bytes(), used_bytes) {
            return Err(self.heap.refuse(layout));
        }
        let cause = self.sizer.cause(used_bytes);
        let reclaimed = self.alloc_collecting(cx, layout, cause);
        self.is_tight = reclaimed.is_none();
        reclaimed.or_else(|| self.alloc_between(layout)).ok_or_else(|| self.heap.refuse(layout))
    }

    /// Collects until there is a place, as long as that empties blocks: what a collection gives back, the
    /// next one can copy to, and it knows of all blocks what lives in them.
    fn alloc_collecting(
        &mut self,
        cx: &mut Context,
        layout: Layout,
        cause: Cause,
    ) -> Option<ObjectReference> {
        self.collect(cx, cause);
        loop {
            let object = self.space.alloc(layout).or_else(|| self.alloc_growing(layout));
            let used_bytes = self.space.used_bytes();
            let copies_bytes = self.headroom.map_or(0, |_| self.copies_bytes(cause));
            if object.is_some() || self.space.gain_bytes(copies_bytes) == 0 {
                return object;
            }
            self.cycle(cx, cause, u64::MAX);
            if self.space.used_bytes() >= used_bytes {
                return None;
            }
        }
    }

    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let room_bytes = self.heap.room_bytes().saturating_sub(self.headroom_bytes);
        let may_grow = self.sizer.may_grow(self.used_bytes(), room_bytes);
        let grown = may_grow.then(|| self.alloc_growing(layout)).flatten();
        // The last collection left no empty block: another one so soon would not either.
        grown.or_else(|| self.is_tight.then(|| self.alloc_between(layout)).flatten())
    }

    /// A new object, for which the heap may grow, if that leaves the headroom.
    fn alloc_growing(&mut self, layout: Layout) -> Option<ObjectReference> {
        let kept_bytes = self.headroom_bytes;
        if layout.bytes() <= LineSpace::MAX_BYTES {
            return self.space.grow(layout, kept_bytes).then(|| self.space.alloc(layout))?;
        }
        let run_bytes = u64::from(layout.bytes()).next_multiple_of(u64::from(BLOCK_BYTES));
        if run_bytes + kept_bytes > self.heap.room_bytes() {
            return None;
        }
        let space = &mut self.space;
        self.large.alloc_covered(layout, 0, |object| space.cover_object(object))
    }

    /// A new object longer than a line, in a hole that is long enough: the last resort.
    fn alloc_between(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.space.make_do(layout).then(|| self.space.alloc(layout))?
    }

    /// A collection, which copies if that gives back at least one in `worth` blocks.
    fn cycle(&mut self, cx: &mut Context, cause: Cause, worth: u64) {
        cx.log.collects(cause);
        let occupied_bytes = self.filled_bytes();
        let pause = cx.log.begin_pause();
        let least_bytes = self.space.used_bytes() / worth;
        if self.headroom.is_some() {
            self.space.choose(self.copies_bytes(cause), least_bytes);
        }
        self.space.trace(&mut self.marker, &cx.roots, &mut cx.moves, &mut cx.weak);
        self.queue_peak_bytes = self.queue_peak_bytes.max(self.marker.metadata_bytes());
        self.marker.shrink();
        let space = &self.space;
        self.large.sweep(|object| space.unmark(object));
        self.space.sweep();
        cx.log.end_pause(pause, PauseKind::Stw);
        self.headroom_bytes = self.headroom_bytes();
        self.sizer.keep_free(self.queue_peak_bytes);
        self.sizer.collected(Cycle {
            cause,
            occupied_bytes,
            survived_bytes: self.filled_bytes(),
            used_bytes: self.used_bytes(),
            ended_ns: cx.log.now_ns(),
            collecting_ns: cx.log.pause_total_ns(),
        });
    }

    /// What to keep free for the copies of the next collection: the headroom, or room for what is sparse now
    /// where that is less.
    fn headroom_bytes(&self) -> u64 {
        let share_bytes = (self.space.used_bytes() as f64 * self.headroom.unwrap_or(0.0)) as u64;
        share_bytes.min(self.space.sparse_bytes()).next_multiple_of(u64::from(BLOCK_BYTES))
    }

    /// Bytes that copies may take in a collection: the headroom, and in a heap at its limit whatever
    /// else is free.
    fn copies_bytes(&self, cause: Cause) -> u64 {
        let room_bytes = self.heap.room_bytes().saturating_sub(self.queue_peak_bytes);
        match cause {
            Cause::Exhausted => room_bytes,
            _ => room_bytes.min(self.headroom_bytes),
        }
    }

    fn filled_bytes(&self) -> u64 {
        self.space.filled_bytes() + self.large.used_bytes()
    }

    fn used_bytes(&self) -> u64 {
        self.space.used_bytes() + self.large.used_bytes()
    }
}
