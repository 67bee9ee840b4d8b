//! GCBench of Ellis, Kovac and Boehm (1997).
//!
//! 1. Build a stretch tree of depth N bottom-up and drop it.
//! 2. Build a long-lived tree of depth N - 2 top-down and an array of 500,000 doubles.
//! 3. For d = 4, 6 .. N - 2 build and drop `2 TreeSize(N) / TreeSize(d)` trees of depth d top-down
//!    (each node is stored into an older one), then as many bottom-up.
//!
//! `TreeSize(d) = 2^(d + 1) - 1`. N = 18 is the published size. The answer is the number of nodes
//! made and one element of the array; the long-lived tree and the array are dropped in the teardown.

use super::pointer::{Arenas, Owner};
use bumpalo::Bump;
use std::hint::black_box;

/// Depth of the smallest short-lived trees.
const MIN_DEPTH: u32 = 4;
/// Doubles in the long-lived array.
const ARRAY: usize = 500_000;
/// The element of the array in the answer.
const PROBE: usize = 1000;

/// A node owned through pointers of family `P`: 24 bytes, not all zero. A `Box` of zeroes is compiled to a
/// call for zeroed memory, which some allocators clear a second time.
struct Node<P: Owner> {
    left: Option<P::To<Node<P>>>,
    right: Option<P::To<Node<P>>>,
    _i: i32,
    _j: i32,
}

impl<P: Owner> Node<P> {
    fn with(left: Option<P::To<Self>>, right: Option<P::To<Self>>) -> Self {
        Self { left, right, _i: 1, _j: 0 }
    }

    /// Adds subtrees of this depth below a leaf. Returns the number of nodes made.
    fn populate(&mut self, depth: u32) -> u64 {
        if depth == 0 {
            return 0;
        }
        let left = self.left.insert(P::new(Self::with(None, None)));
        let right = self.right.insert(P::new(Self::with(None, None)));
        2 + P::unique(left).populate(depth - 1) + P::unique(right).populate(depth - 1)
    }

    fn top_down(depth: u32) -> (P::To<Self>, u64) {
        let mut root = P::new(Self::with(None, None));
        let made = 1 + P::unique(&mut root).populate(depth);
        (root, made)
    }

    fn bottom_up(depth: u32) -> (P::To<Self>, u64) {
        if depth == 0 {
            return (P::new(Self::with(None, None)), 1);
        }
        let (left, made_left) = Self::bottom_up(depth - 1);
        let (right, made_right) = Self::bottom_up(depth - 1);
        (P::new(Self::with(Some(left), Some(right))), 1 + made_left + made_right)
    }
}

/// A node in an arena: 24 bytes.
struct ArenaNode<'arena> {
    left: Option<&'arena mut ArenaNode<'arena>>,
    right: Option<&'arena mut ArenaNode<'arena>>,
    _i: i32,
    _j: i32,
}

impl<'arena> ArenaNode<'arena> {
    fn with(left: Option<&'arena mut Self>, right: Option<&'arena mut Self>) -> Self {
        Self { left, right, _i: 1, _j: 0 }
    }

    /// Adds subtrees of this depth below a leaf. Returns the number of nodes made.
    fn populate(&mut self, arena: &'arena Bump, depth: u32) -> u64 {
        if depth == 0 {
            return 0;
        }
        let left = self.left.insert(arena.alloc(Self::with(None, None)));
        let right = self.right.insert(arena.alloc(Self::with(None, None)));
        2 + left.populate(arena, depth - 1) + right.populate(arena, depth - 1)
    }

    fn top_down(arena: &'arena Bump, depth: u32) -> (&'arena mut Self, u64) {
        let root = arena.alloc(Self::with(None, None));
        let made = 1 + root.populate(arena, depth);
        (root, made)
    }

    fn bottom_up(arena: &'arena Bump, depth: u32) -> (&'arena mut Self, u64) {
        if depth == 0 {
            return (arena.alloc(Self::with(None, None)), 1);
        }
        let (left, made_left) = Self::bottom_up(arena, depth - 1);
        let (right, made_right) = Self::bottom_up(arena, depth - 1);
        (arena.alloc(Self::with(Some(left), Some(right))), 1 + made_left + made_right)
    }
}

/// The direction in which a short-lived tree grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    TopDown,
    BottomUp,
}

/// The program with owning pointers. Returns its answer and the long-lived objects.
pub(super) fn owned<P: Owner>(n: u32) -> (String, impl Sized) {
    // The black boxes keep the compiler from omitting a tree that is never read.
    let make = |growth, depth| match growth {
        Growth::TopDown => black_box(Node::<P>::top_down(black_box(depth))).1,
        Growth::BottomUp => black_box(Node::<P>::bottom_up(black_box(depth))).1,
    };
    let stretch = make(Growth::BottomUp, n);
    let (long_lived, made) = black_box(Node::<P>::top_down(n - 2));
    let array = black_box(array());
    let nodes = stretch + made + short_lived(n, make);
    (answer(nodes, array[PROBE]), (long_lived, array))
}

/// The program with an arena per tree. Returns its answer and the long-lived objects.
pub(super) fn in_arenas(n: u32, mut arenas: Arenas) -> (String, impl Sized) {
    let mut make = |growth, depth| {
        arenas.with(|arena| match growth {
            Growth::TopDown => black_box(ArenaNode::top_down(arena, black_box(depth))).1,
            Growth::BottomUp => black_box(ArenaNode::bottom_up(arena, black_box(depth))).1,
        })
    };
    let stretch = make(Growth::BottomUp, n);
    let long_lived_arena = Bump::new();
    let (_, made) = black_box(ArenaNode::top_down(&long_lived_arena, n - 2));
    let array = black_box(array());
    let nodes = stretch + made + short_lived(n, make);
    (answer(nodes, array[PROBE]), (long_lived_arena, array, arenas))
}

/// The answer for depth n in closed form.
pub(super) fn expected(n: u32) -> String {
    let nodes = tree_size(n) + tree_size(n - 2) + short_lived(n, |_, depth| tree_size(depth));
    answer(nodes, 1.0 / PROBE as f64)
}

/// Makes all short-lived trees and adds up their nodes.
fn short_lived(n: u32, mut make: impl FnMut(Growth, u32) -> u64) -> u64 {
    let mut nodes = 0;
    for depth in (MIN_DEPTH..=n - 2).step_by(2) {
        for growth in [Growth::TopDown, Growth::BottomUp] {
            for _ in 0..trees(n, depth) {
                nodes += make(growth, depth);
            }
        }
    }
    nodes
}

/// Nodes of a tree of this depth.
fn tree_size(depth: u32) -> u64 {
    (2 << depth) - 1
}

/// Trees of this depth made each way.
fn trees(n: u32, depth: u32) -> u64 {
    2 * tree_size(n) / tree_size(depth)
}

/// The long-lived array: its first half holds reciprocals, as in the original.
fn array() -> Vec<f64> {
    let mut array = vec![0.0; ARRAY];
    for (i, element) in array[..ARRAY / 2].iter_mut().enumerate() {
        *element = 1.0 / i as f64;
    }
    array
}

fn answer(nodes: u64, element: f64) -> String {
    format!("{nodes} nodes; array[{PROBE}] = {element}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::pointer::{OfArc, OfBox, OfRc};

    impl<P: Owner> Node<P> {
        fn count(&self) -> u64 {
            let children = [&self.left, &self.right].into_iter().flatten();
            1 + children.map(|child| child.count()).sum::<u64>()
        }
    }

    impl ArenaNode<'_> {
        fn count(&self) -> u64 {
            let children = [&self.left, &self.right].into_iter().flatten();
            1 + children.map(|child| child.count()).sum::<u64>()
        }
    }

    /// The numbers published with the benchmark.
    #[test]
    fn the_closed_form_is_the_published_result() {
        assert_eq!(expected(18), "15333862 nodes; array[1000] = 0.001");
        let table: Vec<u64> = (4..=16).step_by(2).map(|depth| trees(18, depth)).collect();
        assert_eq!(table, [33824, 8256, 2052, 512, 128, 32, 8]);
    }

    fn check<P: Owner>() {
        for (tree, made) in [Node::<P>::top_down(6), Node::<P>::bottom_up(6)] {
            assert_eq!((tree.count(), made), (127, 127));
        }
    }

    #[test]
    fn both_ways_build_the_trees_they_count() {
        check::<OfBox>();
        check::<OfRc>();
        check::<OfArc>();
        let arena = Bump::new();
        for (tree, made) in [ArenaNode::top_down(&arena, 6), ArenaNode::bottom_up(&arena, 6)] {
            assert_eq!((tree.count(), made), (127, 127));
        }
    }

    #[test]
    fn nodes_are_two_pointers_and_two_integers() {
        assert_eq!(size_of::<Node<OfBox>>(), 2 * size_of::<usize>() + 8);
        assert_eq!(size_of::<Node<OfRc>>(), 2 * size_of::<usize>() + 8);
        assert_eq!(size_of::<ArenaNode>(), 2 * size_of::<usize>() + 8);
    }
}
