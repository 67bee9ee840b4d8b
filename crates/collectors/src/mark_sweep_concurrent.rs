//! Concurrent mark-sweep: a collector thread marks and sweeps while the program runs (snapshot at the
//! beginning: Yuasa 1990; the phases of Printezis and Detlefs, "A generational mostly-concurrent
//! garbage collector", ISMM 2000; logs in chunks as in Detlefs, Flood, Heller and Printezis,
//! "Garbage-first garbage collection", ISMM 2004).
//!
//! 1. *Start*, a pause: when the free memory has shrunk to a share of the amount that the thread alone needs
//!    until it has marked all (see [`heap::Pacer`]), the roots are marked and pushed.
//! 2. *Mark*, on the collector thread, a slice at a time (see [`heap::SnapshotTracer`]). Objects that the
//!    program allocates meanwhile are black: recorded in bits that it alone writes, and never scanned.
//! 3. *Barrier*, while marking: the overwritten reference is logged, unless it is marked. Full chunks are
//!    handed over. The new reference is published by a releasing store, so that the marker, which loads
//!    acquiring, finds the bit of a new object. On x86-64 these are plain moves. Outside of marking the
//!    barrier is one test. A reference loaded from a weak slot is logged too, as if it had been in the
//!    snapshot.
//! 4. *Remark*, a pause: the thread has nothing left to mark. The program hands over the rest of its log
//!    and marks the objects that this shades; beyond a slice, the thread continues. *Termination*: no
//!    object is grey.
//! 5. *Process weak references*, in the same pause: weak slots, ephemerons, finalizable objects, and the
//!    objects that only they keep (see [`heap::ReferenceProcessor`]). Then large objects are swept.
//! 6. *Sweep*, on the collector thread. It owns every block of the space until it has swept it; the
//!    program allocates from blocks taken since, and from swept ones. It finds the free cells of a block
//!    lazily, when it reaches the block.
//! 7. *Assist*: where marking is late for the bytes allocated since the start, the program marks beside the
//!    thread, by as much as it is late. So the program pays for the memory that an early start would cost.
//! 8. *Outrun*: an allocation that finds no memory finishes the cycle at once. The pause is recorded as an
//!    allocation stall; the next cycles begin earlier.
//!
//! It does not move, and objects that die during a cycle stay until the end of the next. Not bounded are
//! the scan of the roots, the freeing of the large objects of a cycle, and at the remark a few nanoseconds
//! for each block, the scan of all weak slots, and the tracing of objects that only ephemerons and
//! finalizable objects keep. Where the program waits for the thread, it waits for a slice, which is short
//! if the thread has a processor: on a shared one, pauses are as long as the scheduler's.
//!
//! Measured on 195 MB of splay tree in three times that, in three runs on two idle processors: no allocation
//! stall, no pause above 0.2 ms, a third of mark-sweep's time in pauses, and in the worst 20 ms the program has
//! 0.23 of its processor time. The share of the needed memory with which cycles begin decides: where they
//! began at twice that, and the program assisted from the first byte, it had 0.43 of it for a quarter more
//! processor time in all.
//!
//! `collect`, and allocations that find no memory, do the work on the program's thread. Steps that tests
//! request let the thread do one slice and wait for it, or the program assist by one, so that each run is
//! the same; with `delay` they let the thread run, and delay hand-overs.

use heap::contract::*;
use heap::{
    ALL_SLICES, Colour, ConcurrentMarks, DELAY, InCycles, NonMovingSpace, Pace, Pacer, Phase,
    Slice, SnapshotTracer, Step,
};

/// Work of the thread between two checks whether the program needs it, and maximum work of the program in
/// a pause.
const SLICE: Slice = Slice { work: 4 * 1024, blocks: 64 };

/// The smallest slice, so that tests see every intermediate state.
const STEP: Slice = Slice { work: 1, blocks: 1 };

/// Bytes allocated from one poll of the collector to the next.
const POLL_BYTES: u64 = 16 * 1024;

/// Maximum swept blocks that the program takes at a time.
const MAX_TAKEN: u32 = 128;

/// A cycle begins when half of the memory is left that it needs unaided, within bounds; the program assists
/// to end it within that, in the second half of it.
const PACE: Pace = Pace {
    least_left: 0.05,
    most_left: 0.2,
    needed_factor: 0.5,
    expected_growth: None,
    pace_share: 0.8,
    unaided_share: 0.5,
    is_concurrent: true,
};

/// Marks and sweeps on a thread of its own.
#[derive(Debug)]
pub struct MarkSweepConcurrent {
    objects: NonMovingSpace<ConcurrentMarks>,
    tracer: SnapshotTracer,
    phase: Phase,
    pacer: Pacer,
    /// Objects and slots marked in this cycle.
    work: u64,
    /// Whether the thread does one slice for each step of a test, and waits.
    is_stepped: bool,
    /// Whether hand-overs are delayed.
    delays: bool,
}

impl Collector for MarkSweepConcurrent {
    const CAPS: Caps = Caps { barrier: Barrier::Deletion, ..Caps::TRACING };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE, DELAY];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut objects = NonMovingSpace::new(heap)?;
        let delay_us = config.whole(&DELAY) as u64;
        Ok(Self {
            tracer: SnapshotTracer::new(&objects, config.whole(&PREFETCH), delay_us)?,
            phase: Phase::Idle,
            pacer: Pacer::new(config, PACE, &mut objects),
            work: 0,
            is_stepped: false,
            delays: delay_us > 0,
            objects,
        })
    }

    traced!(objects; tracer; collect_at_once);

    // ---- the algorithm: barriers ----------------------------------------------------------------

    /// **Rule:** while marking, the reference overwritten in a strong slot is logged. The new one is always
    /// published by a releasing store, so that the marker finds the bit of a new object.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        if slot.kind.is_weak() {
            return slot.write(cx.memory(), new);
        }
        if self.phase == Phase::Marking {
            self.log_overwritten(cx, slot);
        }
        cx.memory().publish(slot.object, slot.at, new.bits());
    }

    /// **Rule:** while marking, a reference loaded from a weak slot is logged, as if it had been in the
    /// snapshot.
    #[inline(always)]
    fn load(&self, _: &Context, kind: SlotKind, value: Value) -> Value {
        if kind.is_weak()
            && self.phase == Phase::Marking
            && let Some(object) = value.reference()
        {
            self.tracer.log(object);
        }
        value
    }
}

// ---- the algorithm: phases ----------------------------------------------------------------------

impl MarkSweepConcurrent {
    #[cold]
    #[inline(never)]
    fn log_overwritten(&self, cx: &Context, slot: ObjectSlot) {
        if let Some(old) = slot.read(cx.memory()).reference() {
            self.tracer.log(old);
        }
    }

    /// The thread has nothing left to mark. **Termination:** neither has the program, which marks at most
    /// `most` of its log; otherwise the thread continues.
    fn remark(&mut self, cx: &mut Context, most: Slice) {
        if self.tracer.mark_some(most.work) {
            return self.tracer.set_credit(if self.is_stepped { 0 } else { ALL_SLICES });
        }
        self.tracer.trace_weak(&mut cx.weak);
        self.work = self.tracer.done();
        self.pacer.marked(self.work);
        self.pacer.sizer.reserve_queue(self.tracer.metadata_bytes());
        self.tracer.hand_to_sweeper(&mut self.objects);
        self.phase = Phase::Sweeping;
        if !self.is_stepped {
            // The program needs blocks to allocate from.
            self.sweep(cx, most.blocks, MAX_TAKEN);
        }
        if self.phase == Phase::Sweeping && !self.is_stepped {
            self.tracer.set_credit(ALL_SLICES);
        }
    }

    /// Sweeps at most `most` blocks on this thread and takes at most `max_taken` swept ones; with the last
    /// of them the cycle ends.
    fn sweep(&mut self, cx: &Context, most: u32, max_taken: u32) {
        if !self.tracer.sweep_some(&mut self.objects, most, max_taken) {
            self.cycle_ended(cx);
        }
    }

    fn cycle_ended(&mut self, cx: &Context) {
        (self.phase, self.is_stepped) = (Phase::Idle, false);
        self.tracer.end();
        self.pacer.cycle_ended(cx, &mut self.objects, self.work);
    }
}

impl InCycles for MarkSweepConcurrent {
    type Marks = ConcurrentMarks;

    fn space_and_pacer(&mut self) -> (&mut NonMovingSpace<ConcurrentMarks>, &mut Pacer) {
        (&mut self.objects, &mut self.pacer)
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    /// The thread does not run until it gets credit.
    fn start_cycle(&mut self, cx: &mut Context, cause: Cause) {
        self.phase = Phase::Marking;
        self.objects.small.begin_black();
        let slice = if self.is_stepped { STEP } else { SLICE };
        self.tracer.begin(cx.roots.iter().map(|root| root.object), slice);
        self.pacer.cycle_began(cx, &self.objects, cause);
        self.pacer.set_credit(&mut self.objects, POLL_BYTES);
    }

    fn finish_cycle(&mut self, cx: &mut Context) {
        while self.phase == Phase::Marking {
            self.remark(cx, Slice::ALL);
        }
        while self.phase == Phase::Sweeping {
            self.sweep(cx, u32::MAX, u32::MAX);
        }
    }

    /// Does the program's part, by the progress of the thread.
    fn poll(&mut self, cx: &mut Context) {
        if self.phase == Phase::Idle {
            let pause = cx.log.begin_pause();
            self.start_cycle(cx, Cause::Growth);
            self.tracer.set_credit(ALL_SLICES);
            return cx.log.end_pause(pause, PauseKind::Stw);
        }
        self.pacer.count_spent(&mut self.objects);
        self.pacer.set_credit(&mut self.objects, POLL_BYTES);
        if self.is_stepped {
            return;
        }
        let mut late_work = 0;
        if self.phase == Phase::Marking {
            self.tracer.hand_over();
            late_work = self.pacer.late_work(self.tracer.done(), SLICE.work);
            if !self.tracer.is_dry() && late_work == 0 {
                return;
            }
        }
        let pause = cx.log.begin_pause();
        let mut kind = PauseKind::Increment;
        if self.phase == Phase::Sweeping {
            if !self.tracer.take_swept(&mut self.objects, MAX_TAKEN) {
                self.cycle_ended(cx);
            }
        } else if self.tracer.is_dry() || !self.tracer.assist(late_work) {
            kind = PauseKind::Stw;
            self.remark(cx, SLICE);
        }
        cx.log.end_pause(pause, kind);
    }

    fn alloc_sweeping(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        if self.phase != Phase::Sweeping {
            return None;
        }
        let pause = cx.log.begin_pause();
        let mut object = None;
        while self.phase == Phase::Sweeping && object.is_none() {
            self.sweep(cx, SLICE.blocks, MAX_TAKEN);
            object = self.alloc_without_collecting(cx, layout);
        }
        cx.log.end_pause(pause, PauseKind::Increment);
        object
    }
}

// ---- in steps, for tests ------------------------------------------------------------------------

impl MarkSweepConcurrent {
    /// Lets the thread or the program do a slice, and takes the blocks that the thread has swept.
    fn advance(&mut self, cx: &mut Context) {
        let assists = self.phase == Phase::Marking && self.is_stepped;
        let assists = assists && !self.tracer.done().is_multiple_of(2);
        if self.phase == Phase::Marking && self.tracer.is_dry()
            || assists && !self.tracer.assist(STEP.work)
        {
            return self.remark(cx, SLICE);
        }
        if assists {
            return;
        }
        if self.is_stepped {
            // The log is not handed over, so that the remark has objects to mark.
            self.tracer.set_credit(1);
            self.tracer.wait();
        } else {
            self.tracer.hand_over();
        }
        if self.phase == Phase::Sweeping && !self.tracer.take_swept(&mut self.objects, u32::MAX) {
            self.cycle_ended(cx);
        }
    }
}

impl Inspect for MarkSweepConcurrent {
    /// Known only while the thread waits for the next step: otherwise it marks meanwhile.
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        let is_still = self.phase == Phase::Marking && self.is_stepped;
        is_still.then(|| match (self.tracer.is_grey(object), self.tracer.is_traced(object)) {
            (true, _) => Colour::Grey,
            (false, true) => Colour::Black,
            _ if self.tracer.is_new(object) => Colour::Black,
            _ => Colour::White,
        })
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        let pause = cx.log.begin_pause();
        match (step, self.phase) {
            (Step::Start, Phase::Idle) => {
                self.is_stepped = !self.delays;
                self.start_cycle(cx, Cause::Requested);
                if !self.is_stepped {
                    self.tracer.set_credit(ALL_SLICES);
                }
            }
            (Step::Start, _) | (Step::Advance, Phase::Idle) => {}
            (Step::Advance, _) => self.advance(cx),
            (Step::Finish, _) => self.finish_cycle(cx),
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }

    fn threads(&self) -> u32 {
        2
    }
}
