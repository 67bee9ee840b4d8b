//! Mutants: known bugs, built in by the feature `mutants` only, of which one heap may have one.
//!
//! A kit that has never seen a bug proves nothing. So the classic mistakes of collectors stand in the
//! code as switches, `if mutant!(memory, "name") { the mistake }`, and a test fails unless some
//! detector finds each. Without the feature a switch is the constant `false` and leaves no trace.
//!
//! Which bug a heap has stands in its null block, where no object can lie: so whatever can see the
//! heap's memory can ask, on any thread, and there are no statics. `conformance` lists all mutants.

use crate::heap::Heap;
use crate::memory::Memory;

/// A mutant, by a number made of its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mutant(u32);

impl Mutant {
    /// The mutant of this name.
    pub const fn named(name: &str) -> Self {
        // FNV-1a: a collision between two names of the list would fail the test that each is reached.
        let (bytes, mut hash, mut index) = (name.as_bytes(), 0x811c_9dc5_u32, 0);
        while index < bytes.len() {
            hash = (hash ^ bytes[index] as u32).wrapping_mul(0x0100_0193);
            index += 1;
        }
        Self(hash)
    }
}

/// Whether mutants are built in.
pub const MUTANTS: bool = cfg!(feature = "mutants");

impl Memory<'_> {
    /// Whether this heap has that bug. Asked by [`mutant!`](crate::mutant).
    #[inline(always)]
    pub fn has_mutant(self, mutant: Mutant) -> bool {
        #[cfg(feature = "mutants")]
        {
            use std::sync::atomic::Ordering::Relaxed;
            let [chosen, reached] = self.null_words();
            let has = chosen.load(Relaxed) == mutant.0;
            if has {
                reached.store(1, Relaxed);
            }
            has
        }
        #[cfg(not(feature = "mutants"))]
        {
            _ = mutant;
            false
        }
    }
}

impl Heap {
    /// Gives this heap that bug. Without the feature it has no effect.
    pub fn infect(&self, mutant: Mutant) {
        #[cfg(feature = "mutants")]
        self.memory().null_words()[0].store(mutant.0, std::sync::atomic::Ordering::Relaxed);
        #[cfg(not(feature = "mutants"))]
        let _ = mutant;
    }

    /// Whether the code of the mutant that this heap was infected with has been run.
    pub fn mutant_was_reached(&self) -> bool {
        #[cfg(feature = "mutants")]
        {
            self.memory().null_words()[1].load(std::sync::atomic::Ordering::Relaxed) != 0
        }
        #[cfg(not(feature = "mutants"))]
        false
    }
}

/// Whether the heap of this memory has the bug of this name: `if mutant!(memory, "lost root") { .. }`.
#[macro_export]
macro_rules! mutant {
    ($memory:expr, $name:literal) => {
        $memory.has_mutant(const { $crate::Mutant::named($name) })
    };
}
