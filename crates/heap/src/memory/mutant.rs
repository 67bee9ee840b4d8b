//! Mutants: known bugs, built in by the feature `mutants` only. A heap has at most one.
//!
//! A kit that has never seen a bug proves nothing. So the code contains the classic mistakes of collectors
//! as switches, `mutant!(memory, "name")`, and a test fails unless some detector finds each. Without the
//! feature a switch is the constant `false` and generates no code.
//!
//! The null block, where no object lies, stores the chosen mutant: code with access to the heap's memory
//! reads it on any thread, without statics. The block also records the switches that were executed, so that
//! a mutant is tried only on collectors that run its code.

use crate::memory::Memory;

/// Whether mutants are built in.
pub const MUTANTS: bool = cfg!(feature = "mutants");

/// A mutant, identified by a hash of its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mutant(pub(crate) u32);

impl Mutant {
    /// The mutant of this name.
    pub const fn named(name: &str) -> Self {
        // FNV-1a.
        let (bytes, mut hash, mut index) = (name.as_bytes(), 0x811c_9dc5_u32, 0);
        while index < bytes.len() {
            hash = (hash ^ bytes[index] as u32).wrapping_mul(0x0100_0193);
            index += 1;
        }
        Self(hash)
    }
}

impl Memory<'_> {
    /// Whether this heap has the bug `mutant`; for [`mutant!`](crate::mutant).
    #[inline(always)]
    pub fn has_mutant(self, mutant: Mutant) -> bool {
        MUTANTS && self.null_block().pass(mutant.0)
    }
}

/// Whether the heap of `memory` has the bug `name`: `if mutant!(memory, "a root is lost")`.
#[macro_export]
macro_rules! mutant {
    ($memory:expr, $name:literal) => {
        $memory.has_mutant(const { $crate::Mutant::named($name) })
    };
}
