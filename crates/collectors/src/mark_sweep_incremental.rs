//! Incremental mark-sweep: the tricolour abstraction (Dijkstra, Lamport, Martin, Scholten and Steffens,
//! "On-the-fly garbage collection: an exercise in cooperation", 1978), in slices that allocation pays.
//!
//! 1. *Start*: when most of what was free after the last cycle has been allocated, the roots turn grey.
//!    White is what has no mark, grey what waits in [`heap::Greys`], black what has been looked at.
//! 2. *Mark* in slices. Every few blocks that allocation enters, it pays for the bytes it has used with
//!    work in proportion, so that marking ends before the free memory does. A slice is cut off at
//!    [`SLICE_WORK`]; what is then owed is paid by the next. Long arrays are looked at in pieces.
//! 3. *Barrier*, while marking. By default the deletion barrier of Yuasa ("Real-time garbage collection
//!    on general-purpose machines", 1990): a reference that is overwritten turns grey, so whatever was
//!    reachable at the start is marked, and new objects are black. With `DIJKSTRA` the insertion
//!    barrier: a reference that is stored turns grey, new objects are white, and the roots, whose
//!    changes no barrier sees, are looked at again until they show nothing new.
//!    When nothing is grey any more, weak slots, ephemerons and finalizable objects are looked at (see
//!    [`heap::WeakTables`]). Until then the program can still take from there what nobody has reached, so
//!    with the deletion barrier that turns grey, as if it had been in the snapshot.
//! 4. *Sweep* in slices of [`SWEEP_BLOCKS`], lazily within a block, as [`crate::MarkSweep`] does.
//! 5. *Outrun*: an allocation that finds no memory while a cycle is under way finishes it at once. The
//!    pause is recorded as an allocation stall.
//!
//! It does not move, and keeps garbage for a cycle longer than stopping the world would. Three parts of
//! its pauses are not bounded: looking at the roots once, looking at weak slots and tracing what only
//! ephemerons and finalizable objects keep, and freeing the large objects of a cycle. Free
//! cells count as free memory though they may be of the wrong size: a program that changes the sizes it
//! allocates can outrun it.
//!
//! Measured on 195 MB of splay tree in 2.5 times that: slices of at most 0.3 ms with either barrier.
//! Yuasa's is the default, for it ends when the snapshot is marked; Dijkstra's goes on to what is new,
//! and is outrun more easily.
//!
//! Longer than its neighbours because a third of it is pacing: when a cycle begins, what a slice is to
//! pay, and what happens when that was not enough.

use heap::{
    BLOCK_BYTES, Caps, Cause, Collector, Colour, Config, Context, Footprint, GROWTH, Greys, Heap,
    Layout, ObjectReference, ObjectSpace, Occupancy, Offset32, OutOfMemory, PREFETCH, PRICE,
    Parameter, PauseKind, SIZER, Sizer, SlotKind, Step, Value, mutant,
};
use std::io;

/// The most that a slice marks, in objects and slots. Measured: a quarter of a millisecond where the
/// next objects are prefetched in time, 1.5 in a shuffled list, which cannot be.
const SLICE_WORK: u64 = 16 * 1024;

/// Blocks that a slice sweeps.
const SWEEP_BLOCKS: u32 = 256;

/// Bytes that may be allocated from one slice of a cycle to the next.
const SLICE_BYTES: u64 = 16 * 1024;

/// Marking is to be done when this share of what was free at the start of a cycle has been used.
const PACE_SHARE: f64 = 0.6;

/// How much more work than in the last cycle is expected: what the program holds may have grown.
const EXPECTED_GROWTH: f64 = 1.25;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Idle,
    Marking,
    Sweeping,
}

/// Marks and sweeps in slices, with Yuasa's barrier or Dijkstra's.
#[derive(Debug)]
pub struct MarkSweepIncremental<const DIJKSTRA: bool = false> {
    objects: ObjectSpace,
    greys: Greys,
    phase: Phase,
    /// How much memory counts as free.
    sizer: Sizer,
    /// Why the cycle under way began, and the bytes of cells that were allocated then.
    cause: Cause,
    occupied_bytes: u64,
    /// Allowance that was given last, and bytes allocated that no slice has paid for yet.
    allowed_bytes: u64,
    owed_bytes: u64,
    /// Work to be done per byte allocated, in this cycle.
    work_per_byte: f64,
    /// Objects and slots looked at in this cycle, and in the last.
    work: u64,
    last_work: u64,
}

impl<const DIJKSTRA: bool> Collector for MarkSweepIncremental<DIJKSTRA> {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut new = Self {
            objects: ObjectSpace::with_marks(heap)?,
            greys: Greys::new(heap, config.whole(&PREFETCH))?,
            phase: Phase::Idle,
            sizer: Sizer::new(heap, config),
            cause: Cause::Requested,
            occupied_bytes: 0,
            allowed_bytes: 0,
            owed_bytes: 0,
            work_per_byte: 0.0,
            work: 0,
            last_work: 0,
        };
        new.await_cycle(0);
        Ok(new)
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn footprint(&self) -> Footprint {
        self.objects.footprint(self.greys.metadata_bytes())
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

    #[inline(always)]
    fn store(&self, _: &Context, object: ObjectReference, at: Offset32, _: SlotKind, new: Value) {
        if self.phase == Phase::Marking {
            self.barrier(object, at, new);
        }
        self.heap().memory().write(object, at, new.bits());
    }

    #[inline(always)]
    fn moved(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        self.store(cx, object, at, SlotKind::Own, new);
    }

    #[inline(always)]
    fn load_hidden(&self, _: &Context, value: Value) -> Value {
        if let Some(object) = value.reference()
            && self.phase == Phase::Marking
            && !DIJKSTRA
        {
            self.shade(object);
        }
        value
    }

    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        (self.phase == Phase::Marking).then(|| match self.objects.is_marked(object) {
            false => Colour::White,
            true if self.greys.contains(object) => Colour::Grey,
            true => Colour::Black,
        })
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        let pause = cx.log.begin_pause();
        // What is under way keeps what has died since; only another cycle is exact.
        if self.phase == Phase::Marking {
            cx.weak.postpone();
        }
        self.finish(cx);
        self.start(cx, cause);
        self.finish(cx);
        cx.log.end_pause(pause, PauseKind::Stw);
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        let pause = cx.log.begin_pause();
        match (step, self.phase) {
            (Step::Start, Phase::Idle) => self.start(cx, Cause::Requested),
            (Step::Start, _) => {}
            // As little as can be, so that tests see every state in between.
            (Step::Advance, _) => self.advance(cx, 1, 1),
            (Step::Finish, _) => self.finish(cx),
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}

// ---- a cycle ------------------------------------------------------------------------------------

impl<const DIJKSTRA: bool> MarkSweepIncremental<DIJKSTRA> {
    /// A cycle begins when this share of the free memory is left. The later, the fewer cycles, and the less
    /// floats: new objects are black. Dijkstra's barrier goes on to what is new, so it begins earlier. Measured
    /// on the large splay tree with Yuasa's: 5 cycles at 0.4, 4 at 0.25, and a sixth less time; no stall.
    const START_SHARE: f64 = if DIJKSTRA { 0.4 } else { 0.25 };

    /// The roots turn grey.
    fn start(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        self.phase = Phase::Marking;
        if !DIJKSTRA {
            self.objects.begin_black();
        }
        self.shade_roots(cx);
        self.work = 0;
        // No object has more slots than its bytes divided by four.
        let occupied_bytes = self.objects.occupied().bytes;
        (self.cause, self.occupied_bytes) = (cause, occupied_bytes);
        let most = occupied_bytes as f64 / 4.0;
        let expected = if self.last_work == 0 { most } else { self.last_work as f64 };
        let expected = (expected * EXPECTED_GROWTH).min(most);
        let free_bytes = self.free_bytes(occupied_bytes).max(u64::from(BLOCK_BYTES));
        self.work_per_byte = expected / (free_bytes as f64 * PACE_SHARE);
    }

    /// Does a part of the cycle that is under way.
    fn advance(&mut self, cx: &mut Context, most_work: u64, most_blocks: u32) {
        match self.phase {
            Phase::Idle => {}
            Phase::Marking => self.mark(cx, most_work),
            Phase::Sweeping => {
                if !self.objects.sweep_some(most_blocks) {
                    self.rest(cx);
                }
            }
        }
    }

    fn finish(&mut self, cx: &mut Context) {
        while self.phase != Phase::Idle {
            self.advance(cx, u64::MAX, u32::MAX);
        }
    }

    fn mark(&mut self, cx: &mut Context, most_work: u64) {
        let mut done = 0;
        loop {
            done += self.objects.trace_some(&mut self.greys, most_work.saturating_sub(done));
            self.sizer.keep_free(self.greys.metadata_bytes());
            if !self.greys.is_empty() {
                break;
            }
            let again = DIJKSTRA && !mutant!(self.heap().memory(), "roots are looked at once only");
            if !(again && self.shade_roots(cx)) {
                done += self.objects.trace_hidden_greys(&mut self.greys, &mut cx.weak);
                self.sizer.keep_free(self.greys.metadata_bytes());
                self.objects.begin_sweep();
                self.phase = Phase::Sweeping;
                break;
            }
        }
        self.work += done;
    }

    /// Tells whether there was a white one.
    fn shade_roots(&self, cx: &Context) -> bool {
        let mut any = false;
        for root in cx.roots.iter() {
            any |= self.shade(root.object);
        }
        any
    }

    #[inline(always)]
    fn shade(&self, object: ObjectReference) -> bool {
        let is_new = self.objects.shade(object);
        if is_new {
            self.greys.push(object);
        }
        is_new
    }

    #[inline(always)]
    fn barrier(&self, object: ObjectReference, at: Offset32, new: Value) {
        let memory = self.heap().memory();
        let old = Value::from_bits(memory.read(object, at));
        let other = mutant!(memory, "a barrier shades the other reference");
        let shaded = if DIJKSTRA != other { new } else { old };
        if let Some(object) = shaded.reference()
            && !mutant!(memory, "a barrier shades nothing")
        {
            self.shade(object);
        }
    }

    /// The cycle is over.
    fn rest(&mut self, cx: &Context) {
        self.phase = Phase::Idle;
        self.greys.shrink();
        self.last_work = self.work;
        let cycle = self.objects.cycle(self.cause, self.occupied_bytes, &cx.log);
        self.sizer.collected(cycle);
        self.await_cycle(cycle.survived_bytes);
    }

    /// So much may be allocated until the next cycle begins.
    fn await_cycle(&mut self, occupied_bytes: u64) {
        let free_bytes = self.free_bytes(occupied_bytes);
        self.allow((free_bytes as f64 * (1.0 - Self::START_SHARE)) as u64);
        self.owed_bytes = 0;
    }

    /// Bytes that can be allocated without reclaiming any: free cells and blocks.
    fn free_bytes(&self, occupied_bytes: u64) -> u64 {
        let used_bytes = self.objects.used_bytes();
        let growth_bytes = self.sizer.growth_bytes(used_bytes, self.heap().room_bytes());
        growth_bytes.saturating_add(used_bytes.saturating_sub(occupied_bytes))
    }

    fn allow(&mut self, bytes: u64) {
        self.allowed_bytes = bytes;
        self.objects.allow(bytes);
    }
}

// ---- allocation ---------------------------------------------------------------------------------

impl<const DIJKSTRA: bool> MarkSweepIncremental<DIJKSTRA> {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if self.objects.allowance_bytes() <= 0 {
            self.pay(cx);
        }
        if let Some(object) = self.alloc_without_collecting(layout) {
            return Ok(object);
        }
        let used_bytes = self.objects.used_bytes();
        if self.sizer.is_futile(self.objects.occupied().bytes, used_bytes) {
            return Err(self.heap().refuse(layout));
        }
        let pause = cx.log.begin_pause();
        let mut object = None;
        if self.phase != Phase::Idle {
            self.finish(cx);
            object = self.alloc_without_collecting(layout);
        }
        if object.is_none() {
            self.start(cx, Cause::Exhausted);
            self.finish(cx);
            object = self.objects.alloc_after_collecting(layout);
        }
        cx.log.end_pause(pause, PauseKind::AllocStall);
        object.ok_or_else(|| self.heap().refuse(layout))
    }

    /// A slice of work for what has been allocated since the last one.
    fn pay(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        if self.phase == Phase::Idle {
            self.start(cx, Cause::Growth);
        } else {
            let spent_bytes = self.allowed_bytes as i64 - self.objects.allowance_bytes();
            let owed_bytes = self.owed_bytes + spent_bytes.max(0) as u64;
            let work = (owed_bytes as f64 * self.work_per_byte) as u64;
            let unpaid = work.saturating_sub(SLICE_WORK) as f64 / self.work_per_byte.max(1e-9);
            self.owed_bytes = unpaid as u64;
            self.advance(cx, work.clamp(1, SLICE_WORK), SWEEP_BLOCKS);
        }
        if self.phase != Phase::Idle {
            self.allow(SLICE_BYTES);
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }

    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let may_grow = self.sizer.unreserved_bytes(self.heap().room_bytes()) > 0;
        self.objects.alloc_without_collecting(layout, may_grow)
    }
}
