//! Stop-the-world collection: the protocol around a trace, written once.
//!
//! 1. *Allocation finds no free memory*: the heap grows if its [`Sizer`] permits; otherwise it is collected.
//!    Where that has been futile several times in a row, and is so once more, the allocation is refused.
//! 2. *Collection*: the pause is timed, the collector traces and reclaims, the sizer records the outcome.

use crate::collector::Collector;
use crate::collector::sizer::{Cycle, Sizer, is_next_to_nothing};
use crate::context::Context;
use crate::context::events::{Cause, PauseKind};
use crate::memory::budget::AllocResult;
use crate::memory::mutant::MUTANTS;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;
use crate::space::CollectedSpace;

/// A collector that stops the world: its algorithm's part of the protocol.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait StopTheWorld: Collector {
    /// The space that is collected, and its sizing policy.
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer);

    /// Reclaims all unreachable objects; for [`Cause::Young`] only young ones, where there are
    /// generations. The program is stopped and the pause is being timed.
    fn trace_and_reclaim(&mut self, cx: &mut Context, cause: Cause);

    /// Whether a collection of this cause ends a cycle of the sizer: a minor one does not.
    fn ends_cycle(&self, cause: Cause) -> bool {
        true
    }

    /// [`Collector::collect`] for such a collector.
    fn stop_and_collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let allocated_bytes = self.space_and_sizer().0.allocated_bytes();
        let pause = cx.log.begin_pause();
        self.trace_and_reclaim(cx, cause);
        cx.end_pause(pause, PauseKind::Stw);
        if self.ends_cycle(cause) {
            let (space, sizer) = self.space_and_sizer();
            sizer.collected(Cycle::ended(cause, allocated_bytes, space, &cx.log));
        }
    }

    /// The slow path of [`Collector::alloc`] for such a collector.
    ///
    /// # Errors
    /// If the heap limit is reached and collections reclaim next to nothing.
    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        if MUTANTS && self.room().is_full(&cx.heap) {
            self.collect(cx, Cause::Exhausted);
            if self.room().is_full(&cx.heap) {
                return Err(cx.heap.out_of_memory(layout));
            }
        }
        if let Some(object) = self.alloc_without_collecting(cx, layout) {
            return Ok(object);
        }
        let (space, sizer) = self.space_and_sizer();
        let overhead_limit_exceeded =
            sizer.overhead_limit_exceeded(space.allocated_bytes(), space.sized_bytes());
        let object = match overhead_limit_exceeded && self.collects_in_vain(cx) {
            true => self.alloc_when_futile(layout),
            false => self.alloc_collecting(cx, layout),
        };
        object.ok_or_else(|| cx.heap.out_of_memory(layout))
    }

    /// A new object, for which the space grows if its sizer permits.
    fn alloc_without_collecting(
        &mut self,
        cx: &Context,
        layout: Layout,
    ) -> Option<ObjectReference> {
        let is_full = MUTANTS && self.room().is_full(&cx.heap);
        let (space, sizer) = self.space_and_sizer();
        let may_grow = sizer.may_grow(space.sized_bytes(), cx.heap.available_bytes()) && !is_full;
        space.alloc_without_collecting(layout, Self::NEW, may_grow)
    }

    /// Why a collection is due where an allocation finds no free memory.
    fn cause(&mut self) -> Cause {
        let (space, sizer) = self.space_and_sizer();
        sizer.cause(space.sized_bytes())
    }

    /// Collects once more, since the program may have dropped objects after the last collection. Returns
    /// whether that was futile, too.
    fn collects_in_vain(&mut self, cx: &mut Context) -> bool {
        let cause = self.cause();
        let allocated_bytes = self.space_and_sizer().0.allocated_bytes();
        self.collect(cx, cause);
        let space = self.space_and_sizer().0;
        // Copies may lie in larger cells.
        let freed_bytes = allocated_bytes.saturating_sub(space.allocated_bytes());
        is_next_to_nothing(freed_bytes, space.sized_bytes())
    }

    /// A new object after a collection; `None` if the heap is too small.
    fn alloc_collecting(&mut self, cx: &mut Context, layout: Layout) -> Option<ObjectReference> {
        let cause = self.cause();
        self.collect(cx, cause);
        self.space_and_sizer().0.alloc_after_collecting(layout, Self::NEW)
    }

    /// A new object where collections have been futile; `None` unless memory is also reclaimed between them.
    fn alloc_when_futile(&mut self, layout: Layout) -> Option<ObjectReference> {
        None
    }
}
