//! Rust's own drop of a long list: natively recursive, as the standard library writes it.
//!
//! The heap's disciplines drop in a loop. `Box` and `Rc` recurse: dropping a node of a list drops the
//! next one from within, with a stack frame or two for each. This may end the process, so it runs in
//! a process of its own.

use std::rc::Rc;
use std::{io, thread};

/// Nodes of the list.
pub(crate) const NODES: u32 = 200_000;
/// Stack for the drop, in bytes: the same as for a cell of a run.
pub(crate) const STACK_BYTES: usize = 512 << 10;

/// The pointer type of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeDrop {
    /// Each node owns the next one.
    Box,
    /// Each node counts the next one.
    Rc,
}

struct Owner {
    _next: Option<Box<Owner>>,
}

struct Counted {
    _next: Option<Rc<Counted>>,
}

/// Builds a list of `nodes` nodes and drops it on a stack of `stack_bytes`. Returns if the stack is
/// large enough.
///
/// # Errors
/// If the thread cannot be started.
pub(crate) fn native_drop(list: NativeDrop, nodes: u32, stack_bytes: usize) -> io::Result<()> {
    let body = move || match list {
        NativeDrop::Box => {
            drop((0..nodes).fold(None, |next, _| Some(Box::new(Owner { _next: next }))))
        }
        NativeDrop::Rc => {
            drop((0..nodes).fold(None, |next, _| Some(Rc::new(Counted { _next: next }))))
        }
    };
    let thread = thread::Builder::new().name("drop".to_owned()).stack_size(stack_bytes);
    thread.spawn(body)?.join().map_err(|_| io::Error::other("the drop panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_is_dropped() {
        for list in [NativeDrop::Box, NativeDrop::Rc] {
            native_drop(list, 100, STACK_BYTES).unwrap();
        }
    }
}
