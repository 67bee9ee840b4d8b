//! Collection in cycles while the program runs, in slices or on another thread: the protocol around them,
//! written once.
//!
//! 1. *Poll*: allocation polls when its credit is spent (see [`Pacer`]): a cycle begins, or a part of it is
//!    done.
//! 2. *Outrun*: an allocation that finds no memory while a cycle is under way finishes it at once; if that
//!    was not enough, it does a whole cycle. The pause is an allocation stall.
//! 3. *Requested*: the cycle under way keeps objects that died since it began; only another one is exact.

use crate::collector::Collector;
use crate::collector::pacer::Pacer;
use crate::collector::sizer::is_next_to_nothing;
use crate::context::Context;
use crate::context::events::{Cause, PauseKind};
use crate::memory::budget::AllocResult;
use crate::memory::mutant::MUTANTS;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;
use crate::space::mark_tables::MarkTables;
use crate::space::non_moving::NonMovingSpace;
use crate::space::{CollectedSpace, Space};

/// The phase of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// No cycle is under way.
    Idle,
    /// Reachable objects are being marked.
    Marking,
    /// The other objects are being reclaimed.
    Sweeping,
}

/// A collector that works in cycles: its algorithm's part of the protocol.
pub trait InCycles: Collector {
    /// The mark tables of its space.
    type Marks: MarkTables;

    /// The space that is collected, and the pacer.
    fn space_and_pacer(&mut self) -> (&mut NonMovingSpace<Self::Marks>, &mut Pacer);

    /// The phase of the cycle under way.
    fn phase(&self) -> Phase;

    /// Begins a cycle: the roots turn grey.
    fn start_cycle(&mut self, cx: &mut Context, cause: Cause);

    /// Does the rest of the cycle under way, on this thread.
    fn finish_cycle(&mut self, cx: &mut Context);

    /// The credit of allocation is spent: begins a cycle or does a part of it, and gives new credit.
    fn poll(&mut self, cx: &mut Context);

    /// A new object in memory reclaimed by sweeping a part of the heap; `None` if no sweep is under way.
    fn alloc_sweeping(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        let _ = (cx, layout);
        None
    }

    /// [`Collector::collect`] for such a collector.
    fn collect_at_once(&mut self, cx: &mut Context, cause: Cause) {
        let pause = cx.log.begin_pause();
        if self.phase() == Phase::Marking {
            cx.weak.skip_cycle();
        }
        self.finish_cycle(cx);
        self.start_cycle(cx, cause);
        self.finish_cycle(cx);
        cx.end_pause(pause, PauseKind::Stw);
    }

    /// The slow path of [`Collector::alloc`] for such a collector.
    ///
    /// # Errors
    /// If the heap limit is reached and collections reclaim next to nothing.
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        if MUTANTS && self.room().is_full(&cx.heap) {
            self.collect_at_once(cx, Cause::Exhausted);
            if self.room().is_full(&cx.heap) {
                return Err(cx.heap.out_of_memory(layout));
            }
        }
        if self.space_and_pacer().0.small.credit_bytes() <= 0 {
            self.poll(cx);
        }
        if let Some(object) = self.alloc_without_collecting(cx, layout) {
            return Ok(object);
        }
        if let Some(object) = self.alloc_sweeping(cx, layout) {
            return Ok(object);
        }
        let (space, pacer) = self.space_and_pacer();
        let overhead_limit_exceeded =
            pacer.sizer.overhead_limit_exceeded(space.allocated_bytes(), space.sized_bytes());
        let object = match overhead_limit_exceeded && self.collects_in_vain(cx) {
            true => None,
            false => self.alloc_stalling(cx, layout),
        };
        object.ok_or_else(|| cx.heap.out_of_memory(layout))
    }

    /// As [`crate::StopTheWorld::collects_in_vain`].
    fn collects_in_vain(&mut self, cx: &mut Context) -> bool {
        let allocated_bytes = self.space_and_pacer().0.allocated_bytes();
        self.collect_at_once(cx, Cause::Exhausted);
        let space = self.space_and_pacer().0;
        is_next_to_nothing(allocated_bytes - space.allocated_bytes(), space.sized_bytes())
    }

    /// A new object in free memory, or in a new block under the limit.
    fn alloc_without_collecting(
        &mut self,
        cx: &Context,
        layout: Layout,
    ) -> Option<ObjectReference> {
        let (space, pacer) = self.space_and_pacer();
        space.alloc_without_collecting(layout, Self::NEW, pacer.may_grow(&cx.heap))
    }

    /// A new object once the cycle under way is finished, or another one; `None` if the heap is too small.
    fn alloc_stalling(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        let pause = cx.log.begin_pause();
        let mut object = None;
        let (space, pacer) = self.space_and_pacer();
        pacer.stalled(space);
        if self.phase() != Phase::Idle {
            self.finish_cycle(cx);
            object = self.alloc_without_collecting(cx, layout);
        }
        if object.is_none() {
            self.start_cycle(cx, Cause::Exhausted);
            self.finish_cycle(cx);
            object = self.space_and_pacer().0.alloc_after_collecting(layout, Self::NEW);
        }
        cx.end_pause(pause, PauseKind::AllocStall);
        object
    }
}
