//! Concurrent mark-sweep: a collector thread marks and sweeps while the program runs (snapshot at the
//! beginning: Yuasa 1990; the phases of Printezis and Detlefs, "A generational mostly-concurrent
//! garbage collector", ISMM 2000; logs in chunks as in Detlefs, Flood, Heller and Printezis,
//! "Garbage-first garbage collection", ISMM 2004).
//!
//! 1. *Start*, a pause: when no more memory is free than will be needed until a cycle has ended, the
//!    roots are marked and pushed.
//! 2. *Mark*, on the collector thread, a slice at a time (see [`heap::SnapshotTracer`]). What the program
//!    allocates meanwhile is black: noted in bits that it alone writes, and never looked at.
//! 3. *Barrier*, while marking: the reference that is overwritten is logged, unless it is marked. Full
//!    chunks are handed over. The new reference is published by a releasing store, so that the marker,
//!    which loads acquiring, finds the bit that says whether its object is new. On x86-64 these are
//!    plain moves. While nothing is marked the barrier is one test. What the program takes from a weak
//!    slot meanwhile is logged too, as if it had been in the snapshot.
//! 4. *Remark*, a pause: the collector is dry. The program hands over the rest of its log and marks what
//!    that shows; if it is more than a slice, the collector goes on. Then weak slots, ephemerons and
//!    finalizable objects are looked at, and what only they keep is traced (see [`heap::WeakTables`]). At
//!    last the large objects are swept.
//! 5. *Sweep*, on the collector thread. It owns every block of the space until it has swept it; the
//!    program allocates from those that it has taken since, or got back. It finds the free cells of a
//!    block lazily, when it gets there.
//! 6. *Outrun*: once the program has used more than the cycle was to need, it marks a part itself for
//!    what it allocates. An allocation that finds no memory finishes the cycle at once. The pause is
//!    recorded as an allocation stall.
//!
//! It does not move, and what dies during a cycle stays until the end of the next. Not bounded are the
//! look at the roots, the freeing of the large objects of a cycle, and at the remark a few nanoseconds
//! for each block, the look at all weak slots, and the tracing of what only ephemerons and finalizable
//! objects keep. Where the program waits for the thread, it waits for a slice, which is short if the
//! thread has a processor: on one that is shared, pauses are as long as the scheduler's.
//!
//! Measured on 195 MB of splay tree in three times that, in twelve runs on an idle machine of two
//! processors: no allocation stall, no pause above 1.1 ms of the program's own processor time, and in the
//! worst 20 ms the program has 0.63 to 0.80 of it (0.39 to 0.64 by the clock, for it waits for the thread's
//! slices). It allocates a quarter of the heap while the thread marks: so cycles begin early, and it helps
//! early. Where they began later, and it helped later and more, it had 0.58 to 0.66.
//!
//! `collect` and what runs out of memory work on the program's thread. Steps that tests ask for let the
//! thread do one slice and wait for it, so that a program plays the same each time; with `delay` they let
//! it run, and hold hand-overs up.
//!
//! Longer than its neighbours for the same reason as [`crate::MarkSweepIncremental`]: half of it is
//! pacing.

use heap::{
    ALL_SLICES, BLOCK_BYTES, Caps, Cause, Collector, Colour, Config, Context, Cycle, DELAY,
    Footprint, GROWTH, Heap, Layout, ObjectReference, ObjectSpace, Occupancy, Offset32,
    OutOfMemory, PREFETCH, PRICE, Parameter, PauseKind, SIZER, Sizer, Slice, SlotKind,
    SnapshotTracer, Step, Value, mutant,
};
use std::io;

/// What the thread does before it looks whether the program wants something, and the most that the
/// program does in a pause.
const SLICE: Slice = Slice { work: 4 * 1024, blocks: 64 };

/// As little as can be, so that tests see every state in between.
const STEP: Slice = Slice { work: 1, blocks: 1 };

/// Bytes that may be allocated from one look at the collector to the next.
const LOOK_BYTES: u64 = 16 * 1024;

/// Blocks that the program takes back at a time.
const MOST_BACK: u32 = 128;

/// A cycle begins when this share of the free memory is left; after the first cycle, when so many times
/// what was allocated during the last one is left, within these bounds.
const FIRST_SHARE: f64 = 0.9;
const LEAST_SHARE: f64 = 0.4;
const NEEDED_FACTOR: f64 = 3.0;

/// The program helps once this share of what was free at the start of a cycle has been used.
const UNAIDED_SHARE: f64 = 0.3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Idle,
    Marking,
    Sweeping,
}

/// Marks and sweeps on a thread of its own.
#[derive(Debug)]
pub struct MarkSweepConcurrent {
    objects: ObjectSpace,
    tracer: SnapshotTracer,
    phase: Phase,
    /// Whether the cycle under way goes on when it is told to, for tests.
    is_stepped: bool,
    /// Whether hand-overs are held up.
    delays: bool,
    /// How much memory counts as free.
    sizer: Sizer,
    /// Why the cycle under way began, the bytes of cells that were allocated then, and when, ns.
    cause: Cause,
    occupied_bytes: u64,
    began_ns: u64,
    /// The time of all cycles so far, ns.
    collecting_ns: u64,
    /// Allowance that was given last, and bytes that were allocated in this cycle, and in the last.
    allowed_bytes: u64,
    spent_bytes: u64,
    last_spent_bytes: Option<u64>,
    /// From so many bytes on the program helps, with so much marking per byte.
    unaided_bytes: u64,
    work_per_byte: f64,
    /// Marking that the last cycle took.
    last_work: u64,
}

impl Collector for MarkSweepConcurrent {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE, DELAY];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let objects = ObjectSpace::with_marks_beside(heap)?;
        let delay_us = config.whole(&DELAY) as u64;
        let mut new = Self {
            tracer: SnapshotTracer::new(&objects, config.whole(&PREFETCH), delay_us)?,
            objects,
            phase: Phase::Idle,
            is_stepped: false,
            delays: delay_us > 0,
            sizer: Sizer::new(heap, config),
            cause: Cause::Requested,
            occupied_bytes: 0,
            began_ns: 0,
            collecting_ns: 0,
            allowed_bytes: 0,
            spent_bytes: 0,
            last_spent_bytes: None,
            unaided_bytes: 0,
            work_per_byte: 0.0,
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
        self.objects.footprint(self.tracer.metadata_bytes())
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
        self.heap().memory().publish(object, at, new.bits());
    }

    #[inline(always)]
    fn moved(&self, cx: &Context, object: ObjectReference, at: Offset32, new: Value) {
        self.store(cx, object, at, SlotKind::Own, new);
    }

    #[inline(always)]
    fn load_hidden(&self, _: &Context, value: Value) -> Value {
        if let Some(object) = value.reference()
            && self.phase == Phase::Marking
        {
            self.tracer.log(object);
        }
        value
    }

    /// Only while the thread waits for the next step: what it marks meanwhile would be seen in part.
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        let is_still = self.phase == Phase::Marking && self.is_stepped;
        is_still.then(|| match (self.tracer.is_grey(object), self.tracer.is_traced(object)) {
            (true, _) => Colour::Grey,
            (false, true) => Colour::Black,
            _ if self.tracer.is_new(object) => Colour::Black,
            _ => Colour::White,
        })
    }

    fn threads(&self) -> u32 {
        2
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
            (Step::Start, Phase::Idle) => {
                self.is_stepped = !self.delays;
                self.start(cx, Cause::Requested);
                if !self.is_stepped {
                    self.tracer.allow(ALL_SLICES);
                }
            }
            (Step::Start, _) | (Step::Advance, Phase::Idle) => {}
            (Step::Advance, _) => self.advance(cx),
            (Step::Finish, _) => self.finish(cx),
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}

// ---- a cycle ------------------------------------------------------------------------------------

impl MarkSweepConcurrent {
    /// The roots turn grey. The thread is not told to go on yet.
    fn start(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        self.phase = Phase::Marking;
        self.objects.begin_black();
        let slice = if self.is_stepped { STEP } else { SLICE };
        self.tracer.begin(cx.roots.iter().map(|root| root.object), slice);
        let occupied_bytes = self.objects.occupied().bytes;
        // What the program holds may have grown since the last cycle.
        let growth = (occupied_bytes as f64 / self.occupied_bytes.max(1) as f64).max(1.0);
        (self.cause, self.occupied_bytes) = (cause, occupied_bytes);
        self.began_ns = cx.log.now_ns();
        let free_bytes = self.free_bytes(occupied_bytes).max(u64::from(BLOCK_BYTES));
        (self.spent_bytes, self.unaided_bytes) = (0, (free_bytes as f64 * UNAIDED_SHARE) as u64);
        // No object has more slots than its bytes divided by four.
        let most = occupied_bytes as f64 / 4.0;
        let expected = if self.last_work == 0 { most } else { self.last_work as f64 * growth };
        self.work_per_byte = expected.min(most) / free_bytes as f64;
        self.allow(LOOK_BYTES);
    }

    /// Lets the thread do a slice, and takes over what it has done.
    fn advance(&mut self, cx: &mut Context) {
        if self.phase == Phase::Marking && self.tracer.is_dry() {
            return self.remark(cx, SLICE);
        }
        if self.is_stepped {
            // The log is kept back, so that the remark finds something.
            self.tracer.allow(1);
            self.tracer.wait();
        } else {
            self.tracer.hand_over();
        }
        if self.phase == Phase::Sweeping && !self.tracer.take_back(&mut self.objects, u32::MAX) {
            self.rest(cx);
        }
    }

    /// The thread has nothing more to mark. Neither has the program, or the thread goes on.
    fn remark(&mut self, cx: &mut Context, most: Slice) {
        let is_skipped = mutant!(self.heap().memory(), "a remark is skipped");
        if !(is_skipped && self.tracer.is_dry()) && self.tracer.mark_some(most.work) {
            return self.tracer.allow(if self.is_stepped { 0 } else { ALL_SLICES });
        }
        self.tracer.trace_hidden(&mut cx.weak);
        self.last_work = self.tracer.done();
        self.sizer.keep_free(self.tracer.metadata_bytes());
        self.tracer.lend(&mut self.objects);
        self.phase = Phase::Sweeping;
        if !self.is_stepped {
            // So that there is something to allocate from.
            self.sweep(cx, most.blocks, MOST_BACK);
        }
        if self.phase == Phase::Sweeping && !self.is_stepped {
            self.tracer.allow(ALL_SLICES);
        }
    }

    /// Sweeps some blocks on this thread and takes back some that have been swept; with the last of them
    /// the cycle ends.
    fn sweep(&mut self, cx: &Context, most: u32, most_back: u32) {
        if !self.tracer.sweep_some(&mut self.objects, most, most_back) {
            self.rest(cx);
        }
    }

    /// All that is left of the cycle under way, on this thread.
    fn finish(&mut self, cx: &mut Context) {
        while self.phase == Phase::Marking {
            self.remark(cx, Slice::ALL);
        }
        while self.phase == Phase::Sweeping {
            self.sweep(cx, u32::MAX, u32::MAX);
        }
    }

    #[cold]
    #[inline(never)]
    fn barrier(&self, object: ObjectReference, at: Offset32, new: Value) {
        let memory = self.heap().memory();
        let old = Value::from_bits(memory.read(object, at));
        let is_wrong = mutant!(memory, "a barrier shades the other reference");
        let logged = if is_wrong { new } else { old };
        if let Some(object) = logged.reference()
            && !mutant!(memory, "a barrier shades nothing")
        {
            self.tracer.log(object);
        }
    }

    /// The cycle is over.
    fn rest(&mut self, cx: &Context) {
        self.phase = Phase::Idle;
        self.is_stepped = false;
        self.tracer.end();
        self.count_spent();
        self.last_spent_bytes = Some(self.spent_bytes);
        let cycle = self.objects.cycle(self.cause, self.occupied_bytes, &cx.log);
        self.collecting_ns += cycle.ended_ns - self.began_ns;
        self.sizer.collected(Cycle { collecting_ns: self.collecting_ns, ..cycle });
        self.await_cycle(cycle.survived_bytes);
    }

    /// So much may be allocated until the next cycle begins.
    fn await_cycle(&mut self, occupied_bytes: u64) {
        let free_bytes = self.free_bytes(occupied_bytes) as f64;
        let needed_bytes = self.last_spent_bytes.map_or(f64::MAX, |b| b as f64 * NEEDED_FACTOR);
        let left_bytes = needed_bytes.clamp(free_bytes * LEAST_SHARE, free_bytes * FIRST_SHARE);
        self.allow((free_bytes - left_bytes) as u64);
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

    /// Counts what has been allocated of the allowance. Returns how much that is.
    fn count_spent(&mut self) -> u64 {
        let spent_bytes = self.allowed_bytes as i64 - self.objects.allowance_bytes();
        let spent_bytes = spent_bytes.max(0) as u64;
        self.spent_bytes += spent_bytes;
        self.allow(LOOK_BYTES);
        spent_bytes
    }
}

// ---- allocation ---------------------------------------------------------------------------------

impl MarkSweepConcurrent {
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        if self.objects.allowance_bytes() <= 0 {
            self.look(cx);
        }
        if let Some(object) = self.alloc_without_collecting(layout) {
            return Ok(object);
        }
        if let Some(object) = self.alloc_swept(cx, layout) {
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

    /// Looks how far the thread has come, and does what is the program's part.
    fn look(&mut self, cx: &mut Context) {
        if self.phase == Phase::Idle {
            let pause = cx.log.begin_pause();
            self.start(cx, Cause::Growth);
            self.tracer.allow(ALL_SLICES);
            return cx.log.end_pause(pause, PauseKind::Stw);
        }
        let spent_bytes = self.count_spent();
        if self.is_stepped {
            return;
        }
        if self.phase == Phase::Marking {
            self.tracer.hand_over();
            if !self.tracer.is_dry() && self.spent_bytes <= self.unaided_bytes {
                return;
            }
        }
        let pause = cx.log.begin_pause();
        let mut kind = PauseKind::Increment;
        if self.phase == Phase::Sweeping {
            if !self.tracer.take_back(&mut self.objects, MOST_BACK) {
                self.rest(cx);
            }
        } else if self.tracer.is_dry() {
            kind = PauseKind::Stw;
            self.remark(cx, SLICE);
        } else {
            let work = (spent_bytes as f64 * self.work_per_byte) as u64;
            self.tracer.mark_some(work.clamp(1, SLICE.work));
        }
        cx.log.end_pause(pause, kind);
    }

    /// Sweeps until there is a cell, if a sweep is under way.
    fn alloc_swept(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        if self.phase != Phase::Sweeping {
            return None;
        }
        let pause = cx.log.begin_pause();
        let mut object = None;
        while self.phase == Phase::Sweeping && object.is_none() {
            self.sweep(cx, SLICE.blocks, MOST_BACK);
            object = self.alloc_without_collecting(layout);
        }
        cx.log.end_pause(pause, PauseKind::Increment);
        object
    }

    fn alloc_without_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        let may_grow = self.sizer.unreserved_bytes(self.heap().room_bytes()) > 0;
        self.objects.alloc_without_collecting(layout, may_grow)
    }
}
