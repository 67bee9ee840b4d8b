//! Fault injection: memory errors added to a program that is otherwise correct.
//!
//! A [`crate::Probe`] watches; the [`FaultInjector`] that it may return commands. At a `free` of the program
//! it chooses another action ([`FreeFault`]), and before any allocation or `free` it adds some
//! ([`InjectedFault`]). The mutator carries them out as a programmer under this discipline would: a copy of a
//! pointer is counted where pointers are counted, and a `free` through it means what `free` means there.
//!
//! [`crate::Probe::injector`] is the only link: a probe that injects returns itself, all others inherit
//! `None`, which compiles to nothing. So the mutator needs no second type parameter or bound.

use crate::blocks::heap::Heap;
use crate::memory::Offset32;
use crate::memory::value::ObjectReference;
use crate::object::header::Layout;
use crate::space::IsAllocated;
use std::convert::Infallible;

/// The action of the faulty program in place of a `free`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeFault {
    /// No fault: the object is freed.
    None,
    /// `free` is omitted, and the root goes out of scope. Some disciplines drop it then.
    Omitted,
    /// The root is forgotten and the object not dropped, as by `mem::forget`.
    Forgotten,
    /// The root is kept: a forgotten entry of a table.
    Kept,
}

/// An action added to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InjectedFault {
    /// Keeps a copy of the pointer to an object.
    Copy(ObjectReference),
    /// Frees an object through such a copy.
    Free(ObjectReference),
    /// Borrows an object in place `slot` of a table that outlives it.
    Borrow {
        /// Place in the table.
        slot: u32,
        /// The object that is borrowed.
        object: ObjectReference,
    },
    /// Upgrades a borrow, reads the payload and writes its last word.
    Use {
        /// Place in the table.
        slot: u32,
        /// The layout of the object that was borrowed.
        layout: Layout,
    },
}

/// Decides which faults a program makes. Every method has a default: no fault.
#[expect(unused_variables, reason = "defaults ignore their arguments")]
pub trait FaultInjector {
    /// The program frees the object of root number `index`. Returns the faulty action in its place.
    #[inline(always)]
    fn fault_at_free(
        &mut self,
        heap: &Heap,
        index: u32,
        object: ObjectReference,
        allocated: impl IsAllocated,
    ) -> FreeFault {
        FreeFault::None
    }

    /// The next fault before an allocation or a `free`. The mutator calls it until it returns `None`.
    #[inline(always)]
    fn next_fault(&mut self, heap: &Heap, allocated: impl IsAllocated) -> Option<InjectedFault> {
        None
    }

    /// Whether a region is ended too early, before another object is allocated in it.
    #[inline(always)]
    fn ends_region_early(&mut self) -> bool {
        false
    }

    /// The bits of slots and payload words that a new object shows in place of zeros, as under an allocator
    /// that does not zero. Called before [`crate::Probe::allocated`].
    #[inline(always)]
    fn initial_contents(
        &mut self,
        heap: &Heap,
        object: ObjectReference,
        layout: Layout,
    ) -> Vec<(Offset32, u32)> {
        Vec::new()
    }

    /// [`InjectedFault::Use`] found null: the referent is dead, and the discipline says so.
    fn refused(&mut self) {}
}

/// The injector of a probe that only watches: there is none.
impl FaultInjector for Infallible {}
