//! Weak slots, ephemerons and finalizable objects of a mark-region space: what comes after marking.
//!
//! What only they keep is marked, and copied, as all else, while there is room. An object that was copied
//! is waited for where it was, and one that stays where it is: so the tables are told by whoever copies and
//! by whoever marks.

use super::evacuate::Evacuation;
use crate::blocks::heap::Heap;
use crate::context::weak::ReferenceProcessor;
use crate::memory::value::ObjectReference;
use crate::trace::mark::Marker;
use std::cell::RefCell;

/// What is to be done when everything that the roots reach is marked: see [`ReferenceProcessor`]. `is_marked`,
/// `mark` and `copies` are those that it was marked with.
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
        let mark = |object| {
            let is_new = mark(object);
            if is_new {
                weak.borrow_mut().object_reached(object);
            }
            is_new
        };
        marker.trace_moving(heap, &is_marked, mark, |object| {
            let place = copies.forward(object);
            if place != object {
                weak.borrow_mut().object_reached(object);
            }
            place
        });
    }
}
