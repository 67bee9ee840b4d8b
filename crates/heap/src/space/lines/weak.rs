//! Reference processing of a mark-region space, after marking: step 6 of its outline.
//!
//! Objects that only ephemerons and finalization keep are marked, and copied while there is room, as all
//! others. The [`ReferenceProcessor`] waits for an object at its old place, copied or not: so both the copy
//! and the mark of an object report it.

use super::evacuate::Evacuation;
use crate::blocks::heap::Heap;
use crate::context::weak::ReferenceProcessor;
use crate::memory::value::ObjectReference;
use crate::trace::mark::{Marker, visiting};
use std::cell::RefCell;

/// Reference processing after a trace from the roots, with its `is_marked`, `mark` and `copies`: see
/// [`ReferenceProcessor`].
pub(super) fn trace_weak(
    heap: &Heap,
    marker: &mut Marker,
    weak: &mut ReferenceProcessor,
    is_marked: impl Fn(ObjectReference) -> bool,
    mark: impl Fn(ObjectReference) -> bool,
    copies: &mut Evacuation<'_>,
) {
    let memory = heap.memory();
    let place = |object| memory.forwarded(object).or_else(|| is_marked(object).then_some(object));
    while weak.advance(place, |object| marker.push(copies.forward(object))) {
        let weak = RefCell::new(&mut *weak);
        let mark = visiting(&mark, |object| weak.borrow_mut().object_reached(object));
        marker.trace_moving(heap, &is_marked, mark, |object| {
            let place = copies.forward(object);
            if place != object {
                weak.borrow_mut().object_reached(object);
            }
            place
        });
    }
}
