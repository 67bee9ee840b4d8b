//! What a program is: parameters, a preparation and a run.

use heap::{Caps, Collector, Mutator, OutOfMemory, Probe};
use serde::de::DeserializeOwned;

/// A program, prepared.
pub trait Program: Sized {
    /// What its suite file gives, read with `serde`; refuse unknown names.
    type Parameters: DeserializeOwned;

    /// Draws numbers, keys and orders from the seed, before the clock starts and outside the heap.
    fn prepare(parameters: Self::Parameters, seed: u64) -> Self;

    /// Runs it to its end and returns the answer, to be compared with the literal of its suite file.
    ///
    /// # Errors
    /// If the heap limit is reached.
    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory>;
}

/// What a program needs of a collector, so that a pair that cannot work is found before it is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// It has objects with several holders outside regions: nobody who could drop them.
    pub shared: bool,
    /// Its author says where to free. Where nobody does, a discipline that frees only there leaks.
    pub free_points: bool,
    /// It has weak slots, ephemerons and finalizable objects.
    pub weak: bool,
    /// It measures collections: without any there is nothing to be seen.
    pub collections: bool,
}

impl Needs {
    /// Every object has one owner, and is freed by its author.
    pub const OWNED: Self =
        Self { shared: false, free_points: true, weak: false, collections: false };
    /// Objects have several holders, and nobody knows where the last one goes.
    pub const SHARED: Self = Self { shared: true, free_points: false, ..Self::OWNED };
    /// Objects are found by weak references, and finalized.
    pub const WEAK: Self = Self { weak: true, ..Self::SHARED };
    /// As [`Needs::OWNED`], and it measures collections.
    pub const COLLECTED: Self = Self { collections: true, ..Self::OWNED };

    /// Why a discipline of these capabilities cannot run such a program, if it cannot.
    pub fn refusal(self, caps: Caps) -> Option<&'static str> {
        if self.shared && !caps.shared {
            return Some("objects have several holders and no region: nobody owns them");
        }
        if !self.free_points && caps.needs_free {
            return Some("nobody knows where the last holder goes, so there is no place to free");
        }
        if self.collections && !caps.cycles {
            return Some("it measures collections, and this discipline has none");
        }
        if self.weak && !(caps.weak_slots && caps.ephemerons && caps.finalizers) {
            return Some(
                "it has weak slots, ephemerons or finalizers, which this discipline has not",
            );
        }
        None
    }
}
