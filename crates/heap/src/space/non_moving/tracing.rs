//! Marking and sweeping objects that never move: stop-the-world, parallel, incremental, concurrent, and
//! with sticky marks. Each is implemented for the mark tables that it needs.

use super::NonMovingSpace;
use crate::blocks::heap::Heap;
use crate::context::weak::ReferenceProcessor;
use crate::memory::value::ObjectReference;
use crate::mutant;
use crate::space::cells::{
    ConcurrentMarks, MarkBits, ParallelMarks, SegregatedSpace, StickyMarks, Traced, UnsweptBlock,
};
use crate::trace::grey_queue::GreyQueue;
use crate::trace::mark::{Marker, visiting};
use crate::trace::parallel::ParallelMarker;
use std::io;

impl<M: Traced> NonMovingSpace<M> {
    /// Marks all objects reachable from the edges pushed to `marker`; returns their number.
    #[inline(always)]
    pub fn trace(&mut self, marker: &mut Marker) -> u64 {
        self.trace_visiting(marker, |_| ())
    }

    /// Reference processing after a trace: see [`ReferenceProcessor`].
    pub fn trace_weak(&mut self, marker: &mut Marker, weak: &mut ReferenceProcessor) {
        while weak.advance(|object| self.place(object), |object| marker.push(object)) {
            self.trace_visiting(marker, |object| weak.object_reached(object));
        }
    }

    /// The place of an object if it was reached: objects do not move.
    fn place(&self, object: ObjectReference) -> Option<ObjectReference> {
        self.is_marked(object).then_some(object)
    }

    /// [`NonMovingSpace::trace`] that calls `visit` with each object that it marks.
    #[inline(always)]
    fn trace_visiting(&mut self, marker: &mut Marker, visit: impl FnMut(ObjectReference)) -> u64 {
        let Self { small, heap, .. } = self;
        let (marks, mark) = small.marking();
        marker.trace(heap, |object| marks.test(object), visiting(mark, visit))
    }

    /// Whether an object is marked.
    #[inline(always)]
    pub fn is_marked(&self, object: ObjectReference) -> bool {
        self.small.marks().test(object)
    }

    /// Reclaims the unmarked objects and clears the marks.
    pub fn sweep(&mut self) {
        self.sweep_large();
        self.small.sweep();
    }
}

// ---- parallel: see `cells/parallel.rs` ----------------------------------------------------------

impl NonMovingSpace<ParallelMarks> {
    /// An empty space for this marker.
    ///
    /// # Errors
    /// If the operating system refuses address space for its tables.
    pub fn marked_by(heap: &Heap, marker: &ParallelMarker) -> io::Result<Self> {
        let mut cells = SegregatedSpace::new(heap)?;
        if marker.has_helpers() {
            cells.share_marks(marker.parallel_threshold())?;
        }
        Ok(Self::over(cells))
    }

    /// [`NonMovingSpace::trace`] on several threads, if the space is large enough.
    pub fn trace_in_parallel(&mut self, marker: &mut ParallelMarker) {
        let threshold =
            if self.small.has_shared_marks() { marker.parallel_threshold() } else { u64::MAX };
        let is_done = self.trace_serially(marker, threshold, |_| ());
        if !is_done && let Some((marks, folding)) = self.small.parallel_marking() {
            marker.trace_in_parallel(&self.heap, marks, || folding.run());
        }
    }

    /// [`NonMovingSpace::trace_weak`] after [`NonMovingSpace::trace_in_parallel`]: on one thread, for all
    /// marks are bits again.
    pub fn trace_weak_serially(
        &mut self,
        marker: &mut ParallelMarker,
        weak: &mut ReferenceProcessor,
    ) {
        while weak.advance(|object| self.place(object), |object| marker.push(object)) {
            self.trace_serially(marker, u64::MAX, |object| weak.object_reached(object));
        }
    }

    /// Traces on this thread until no edge is left or `threshold` objects are marked, and calls `visit`
    /// with each; returns whether no edge is left.
    #[inline(always)]
    fn trace_serially(
        &mut self,
        marker: &mut ParallelMarker,
        threshold: u64,
        visit: impl FnMut(ObjectReference),
    ) -> bool {
        let Self { small, heap, .. } = self;
        let (marks, mark) = small.marking();
        marker.trace_serially(heap, threshold, |object| marks.test(object), visiting(mark, visit))
    }
}

// ---- incremental: see `cells/incremental.rs` ----------------------------------------------------

impl NonMovingSpace<MarkBits> {
    /// Marks an object; returns whether it was unmarked and is grey now.
    #[inline(always)]
    pub fn shade(&self, object: ObjectReference) -> bool {
        self.small.shade(object)
    }

    /// Scans grey objects until `budget` units of work (objects and slots) are done or none is left.
    /// Returns the work done.
    #[inline(always)]
    pub fn trace_some(&mut self, greys: &mut GreyQueue, budget: u64) -> u64 {
        self.trace_some_visiting(greys, budget, |_| ())
    }

    /// Reference processing when no object is grey any more, in one piece: see [`ReferenceProcessor`].
    /// Returns the work done.
    pub fn trace_weak_in_slices(
        &mut self,
        greys: &mut GreyQueue,
        weak: &mut ReferenceProcessor,
    ) -> u64 {
        let mut done = 0;
        while weak.advance(
            |object| self.place(object),
            |object| {
                if self.shade(object) {
                    greys.push(object);
                }
            },
        ) {
            done += self.trace_some_visiting(greys, u64::MAX, |object| weak.object_reached(object));
        }
        done
    }

    /// [`NonMovingSpace::trace_some`] that calls `visit` with each object that it scans.
    #[inline(always)]
    fn trace_some_visiting(
        &mut self,
        greys: &mut GreyQueue,
        budget: u64,
        mut visit: impl FnMut(ObjectReference),
    ) -> u64 {
        let Self { small, heap, .. } = self;
        let (shade, mut count) = small.shading();
        greys.trace(heap, budget, shade, |object| {
            count(object);
            visit(object);
        })
    }

    /// After marking: reclaims the unmarked large objects, and prepares for
    /// [`SegregatedSpace::sweep_some`].
    pub fn begin_sweep(&mut self) {
        self.sweep_large();
        self.small.begin_sweep();
    }
}

// ---- concurrent: see `cells/concurrent.rs` ------------------------------------------------------

impl NonMovingSpace<ConcurrentMarks> {
    /// After marking: reclaims the unmarked large objects, and hands all blocks of cells to the sweeper.
    pub(crate) fn hand_to_sweeper(&mut self, to: impl FnMut(UnsweptBlock)) {
        self.sweep_large();
        self.small.hand_to_sweeper(to);
    }
}

// ---- sticky marks: see `cells/sticky.rs` --------------------------------------------------------

impl NonMovingSpace<StickyMarks> {
    /// Reclaims the unmarked objects and keeps the marks: the survivors are old.
    pub fn sweep_unmarked(&mut self) {
        self.sweep_large();
        self.small.sweep_unmarked();
    }

    /// Makes all objects young: clears all marks.
    pub fn clear_marks(&mut self) {
        if mutant!(self.heap.memory(), "a major collection keeps its marks") {
            return;
        }
        let marks = self.small.marks();
        self.large.objects().for_each(|object| _ = marks.clear(object));
        self.small.clear_marks();
    }
}
