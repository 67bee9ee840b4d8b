//! The contract of a program: parameters, a preparation and a run.

use heap::{Caps, Collector, Mutator, OutOfMemory, Probe};
use serde::de::DeserializeOwned;

/// A prepared program.
pub trait Program: Sized {
    /// Parameters in the suite file, read with `serde`; they must refuse unknown names.
    type Parameters: DeserializeOwned;

    /// Draws numbers, keys and orders from the seed, before the clock starts and outside the heap.
    fn prepare(parameters: Self::Parameters, seed: u64) -> Self;

    /// Runs to the end and returns the answer, which is compared with the literal in the suite file.
    ///
    /// # Errors
    /// If the heap limit is reached.
    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory>;
}

/// Requirements of a program on a collector, checked before the pair is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// It has shared objects outside regions: no owner drops them.
    pub shared: bool,
    /// It calls `free`. Without the calls, a discipline that frees only on them leaks.
    pub free_points: bool,
    /// It has weak slots, ephemerons and finalizable objects.
    pub weak: bool,
    /// It measures collections, so the collector must have some.
    pub collections: bool,
    /// It declares regions: without them, a discipline that frees regions only frees nothing.
    pub regions: bool,
}

impl Needs {
    /// Every object has one owner, and the program frees it.
    pub const OWNED: Self =
        Self { shared: false, free_points: true, weak: false, collections: false, regions: false };
    /// Objects have several holders, and the program does not know the last one.
    pub const SHARED: Self = Self { shared: true, free_points: false, ..Self::OWNED };
    /// Objects have weak references, ephemerons and finalizers.
    pub const WEAK: Self = Self { weak: true, ..Self::SHARED };
    /// As [`Needs::OWNED`], and the objects are in regions.
    pub const IN_REGIONS: Self = Self { regions: true, ..Self::OWNED };
    /// As [`Needs::OWNED`], and the program measures collections.
    pub const COLLECTED: Self = Self { collections: true, ..Self::OWNED };

    /// The reason why a discipline with these capabilities cannot run the program, if there is one.
    pub fn refusal(self, caps: Caps) -> Option<&'static str> {
        if self.shared && !caps.shared {
            return Some("objects have several holders and no region: they have no owner");
        }
        if !self.free_points && caps.needs_free {
            return Some(
                "the last holder of an object is not known, so there is no place to free it",
            );
        }
        if self.collections && !caps.cycles {
            return Some("the program measures collections, and this discipline has none");
        }
        if self.weak && !(caps.weak_slots && caps.ephemerons && caps.finalizers) {
            return Some(
                "the program needs weak slots, ephemerons and finalizers; this discipline lacks some",
            );
        }
        None
    }
}
