//! Incremental mark-sweep: the tricolour abstraction (Dijkstra, Lamport, Martin, Scholten and Steffens,
//! "On-the-fly garbage collection: an exercise in cooperation", 1978), in slices that allocation pays for.
//!
//! 1. *Start*: when most of the memory that was free after the last cycle has been allocated, the roots
//!    turn grey. White objects have no mark, grey ones wait in [`heap::GreyQueue`], black ones are scanned.
//! 2. *Mark* in slices. Every few blocks, allocation assists in proportion to the bytes it has used, so
//!    that marking ends before the free memory does. A slice is cut off at [`SLICE_WORK`]; the next one
//!    pays the remaining debt. Long arrays are scanned in pieces.
//! 3. *Barrier*, while marking. By default the deletion barrier of Yuasa ("Real-time garbage collection
//!    on general-purpose machines", 1990): an overwritten reference turns grey, so every object reachable
//!    at the start is marked, and new objects are black. With `DIJKSTRA` the insertion barrier: a stored
//!    reference turns grey, and new objects are white.
//! 4. *Terminate* when no object is grey. With `DIJKSTRA` the roots, whose changes no barrier sees, are
//!    first scanned again until none of them is white.
//! 5. *Process weak references*: weak slots, ephemerons, finalizable objects (see
//!    [`heap::ReferenceProcessor`]). Until then the program can load an unreached object from such a slot;
//!    with the deletion barrier it turns grey, as if it had been in the snapshot.
//! 6. *Sweep* in slices of [`SWEEP_BLOCKS`], lazily within a block, as [`crate::MarkSweep`] does.
//! 7. *Outrun*: an allocation that finds no memory while a cycle is under way finishes it at once. The
//!    pause is recorded as an allocation stall.
//!
//! It does not move, and keeps garbage for a cycle longer than stopping the world would. Three parts of
//! its pauses are not bounded: scanning the roots once; scanning weak slots and tracing the objects that
//! only ephemerons and finalizable objects keep; and freeing the large objects of a cycle. Free cells count
//! as free memory though they may be of the wrong size: a program that changes the sizes it allocates can
//! outrun it.
//!
//! Measured on 195 MB of splay tree in 2.5 times that: slices of at most 0.3 ms with either barrier.
//! Yuasa's is the default, because it ends when the snapshot is marked; Dijkstra's also marks new objects,
//! and is outrun more easily.

use heap::contract::*;
use heap::{Colour, GreyQueue, InCycles, MarkBits, NonMovingSpace, Pace, Pacer, Phase, Step};

/// Maximum marking of a slice, in objects and slots. Measured: 0.25 ms where the next objects are
/// prefetched in time, 1.5 ms in a shuffled list, where they cannot be.
const SLICE_WORK: u64 = 16 * 1024;

/// Maximum blocks that a slice sweeps.
const SWEEP_BLOCKS: u32 = 256;

/// Bytes allocated from one slice of a cycle to the next.
const SLICE_BYTES: u64 = 16 * 1024;

/// Marks and sweeps in slices, with Yuasa's barrier or Dijkstra's.
#[derive(Debug)]
pub struct MarkSweepIncremental<const DIJKSTRA: bool = false> {
    objects: NonMovingSpace<MarkBits>,
    greys: GreyQueue,
    phase: Phase,
    pacer: Pacer,
    /// Objects and slots scanned in this cycle.
    work: u64,
}

impl<const DIJKSTRA: bool> MarkSweepIncremental<DIJKSTRA> {
    /// A cycle begins when this share of the free memory is left. The later, the fewer cycles, and the less
    /// garbage floats: new objects are black. Dijkstra's barrier also marks new objects, so it begins earlier.
    /// Measured on the large splay tree with Yuasa's: 5 cycles at 0.4, 4 at 0.25, and a sixth less time; no
    /// stall.
    const START_SHARE: f64 = if DIJKSTRA { 0.4 } else { 0.25 };

    /// The live objects may grow from one cycle to the next. Allocation assists from the first slice on.
    const PACE: Pace = Pace {
        least_left: Self::START_SHARE,
        most_left: Self::START_SHARE,
        needed_factor: 0.0,
        expected_growth: Some(1.25),
        pace_share: 0.6,
        unaided_share: 0.0,
        is_concurrent: false,
    };
}

// ---- barriers -----------------------------------------------------------------------------------

impl<const DIJKSTRA: bool> Collector for MarkSweepIncremental<DIJKSTRA> {
    const CAPS: Caps = Caps {
        barrier: if DIJKSTRA { Barrier::Insertion } else { Barrier::Deletion },
        ..Caps::TRACING
    };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut objects = NonMovingSpace::new(heap)?;
        let pacer = Pacer::new(config, Self::PACE, &mut objects);
        let greys = GreyQueue::new(heap, config.whole(&PREFETCH))?;
        Ok(Self { objects, greys, phase: Phase::Idle, pacer, work: 0 })
    }

    traced!(objects; greys; collect_at_once);

    /// **Rule:** while marking, the overwritten reference turns grey (Yuasa), or the stored one (Dijkstra).
    /// Weak slots are skipped: they keep nothing alive.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        let memory = cx.memory();
        if self.phase == Phase::Marking && !slot.kind.is_weak() {
            let old = slot.read(memory);
            if let Some(object) = if DIJKSTRA { new } else { old }.reference() {
                self.shade(object);
            }
        }
        slot.write(memory, new);
    }

    /// **Rule:** while marking, a reference loaded from a weak slot turns grey (Yuasa), as if it had been in
    /// the snapshot; for Dijkstra it is a root, and roots are scanned again.
    #[inline(always)]
    fn load(&self, _: &Context, kind: SlotKind, value: Value) -> Value {
        if !DIJKSTRA
            && kind.is_weak()
            && self.phase == Phase::Marking
            && let Some(object) = value.reference()
        {
            self.shade(object);
        }
        value
    }
}

// ---- the algorithm ------------------------------------------------------------------------------

impl<const DIJKSTRA: bool> MarkSweepIncremental<DIJKSTRA> {
    /// Turns a white object grey. Returns whether it was white.
    #[inline(always)]
    fn shade(&self, object: ObjectReference) -> bool {
        let was_white = self.objects.shade(object);
        if was_white {
            self.greys.push(object);
        }
        was_white
    }

    /// Turns white roots grey. Returns whether there was one.
    fn shade_roots(&self, cx: &Context) -> bool {
        let mut was_white = false;
        for root in cx.roots.iter() {
            was_white |= self.shade(root.object);
        }
        was_white
    }

    /// Marks at most `most_work` objects and slots, or sweeps at most `most_blocks`.
    fn advance(&mut self, cx: &mut Context, most_work: u64, most_blocks: u32) {
        match self.phase {
            Phase::Idle => {}
            Phase::Marking => self.mark(cx, most_work),
            Phase::Sweeping if self.objects.small.sweep_some(most_blocks) => {}
            Phase::Sweeping => {
                self.phase = Phase::Idle;
                self.greys.shrink();
                self.pacer.cycle_ended(cx, &mut self.objects, self.work);
            }
        }
    }

    /// **Termination:** no object is grey and, for Dijkstra, no root is white.
    fn mark(&mut self, cx: &mut Context, most_work: u64) {
        let mut done = 0;
        loop {
            done += self.objects.trace_some(&mut self.greys, most_work.saturating_sub(done));
            self.pacer.sizer.reserve_queue(self.greys.metadata_bytes());
            if !self.greys.is_empty() {
                break;
            }
            let again = DIJKSTRA && !mutant!(cx.memory(), "roots are scanned once only");
            if !(again && self.shade_roots(cx)) {
                done += self.objects.trace_weak_in_slices(&mut self.greys, &mut cx.weak);
                self.pacer.sizer.reserve_queue(self.greys.metadata_bytes());
                self.objects.begin_sweep();
                self.phase = Phase::Sweeping;
                break;
            }
        }
        self.work += done;
    }
}

impl<const DIJKSTRA: bool> InCycles for MarkSweepIncremental<DIJKSTRA> {
    type Marks = MarkBits;

    fn space_and_pacer(&mut self) -> (&mut NonMovingSpace<MarkBits>, &mut Pacer) {
        (&mut self.objects, &mut self.pacer)
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn start_cycle(&mut self, cx: &mut Context, cause: Cause) {
        (self.phase, self.work) = (Phase::Marking, 0);
        if !DIJKSTRA {
            self.objects.small.begin_black();
        }
        self.shade_roots(cx);
        self.pacer.cycle_began(cx, &self.objects, cause);
    }

    fn finish_cycle(&mut self, cx: &mut Context) {
        while self.phase != Phase::Idle {
            self.advance(cx, u64::MAX, u32::MAX);
        }
    }

    /// A slice of work for the bytes allocated since the last slice.
    fn poll(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        if self.phase == Phase::Idle {
            self.start_cycle(cx, Cause::Growth);
        } else {
            let spent_bytes = self.pacer.count_spent(&mut self.objects);
            let work = self.pacer.assist(spent_bytes, SLICE_WORK);
            self.advance(cx, work, SWEEP_BLOCKS);
        }
        if self.phase != Phase::Idle {
            self.pacer.set_credit(&mut self.objects, SLICE_BYTES);
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}

impl<const DIJKSTRA: bool> Inspect for MarkSweepIncremental<DIJKSTRA> {
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        (self.phase == Phase::Marking).then(|| match self.objects.is_marked(object) {
            false => Colour::White,
            true if self.greys.contains(object) => Colour::Grey,
            true => Colour::Black,
        })
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        let pause = cx.log.begin_pause();
        match (step, self.phase) {
            (Step::Start, Phase::Idle) => self.start_cycle(cx, Cause::Requested),
            (Step::Start, _) => {}
            // The smallest parts, so that tests see every intermediate state.
            (Step::Advance, _) => self.advance(cx, 1, 1),
            (Step::Finish, _) => self.finish_cycle(cx),
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}
