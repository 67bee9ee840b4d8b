//! Marking and sweeping the objects of a space: at once, in slices, by several threads, by another thread, and
//! with marks that stay.

use super::ObjectSpace;
use crate::context::weak::WeakTables;
use crate::memory::value::ObjectReference;
use crate::space::cells::{Lent, LentBits};
use crate::trace::greys::Greys;
use crate::trace::mark::Marker;
use crate::trace::parallel::ParallelMarker;

impl ObjectSpace {
    /// Marks everything reachable from the edges that `marker` holds. Returns the objects marked.
    #[inline(always)]
    pub fn trace(&mut self, marker: &mut Marker) -> u64 {
        self.trace_telling(marker, |_| ())
    }

    /// What is to be done when a trace is: see [`WeakTables`].
    pub fn trace_hidden(&mut self, marker: &mut Marker, weak: &mut WeakTables) {
        while weak.resume(|object| self.place(object), |object| marker.push(object)) {
            self.trace_telling(marker, |object| weak.met(object));
        }
    }

    /// Where an object is that was reached: it does not move.
    fn place(&self, object: ObjectReference) -> Option<ObjectReference> {
        self.is_marked(object).then_some(object)
    }

    /// [`ObjectSpace::trace`] that tells of each object that it marks.
    #[inline(always)]
    fn trace_telling(&mut self, marker: &mut Marker, tell: impl FnMut(ObjectReference)) -> u64 {
        let Self { cells, heap, .. } = self;
        let (marks, mark) = cells.marking();
        let is_marked = |object| marks.is_some_and(|marks| marks.test(object));
        marker.trace(heap, is_marked, telling(mark, tell))
    }

    /// [`ObjectSpace::trace`] on several threads, if there is enough to mark.
    pub fn trace_in_parallel(&mut self, marker: &mut ParallelMarker) {
        let alone = if self.cells.has_shared_marks() { marker.alone() } else { u64::MAX };
        let is_done = self.trace_alone_telling(marker, alone, |_| ());
        if !is_done && let Some((marks, folding)) = self.cells.marking_together() {
            marker.trace_together(&self.heap, marks, || folding.run());
        }
    }

    /// [`ObjectSpace::trace_hidden`] once [`ObjectSpace::trace_in_parallel`] is done: on one thread, for all
    /// marks are bits again.
    pub fn trace_hidden_alone(&mut self, marker: &mut ParallelMarker, weak: &mut WeakTables) {
        while weak.resume(|object| self.place(object), |object| marker.push(object)) {
            self.trace_alone_telling(marker, u64::MAX, |object| weak.met(object));
        }
    }

    /// [`ObjectSpace::trace_telling`] that stops when so many objects are marked. Tells whether nothing is
    /// left.
    #[inline(always)]
    fn trace_alone_telling(
        &mut self,
        marker: &mut ParallelMarker,
        most: u64,
        tell: impl FnMut(ObjectReference),
    ) -> bool {
        let Self { cells, heap, .. } = self;
        let (marks, mark) = cells.marking();
        let is_marked = |object| marks.is_some_and(|marks| marks.test(object));
        marker.trace_alone(heap, most, is_marked, telling(mark, tell))
    }

    /// Reclaims what is not marked and clears the marks.
    pub fn sweep(&mut self) {
        let Self { cells, large, .. } = self;
        if let Some(marks) = cells.marks() {
            large.sweep(|object| marks.clear(object));
        }
        cells.sweep();
    }

    // ---- in slices: see `cells/slices.rs` --------------------------------------------------------

    /// Lets [`ObjectSpace::alloc`] use this many bytes of free cells before it says that it has none.
    pub fn allow(&mut self, bytes: u64) {
        self.cells.allow(bytes);
    }

    /// What is left of that, in bytes; negative once more has been allocated.
    pub fn allowance_bytes(&self) -> i64 {
        self.cells.allowance_bytes()
    }

    /// Marks an object and tells whether it was not marked before: it is grey now.
    #[inline(always)]
    pub fn shade(&self, object: ObjectReference) -> bool {
        self.cells.shade(object)
    }

    /// Whether an object is marked.
    #[inline(always)]
    pub fn is_marked(&self, object: ObjectReference) -> bool {
        self.cells.marks().is_some_and(|marks| marks.test(object))
    }

    /// Looks at grey objects until `budget` units of work (objects and slots) are done or none is left.
    /// Returns the work done.
    #[inline(always)]
    pub fn trace_some(&mut self, greys: &mut Greys, budget: u64) -> u64 {
        self.trace_some_telling(greys, budget, |_| ())
    }

    /// What is to be done when nothing is grey any more, all of it at once: see [`WeakTables`]. Returns the
    /// work done.
    pub fn trace_hidden_greys(&mut self, greys: &mut Greys, weak: &mut WeakTables) -> u64 {
        let mut done = 0;
        while weak.resume(
            |object| self.place(object),
            |object| {
                if self.shade(object) {
                    greys.push(object);
                }
            },
        ) {
            done += self.trace_some_telling(greys, u64::MAX, |object| weak.met(object));
        }
        done
    }

    /// [`ObjectSpace::trace_some`] that tells of each object that it looks at.
    #[inline(always)]
    fn trace_some_telling(
        &mut self,
        greys: &mut Greys,
        budget: u64,
        mut tell: impl FnMut(ObjectReference),
    ) -> u64 {
        let Self { cells, heap, .. } = self;
        let (shade, mut count) = cells.shading();
        greys.trace(heap, budget, shade, |object| {
            count(object);
            tell(object);
        })
    }

    /// From now on every object is allocated marked.
    pub fn begin_black(&mut self) {
        self.is_black = true;
        self.cells.begin_black();
    }

    /// Everything that is reachable is marked: reclaims the large objects that are not, and gets ready
    /// for [`ObjectSpace::sweep_some`].
    pub fn begin_sweep(&mut self) {
        self.is_black = false;
        let Self { cells, large, .. } = self;
        if let Some(marks) = cells.marks() {
            large.sweep(|object| marks.clear(object));
        }
        cells.begin_sweep();
    }

    /// Sweeps the next `most` blocks. Tells whether there are more.
    pub fn sweep_some(&mut self, most: u32) -> bool {
        self.cells.sweep_some(most)
    }

    // ---- by another thread: see `cells/lent.rs` --------------------------------------------------

    /// The bits that the other thread needs.
    pub(crate) fn lent_bits(&self) -> Option<LentBits> {
        self.cells.lent_bits()
    }

    /// Everything that is reachable is marked: reclaims the large objects that are not, and lends all
    /// blocks of cells out.
    pub(crate) fn lend(&mut self, to: impl FnMut(Lent)) {
        self.is_black = false;
        let Self { cells, large, .. } = self;
        large.sweep(|object| cells.clear_both_marks(object));
        cells.lend(to);
    }

    /// Takes a block back with the number of its live cells.
    pub(crate) fn take_back(&mut self, lent: Lent, live: u32) {
        self.cells.take_back(lent, live);
    }

    // ---- with marks that stay: see `cells/sticky.rs` ---------------------------------------------

    /// Reclaims what is not marked and keeps the marks: what is left is old.
    pub fn sweep_unmarked(&mut self) {
        let Self { cells, large, .. } = self;
        if let Some(marks) = cells.marks() {
            large.sweep(|object| marks.test(object));
        }
        cells.sweep_unmarked();
    }

    /// Makes everything young: clears all marks.
    pub fn clear_marks(&mut self) {
        if let Some(marks) = self.cells.marks() {
            self.large.objects().for_each(|object| _ = marks.clear(object));
        }
        self.cells.clear_marks();
    }
}

/// `mark` that tells of each object that it marks.
#[inline(always)]
fn telling(
    mut mark: impl FnMut(ObjectReference) -> bool,
    mut tell: impl FnMut(ObjectReference),
) -> impl FnMut(ObjectReference) -> bool {
    move |object| {
        let is_new = mark(object);
        if is_new {
            tell(object);
        }
        is_new
    }
}
