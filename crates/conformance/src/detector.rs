//! Detectors: the ways to notice a mistake of a collector, each of which can be switched off.

use heap::ObjectReference;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::resume_unwind;

/// A way to notice a mistake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// The heap, read from the roots, differs from the shadow model.
    Model,
    /// The heap or the tables of its spaces are not sound: an object that is not allocated, has no
    /// sane header, overlaps another one or has a second owner; a count that is not its in-degree.
    Verifier,
    /// While marking, an object is hidden from the marker.
    Colours,
    /// A reference is used after its object's cell was freed or given to another one, or a freed cell
    /// was written to.
    Stamps,
    /// More or fewer objects are allocated than the discipline must leave.
    Liveness,
    /// The footprint is not the sum of its parts.
    Account,
    /// An allocation is refused though the live objects leave room for it.
    Room,
    /// A collection is no pause in the event log, or a shorter one than it was.
    Pauses,
    /// A barrier was called with a wrong argument, or had a wrong effect.
    Barrier,
    /// The run panics, crashes, or exceeds its time or memory.
    Run,
}

impl Detector {
    /// All detectors.
    pub const ALL: [Self; 10] = [
        Self::Model,
        Self::Verifier,
        Self::Colours,
        Self::Stamps,
        Self::Liveness,
        Self::Account,
        Self::Room,
        Self::Pauses,
        Self::Barrier,
        Self::Run,
    ];

    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Verifier => "verifier",
            Self::Colours => "colours",
            Self::Stamps => "stamps",
            Self::Liveness => "liveness",
            Self::Account => "account",
            Self::Room => "room",
            Self::Pauses => "pauses",
            Self::Barrier => "barrier",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of detectors. [`Detector::Run`] is always in it: a crash ends the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Detectors(u16);

impl Detectors {
    /// All detectors.
    pub const ALL: Self = Self(u16::MAX);

    /// One detector alone.
    pub const fn only(detector: Detector) -> Self {
        Self(1 << detector as u8)
    }

    /// Whether `detector` is in the set.
    pub fn has(self, detector: Detector) -> bool {
        self.0 >> detector as u8 & 1 != 0
    }
}

/// A place in the graph where something is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The object that has the slot; empty for a root.
    pub parent: String,
    /// Number of the slot.
    pub slot: u32,
    /// The object that the slot refers to.
    pub child: String,
}

impl Place {
    pub(crate) fn of(parent: Option<ObjectReference>, slot: u32, child: ObjectReference) -> Self {
        let name = |object: ObjectReference| format!("object {:#x}", object.bits());
        Self { parent: parent.map(name).unwrap_or_default(), slot, child: name(child) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent.as_str() {
            "" => write!(f, "a root -> {}", self.child),
            parent => write!(f, "{parent} \\ slot {} -> {}", self.slot, self.child),
        }
    }
}

/// A finding of a detector: the payload of the unwinding that ends the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Violation {
    pub(crate) detector: Detector,
    pub(crate) message: String,
    pub(crate) place: Option<Place>,
}

/// Ends the program by unwinding, since most checks run inside scopes of the program and barriers of the
/// heap. Calls no panic hook.
pub(crate) fn violate(detector: Detector, message: String, place: Option<Place>) -> ! {
    resume_unwind(Box::new(Violation { detector, message, place }))
}
