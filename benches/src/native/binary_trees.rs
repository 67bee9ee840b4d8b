//! binary-trees of the Computer Language Benchmarks Game, after Hans Boehm's GCBench.
//!
//! 1. Build, count and drop a stretch tree of depth N + 1.
//! 2. Build a long-lived tree of depth N.
//! 3. For d = 4, 6 .. N build, count and drop `2^(N - d + 4)` trees of depth d.
//! 4. Count the long-lived tree.
//!
//! A node is two optional children; trees are built from the leaves up; counting visits every node.
//! The teardown drops the long-lived tree.

use super::pointer::{Arenas, Owner};
use bumpalo::Bump;
use std::fmt::Write;
use std::hint::black_box;

/// Depth of the smallest short-lived trees.
const MIN_DEPTH: u32 = 4;

/// A node owned through pointers of family `P`: 16 bytes.
struct Node<P: Owner> {
    left: Option<P::To<Node<P>>>,
    right: Option<P::To<Node<P>>>,
}

impl<P: Owner> Node<P> {
    fn tree(depth: u32) -> P::To<Self> {
        if depth == 0 {
            // Were it known to be all zero, a `Box` of it would be compiled to a call for zeroed memory,
            // which some allocators clear a second time. A field that is not zero would cost 8 bytes.
            return P::new(Self { left: black_box(None), right: None });
        }
        let (left, right) = (Self::tree(depth - 1), Self::tree(depth - 1));
        P::new(Self { left: Some(left), right: Some(right) })
    }

    fn count(&self) -> u64 {
        match (&self.left, &self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }
}

/// A node in an arena: 16 bytes.
struct ArenaNode<'arena> {
    left: Option<&'arena ArenaNode<'arena>>,
    right: Option<&'arena ArenaNode<'arena>>,
}

impl<'arena> ArenaNode<'arena> {
    fn tree(arena: &'arena Bump, depth: u32) -> &'arena Self {
        if depth == 0 {
            return arena.alloc(Self { left: None, right: None });
        }
        let (left, right) = (Self::tree(arena, depth - 1), Self::tree(arena, depth - 1));
        arena.alloc(Self { left: Some(left), right: Some(right) })
    }

    fn count(&self) -> u64 {
        match (self.left, self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }
}

/// The program with owning pointers. Returns its answer and the long-lived tree.
pub(super) fn owned<P: Owner>(n: u32) -> (String, impl Sized) {
    // The black boxes keep the compiler from computing the count without building the tree.
    let count = |depth| black_box(Node::<P>::tree(black_box(depth))).count();
    let stretch = count(n + 1);
    let long_lived = black_box(Node::<P>::tree(n));
    let rounds = rounds(n, count);
    (answer(n, stretch, rounds, long_lived.count()), long_lived)
}

/// The program with an arena per tree. Returns its answer and the long-lived arena.
pub(super) fn in_arenas(n: u32, mut arenas: Arenas) -> (String, impl Sized) {
    let mut count =
        |depth| arenas.with(|arena| black_box(ArenaNode::tree(arena, black_box(depth))).count());
    let stretch = count(n + 1);
    let long_lived_arena = Bump::new();
    let long_lived = black_box(ArenaNode::tree(&long_lived_arena, n));
    let rounds = rounds(n, count);
    (answer(n, stretch, rounds, long_lived.count()), (long_lived_arena, arenas))
}

/// The answer for depth n in closed form: a tree of depth d has `2^(d + 1) - 1` nodes.
pub(super) fn expected(n: u32) -> String {
    let nodes = |depth| (2_u64 << depth) - 1;
    answer(n, nodes(n + 1), rounds(n, nodes), nodes(n))
}

/// One round of short-lived trees: their number, their depth, and all their nodes.
struct Round {
    trees: u64,
    depth: u32,
    nodes: u64,
}

fn rounds(n: u32, mut count: impl FnMut(u32) -> u64) -> Vec<Round> {
    let round = |depth| {
        let trees = 1_u64 << (n - depth + MIN_DEPTH);
        Round { trees, depth, nodes: (0..trees).map(|_| count(depth)).sum() }
    };
    (MIN_DEPTH..=n).step_by(2).map(round).collect()
}

fn answer(n: u32, stretch: u64, rounds: Vec<Round>, long_lived: u64) -> String {
    let mut answer = format!("stretch {}: {stretch}; ", n + 1);
    for Round { trees, depth, nodes } in rounds {
        // Writing to a string cannot fail.
        let _ = write!(answer, "{trees}@{depth}: {nodes}; ");
    }
    answer + &format!("long {n}: {long_lived}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::pointer::{OfArc, OfBox, OfRc};

    /// The output published with the benchmark, for the default and for the site's own depth.
    #[test]
    fn the_closed_form_is_the_published_output() {
        assert_eq!(
            expected(16),
            "stretch 17: 262143; 65536@4: 2031616; 16384@6: 2080768; 4096@8: 2093056; \
             1024@10: 2096128; 256@12: 2096896; 64@14: 2097088; 16@16: 2097136; long 16: 131071"
        );
        let site = expected(21);
        assert!(site.starts_with("stretch 22: 8388607; 2097152@4: 65011712; "), "{site}");
        assert!(site.ends_with("; 32@20: 67108832; long 21: 4194303"), "{site}");
    }

    #[test]
    fn every_pointer_builds_whole_trees() {
        assert_eq!(Node::<OfBox>::tree(5).count(), 63);
        assert_eq!(Node::<OfRc>::tree(5).count(), 63);
        assert_eq!(Node::<OfArc>::tree(5).count(), 63);
        assert_eq!(ArenaNode::tree(&Bump::new(), 5).count(), 63);
    }

    #[test]
    fn nodes_are_two_pointers() {
        assert_eq!(size_of::<Node<OfBox>>(), 2 * size_of::<usize>());
        assert_eq!(size_of::<Node<OfArc>>(), 2 * size_of::<usize>());
        assert_eq!(size_of::<ArenaNode>(), 2 * size_of::<usize>());
    }
}
