//! Checks, while marking, that no reachable object is hidden from the marker.
//!
//! **Invariant:** a white object that a black one refers to is reachable from a grey one through white
//! objects (the *weak* tricolour invariant: Pirinen, "Barrier techniques for incremental tracing",
//! ISMM 1998). Insertion barriers keep it by having no such object, deletion barriers by keeping the
//! path. The check finds a missing barrier long before an object is lost: measured on a prototype, in twice as
//! many programs.

use crate::detector::{Detector, Place, violate};
use crate::player::state::M;
use heap::{Collector, Colour, Inspect, ObjectReference, Slots, Value};
use std::collections::HashSet;

/// Walks the graph, if a collection is under way.
pub(crate) fn check(m: &M) {
    let memory = m.heap().memory();
    let colour = |object| m.collector().colour(object);
    let children = |object: ObjectReference| {
        let values = memory.slots(object, Slots::All).zip(0..);
        values.filter_map(|(value, slot)| Value::reference(value).map(|child| (slot, child)))
    };
    let mut pending: Vec<ObjectReference> =
        m.context().roots.iter().map(|root| root.object).collect();
    if pending.first().is_none_or(|&root| colour(root).is_none()) {
        return;
    }
    let (mut seen, mut protected, mut hidden) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut grey: Vec<ObjectReference> = Vec::new();
    while let Some(object) = pending.pop() {
        if !m.collector().parts().is_allocated(object) || !seen.insert(object) {
            continue;
        }
        let own = colour(object);
        grey.extend((own == Some(Colour::Grey)).then_some(object));
        for (slot, child) in children(object) {
            if own == Some(Colour::Black) && colour(child) == Some(Colour::White) {
                hidden.push((object, slot, child));
            }
            pending.push(child);
        }
    }
    // Unreachable grey objects protect as well: they will be scanned.
    let unreached = m.collector().objects().into_iter().filter(|object| !seen.contains(object));
    grey.extend(unreached.filter(|&object| colour(object) == Some(Colour::Grey)));
    while let Some(object) = grey.pop() {
        let white = children(object).map(|(_, child)| child);
        let white = white.filter(|&child| colour(child) == Some(Colour::White));
        grey.extend(white.filter(|&child| protected.insert(child)));
    }
    if let Some(&(parent, slot, child)) =
        hidden.iter().find(|(.., child)| !protected.contains(child))
    {
        let message = "a white object is hidden behind a black one".to_owned();
        violate(Detector::Colours, message, Some(Place::of(Some(parent), slot, child)));
    }
}
