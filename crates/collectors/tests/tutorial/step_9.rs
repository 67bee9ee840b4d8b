//! `my-gc`: incremental mark-sweep, in slices that allocation pays for (Dijkstra and others 1978), with
//! the deletion barrier of Yuasa (1990).
//!
//! 1. *Start*: when a quarter of the free memory is left, the roots turn grey. White objects have no
//!    mark, grey ones wait in the queue, black ones have been scanned. New objects are black.
//! 2. *Mark* in slices, until nothing is grey.
//! 3. *Barrier*, while marking: a reference that is overwritten turns grey, so everything reachable at
//!    the start of the cycle is marked. So does one taken from a weak slot.
//! 4. *Reference processing*: weak slots, ephemerons and finalizable objects, all at once.
//! 5. *Sweep* in slices of some blocks.
//! 6. *Outrun*: an allocation that finds no memory finishes the cycle under way at once.
//!
//! It does not move objects, so it can fragment; garbage floats for up to two cycles.

use heap::contract::*;
use heap::{Colour, GreyQueue, InCycles, MarkBits, NonMovingSpace, Pace, Pacer, Phase, Step};

/// Bytes that may be allocated from one slice to the next.
const SLICE_BYTES: u64 = 16 * 1024;

/// Objects and slots that a slice may mark, and blocks that it may sweep.
const SLICE: (u64, u32) = (16 * 1024, 256);

/// A cycle begins when a quarter of the free memory is left, and expects a quarter more work than the
/// last one. Six tenths of that memory later, all is to be marked.
const PACE: Pace = Pace {
    least_left: 0.25,
    most_left: 0.25,
    needed_factor: 0.0,
    expected_growth: Some(1.25),
    pace_share: 0.6,
    unaided_share: 0.0,
    is_concurrent: false,
};

/// Marks reachable objects and reclaims the rest, a slice at a time.
#[derive(Debug)]
pub struct MyGc {
    objects: NonMovingSpace<MarkBits>,
    greys: GreyQueue,
    phase: Phase,
    pacer: Pacer,
    /// Objects and slots scanned in this cycle.
    work: u64,
}

impl Collector for MyGc {
    const CAPS: Caps = Caps { barrier: Barrier::Deletion, ..Caps::TRACING };
    const PARAMETERS: &'static [Parameter] = &[PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let mut objects = NonMovingSpace::new(heap)?;
        let greys = GreyQueue::new(heap, config.whole(&PREFETCH))?;
        let pacer = Pacer::new(config, PACE, &mut objects);
        Ok(Self { objects, greys, phase: Phase::Idle, pacer, work: 0 })
    }

    traced!(objects; greys; collect_at_once);

    /// **Rule:** while marking, the overwritten reference turns grey. Weak slots hold nothing alive.
    #[inline(always)]
    fn store(&self, cx: &Context, slot: ObjectSlot, new: Value) {
        if self.phase == Phase::Marking
            && !slot.kind.is_weak()
            && let Some(old) = slot.read(cx.memory()).reference()
        {
            self.shade(old);
        }
        slot.write(cx.memory(), new);
    }

    /// **Rule:** while marking, a reference taken from a weak slot turns grey, as if it had been
    /// reachable when the cycle began.
    #[inline(always)]
    fn load(&self, _: &Context, kind: SlotKind, value: Value) -> Value {
        if self.phase == Phase::Marking
            && kind.is_weak()
            && let Some(object) = value.reference()
        {
            self.shade(object);
        }
        value
    }
}

impl MyGc {
    /// Marks a white object: it is grey now.
    #[inline(always)]
    fn shade(&self, object: ObjectReference) {
        if self.objects.shade(object) {
            self.greys.push(object);
        }
    }

    /// Does a part of the cycle under way: at most `work` of marking, or `blocks` of sweeping.
    fn advance(&mut self, cx: &mut Context, (work, blocks): (u64, u32)) {
        match self.phase {
            Phase::Idle => {}
            Phase::Marking => {
                self.work += self.objects.trace_some(&mut self.greys, work);
                if self.greys.is_empty() {
                    self.work += self.objects.trace_weak_in_slices(&mut self.greys, &mut cx.weak);
                    self.objects.begin_sweep();
                    self.phase = Phase::Sweeping;
                }
                self.pacer.sizer.reserve_queue(self.greys.metadata_bytes());
            }
            Phase::Sweeping => {
                if !self.objects.small.sweep_some(blocks) {
                    self.phase = Phase::Idle;
                    self.greys.shrink();
                    self.pacer.cycle_ended(cx, &mut self.objects, self.work);
                }
            }
        }
    }
}

impl InCycles for MyGc {
    type Marks = MarkBits;

    fn space_and_pacer(&mut self) -> (&mut NonMovingSpace<MarkBits>, &mut Pacer) {
        (&mut self.objects, &mut self.pacer)
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn start_cycle(&mut self, cx: &mut Context, cause: Cause) {
        (self.phase, self.work) = (Phase::Marking, 0);
        self.objects.small.begin_black();
        cx.roots.to_mark().for_each(|root| self.shade(root.object));
        self.pacer.cycle_began(cx, &self.objects, cause);
    }

    fn finish_cycle(&mut self, cx: &mut Context) {
        while self.phase != Phase::Idle {
            self.advance(cx, (u64::MAX, u32::MAX));
        }
    }

    fn poll(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        if self.phase == Phase::Idle {
            self.start_cycle(cx, Cause::Growth);
        } else {
            let spent_bytes = self.pacer.count_spent(&mut self.objects);
            let work = self.pacer.assist(spent_bytes, SLICE.0);
            self.advance(cx, (work, SLICE.1));
        }
        if self.phase != Phase::Idle {
            self.pacer.set_credit(&mut self.objects, SLICE_BYTES);
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}

impl Inspect for MyGc {
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        let colour = match self.objects.is_marked(object) {
            false => Colour::White,
            true if self.greys.contains(object) => Colour::Grey,
            true => Colour::Black,
        };
        (self.phase == Phase::Marking).then_some(colour)
    }

    fn step(&mut self, cx: &mut Context, step: Step) {
        let pause = cx.log.begin_pause();
        match step {
            Step::Start if self.phase == Phase::Idle => self.start_cycle(cx, Cause::Requested),
            Step::Start => {}
            Step::Advance => self.advance(cx, (1, 1)),
            Step::Finish => self.finish_cycle(cx),
        }
        cx.log.end_pause(pause, PauseKind::Increment);
    }
}
