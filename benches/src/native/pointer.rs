//! Owners of nodes: smart pointers and arenas.
//!
//! The programs are written once over [`Owner`], so that `Box`, `Rc` and `Arc` run the same code;
//! monomorphisation removes the trait. Trees are built by one owner, so the counted pointers need no
//! cell inside the node: while a node is unique it can be written through [`Rc::get_mut`], which is
//! cheaper than a `RefCell` and leaves the node as small as with `Box`.

use bumpalo::Bump;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// A family of owning pointers.
pub(super) trait Owner: 'static {
    /// The pointer to a `T`.
    type To<T>: Deref<Target = T>;
    /// Allocates.
    fn new<T>(value: T) -> Self::To<T>;
    /// Write access to a value with this single owner.
    fn unique<T>(pointer: &mut Self::To<T>) -> &mut T;
}

/// [`Box`].
pub(super) enum OfBox {}

impl Owner for OfBox {
    type To<T> = Box<T>;

    fn new<T>(value: T) -> Box<T> {
        Box::new(value)
    }

    fn unique<T>(pointer: &mut Box<T>) -> &mut T {
        pointer
    }
}

macro_rules! counted {
    ($name:ident, $pointer:ident) => {
        #[doc = concat!("[`", stringify!($pointer), "`].")]
        pub(super) enum $name {}

        impl Owner for $name {
            type To<T> = $pointer<T>;

            fn new<T>(value: T) -> $pointer<T> {
                $pointer::new(value)
            }

            fn unique<T>(pointer: &mut $pointer<T>) -> &mut T {
                $pointer::get_mut(pointer)
                    .expect("a tree under construction has one owner per node")
            }
        }
    };
}

counted!(OfRc, Rc);
counted!(OfArc, Arc);

/// Arenas for short-lived trees, one tree at a time.
pub(super) struct Arenas {
    current: Bump,
    reuse: bool,
}

impl Arenas {
    /// A fresh arena for each tree: its chunks return to the global allocator.
    pub(super) fn fresh() -> Self {
        Self { current: Bump::new(), reuse: false }
    }

    /// The same arena for each tree, reset in between: its largest chunk stays.
    pub(super) fn reused() -> Self {
        Self { current: Bump::new(), reuse: true }
    }

    /// Runs `tree`, which builds and uses one tree in an arena, and reclaims the arena.
    pub(super) fn with<T>(&mut self, tree: impl FnOnce(&Bump) -> T) -> T {
        let result = tree(&self.current);
        match self.reuse {
            true => self.current.reset(),
            false => self.current = Bump::new(),
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arenas_reclaim_after_each_tree() {
        let fill = |arena: &Bump| {
            let before = arena.allocated_bytes();
            for i in 0..10_000_u64 {
                arena.alloc(i);
            }
            before
        };
        let mut fresh = Arenas::fresh();
        assert_eq!((fresh.with(fill), fresh.with(fill)), (0, 0));
        let mut reused = Arenas::reused();
        assert_eq!(reused.with(fill), 0);
        assert!(reused.with(fill) > 0, "the largest chunk stays");
        let kept = reused.with(fill);
        for _ in 0..20 {
            assert_eq!(reused.with(fill), kept, "and memory does not accumulate");
        }
    }
}
