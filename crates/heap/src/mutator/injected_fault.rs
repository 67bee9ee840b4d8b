//! An author who errs: what can be done wrong in a program that is otherwise right.
//!
//! A [`crate::Probe`] may be such an author. Where a program says `free` it may do something else
//! ([`FreeFault`]), and before any allocation or `free` it may do something more ([`InjectedFault`]). The mutator
//! carries it out as an author under this discipline would: a copy of a pointer is counted where
//! pointers are counted, and a `free` through it is whatever the discipline takes a `free` for.

use crate::memory::value::ObjectReference;
use crate::object::header::Layout;

/// What an author does where the program says `free`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeFault {
    /// Nothing is omitted: the object is freed.
    None,
    /// Nothing is said, and the root goes out of scope. Some disciplines drop it then.
    Unsaid,
    /// The object is taken out of everybody's sight, as `mem::forget` does.
    Forgotten,
    /// The root is kept: a forgotten entry of a table.
    Kept,
}

/// What an author does beside the program.
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
        /// What is borrowed.
        object: ObjectReference,
    },
    /// Looks at what is borrowed there, reads its payload and writes the last word of it.
    Use {
        /// Place in the table.
        slot: u32,
        /// The layout of what was borrowed.
        layout: Layout,
    },
}

/// How memory is accessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It is read.
    Read,
    /// It is written.
    Write,
}
