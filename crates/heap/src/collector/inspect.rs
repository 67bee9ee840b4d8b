//! The conformance kit's side of a collector: checks and steps.

use crate::collector::room::Room;
use crate::context::Context;
use crate::memory::parameter::Parameter;
use crate::memory::value::ObjectReference;

/// The state of an object for a marker (Dijkstra and others 1978).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Not reached yet; reclaimed if it stays so.
    White,
    /// Reached, its slots still to be scanned.
    Grey,
    /// Scanned.
    Black,
}

/// A part of a collection that is done in steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The roots, or a snapshot of them; nothing if a collection is under way.
    Start,
    /// A bounded piece of work; nothing if none is under way.
    Advance,
    /// The rest of it.
    Finish,
}

/// Operations of a collector for tests. Every one has a default.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait Inspect {
    /// Parameters that switch the algorithm above a size. Tests set them to their minimum, so that small
    /// heaps take both paths.
    const THRESHOLDS: &'static [Parameter] = &[];

    /// Checks its own invariants, between collections; its spaces are checked separately. Slow.
    ///
    /// # Errors
    /// The first contradiction, in words.
    fn verify(&self, cx: &Context) -> Result<(), String> {
        Ok(())
    }

    /// The colour of an object while a collection is under way; `None` when none is.
    fn colour(&self, object: ObjectReference) -> Option<Colour> {
        None
    }

    /// Does a part of a collection now, if the discipline collects in parts.
    fn step(&mut self, cx: &mut Context, step: Step) {}

    /// The memory that it needs besides that of the live objects, if it is [`crate::Caps::bounded`].
    fn room(&self) -> Room {
        Room::IN_PLACE
    }

    /// Maximum number of threads that have worked on a collection at once, the program's own included.
    fn threads(&self) -> u32 {
        1
    }
}
