//! Stop-the-world collection: the protocol around a trace, written once.
//!
//! 1. *Allocation finds no free memory*: the heap grows if its [`Sizer`] lets it; otherwise it is collected,
//!    unless that has been futile several times in a row.
//! 2. *Collection*: the pause is timed, the collector traces and reclaims, the sizer is told of the outcome.

use crate::collector::Collector;
use crate::collector::sizer::{Cycle, Sizer};
use crate::context::Context;
use crate::context::events::{Cause, PauseKind};
use crate::memory::budget::OutOfMemory;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;

/// A collector that stops the world: what its algorithm adds to the protocol.
pub trait StopTheWorld: Collector {
    /// The heap sizing policy.
    fn sizer(&mut self) -> &mut Sizer;

    /// Reclaims all that is unreachable. The program is stopped and the pause is being timed.
    fn trace_and_reclaim(&mut self, cx: &mut Context);

    /// Bytes of the blocks that the spaces hold.
    fn used_bytes(&self) -> u64;

    /// Bytes allocated in them, garbage included.
    fn filled_bytes(&self) -> u64 {
        self.occupied().bytes
    }

    /// A new object without a collection; the spaces may take blocks if `may_grow`.
    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        may_grow: bool,
    ) -> Option<ObjectReference>;

    /// The object that a collection was for; `None` if the heap is too small.
    fn alloc_after_collecting(&mut self, layout: Layout) -> Option<ObjectReference>;

    /// [`Collector::collect`] for such a collector.
    fn stop_and_collect(&mut self, cx: &mut Context, cause: Cause) {
        cx.log.collects(cause);
        let occupied_bytes = self.filled_bytes();
        let pause = cx.log.begin_pause();
        self.trace_and_reclaim(cx);
        cx.log.end_pause(pause, PauseKind::Stw);
        let (survived_bytes, used_bytes) = (self.filled_bytes(), self.used_bytes());
        let (ended_ns, collecting_ns) = (cx.log.now_ns(), cx.log.pause_total_ns());
        let cycle =
            Cycle { cause, occupied_bytes, survived_bytes, used_bytes, ended_ns, collecting_ns };
        self.sizer().collected(cycle);
    }

    /// The slow path of [`Collector::alloc`] for such a collector.
    ///
    /// # Errors
    /// If the heap limit is reached and collections reclaim next to nothing.
    #[cold]
    #[inline(never)]
    fn alloc_slow(
        &mut self,
        cx: &mut Context,
        layout: Layout,
    ) -> Result<ObjectReference, OutOfMemory> {
        let (used_bytes, room_bytes) = (self.used_bytes(), self.heap().room_bytes());
        let may_grow = self.sizer().may_grow(used_bytes, room_bytes);
        if let Some(object) = self.alloc_without_collecting(layout, may_grow) {
            return Ok(object);
        }
        let filled_bytes = self.filled_bytes();
        if self.sizer().is_futile(filled_bytes, used_bytes) {
            return Err(self.heap().refuse(layout));
        }
        let cause = self.sizer().cause(used_bytes);
        self.collect(cx, cause);
        self.alloc_after_collecting(layout).ok_or_else(|| self.heap().refuse(layout))
    }
}
