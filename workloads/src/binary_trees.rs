//! binary-trees of the Computer Language Benchmarks Game, after Boehm's GCBench, and a variant with a
//! region per tree.
//!
//! 1. Build, count and drop a stretch tree of depth N + 1.
//! 2. Build a long-lived tree of depth N.
//! 3. For depth d = 4, 6 .. N, build, count and drop `2^(N - d + 4)` trees of depth d.
//! 4. Count the long-lived tree.
//!
//! Trees are built from the leaves up. A node is two slots without payload: the smallest cell.
//!
//! *Ownership*: a node owns its children, a root owns each tree. In the variant with regions, the
//! region owns the nodes of its tree and the slots are shared: no node has an owner of its own.
//!
//! *Separates*: the cost of one allocation and one death, with nothing else in between. The variant
//! shows the saving of a program designed so that all nodes of a tree die together.

use crate::parameters::Depth;
use crate::program::Program;
use heap::{Collector, Local, Mutator, OutOfMemory, Probe, Ref, Region, Root, Slot, Strong};
use serde::Deserialize;
use std::fmt::Write;

/// Depth of the smallest short-lived trees.
const MIN_DEPTH: u32 = 4;

/// The program: its parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryTrees {
    /// Depth of the long-lived tree, N.
    depth: Depth,
}

/// The program with a region per tree.
#[derive(Clone, Copy, Debug)]
pub struct InRegions(BinaryTrees);

heap::shape! {
    /// A node that owns its children.
    struct Node { own LEFT, RIGHT; }
}
heap::shape! {
    /// A node whose tree's region owns it.
    struct RegionNode { shared LEFT, RIGHT; }
}

impl Program for BinaryTrees {
    type Parameters = Self;

    fn prepare(parameters: Self, _: u64) -> Self {
        parameters
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        fn build_and_count<C: Collector, P: Probe>(
            m: &mut Mutator<C, P>,
            depth: u32,
        ) -> Result<u64, OutOfMemory> {
            let tree = tree(m, depth)?;
            let nodes = count(m, m.get(&tree), Node::LEFT, Node::RIGHT);
            m.free(tree);
            Ok(nodes)
        }
        m.phase("stretch");
        let stretch = build_and_count(m, self.depth.get() + 1)?;
        m.phase("long-lived");
        let long_lived = tree(m, self.depth.get())?;
        m.phase("short-lived");
        let rounds = self.rounds(|depth| build_and_count(m, depth))?;
        let nodes = count(m, m.get(&long_lived), Node::LEFT, Node::RIGHT);
        Ok(self.answer(stretch, &rounds, nodes))
    }
}

impl Program for InRegions {
    type Parameters = BinaryTrees;

    fn prepare(parameters: BinaryTrees, _: u64) -> Self {
        Self(parameters)
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        fn build_and_count<C: Collector, P: Probe>(
            m: &mut Mutator<C, P>,
            depth: u32,
        ) -> Result<u64, OutOfMemory> {
            let region = m.region();
            let tree = tree_in(m, &region, depth)?;
            let nodes = count(m, m.get(&tree), RegionNode::LEFT, RegionNode::RIGHT);
            m.forget(tree);
            m.end_region(region);
            Ok(nodes)
        }
        let Self(program) = self;
        m.phase("stretch");
        let stretch = build_and_count(m, program.depth.get() + 1)?;
        m.phase("long-lived");
        let region = m.region();
        let long_lived = tree_in(m, &region, program.depth.get())?;
        m.phase("short-lived");
        let rounds = program.rounds(|depth| build_and_count(m, depth))?;
        let nodes = count(m, m.get(&long_lived), RegionNode::LEFT, RegionNode::RIGHT);
        // Only the program ends a region; the end of a run does not.
        m.forget(long_lived);
        m.end_region(region);
        Ok(program.answer(stretch, &rounds, nodes))
    }
}

/// One round of short-lived trees: their number, their depth, and all their nodes.
struct Round {
    trees: u64,
    depth: u32,
    nodes: u64,
}

impl BinaryTrees {
    /// All rounds; `one` builds, counts and drops one tree of a depth.
    fn rounds<E>(&self, mut one: impl FnMut(u32) -> Result<u64, E>) -> Result<Vec<Round>, E> {
        let round = |depth| {
            let trees = 1_u64 << (self.depth.get() - depth + MIN_DEPTH);
            let mut nodes = 0;
            for _ in 0..trees {
                nodes += one(depth)?;
            }
            Ok(Round { trees, depth, nodes })
        };
        (MIN_DEPTH..=self.depth.get()).step_by(2).map(round).collect()
    }

    /// The published output on one line.
    fn answer(&self, stretch: u64, rounds: &[Round], long_lived: u64) -> String {
        let depth = self.depth.get();
        let mut answer = format!("stretch {}: {stretch}; ", depth + 1);
        for Round { trees, depth, nodes } in rounds {
            // Writing to a string cannot fail.
            let _ = write!(answer, "{trees}@{depth}: {nodes}; ");
        }
        answer + &format!("long {depth}: {long_lived}")
    }
}

fn tree<C: Collector, P: Probe>(m: &mut Mutator<C, P>, depth: u32) -> Result<Root, OutOfMemory> {
    if depth == 0 {
        return m.alloc::<Node>();
    }
    let left = tree(m, depth - 1)?;
    let right = tree(m, depth - 1)?;
    m.build::<Node, 2>([left, right])
}

fn tree_in<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    region: &Region,
    depth: u32,
) -> Result<Local, OutOfMemory> {
    if depth == 0 {
        return m.alloc_in::<RegionNode>(region);
    }
    let left = tree_in(m, region, depth - 1)?;
    let right = tree_in(m, region, depth - 1)?;
    m.build_in::<RegionNode, 2>(region, [left, right])
}

/// Nodes of a tree, for both kinds of slots.
fn count<C: Collector, P: Probe, K: Strong>(
    m: &Mutator<C, P>,
    node: Ref<'_>,
    left: Slot<K>,
    right: Slot<K>,
) -> u64 {
    match (m.load(node, left), m.load(node, right)) {
        (Some(l), Some(r)) => 1 + count(m, l, left, right) + count(m, r, left, right),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};
    use heap::Shape;
    use std::convert::Infallible;

    /// A tree of depth d has `2^(d + 1) - 1` nodes.
    fn expected(program: BinaryTrees) -> (String, Census) {
        let nodes = |depth| (2_u64 << depth) - 1;
        let rounds = program.rounds(|depth| Ok::<_, Infallible>(nodes(depth))).unwrap();
        let (stretch, long_lived) = (nodes(program.depth.get() + 1), nodes(program.depth.get()));
        let objects = stretch + long_lived + rounds.iter().map(|round| round.nodes).sum::<u64>();
        let node_bytes = u64::from(Node::LAYOUT.bytes());
        let census = Census {
            objects,
            allocated_bytes: objects * node_bytes,
            // One node more than the long-lived tree and the last short-lived one together.
            peak_live_bytes: stretch * node_bytes,
        };
        (program.answer(stretch, &rounds, long_lived), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        literals::check("binary-trees", |program, _| expected(program));
        literals::check("binary-trees@regions", |program, _| expected(program));
        assert_eq!(Node::LAYOUT.bytes(), RegionNode::LAYOUT.bytes());
    }

    #[test]
    fn the_closed_form_is_the_published_output() {
        let site = expected(BinaryTrees { depth: 21_u64.try_into().unwrap() }).0;
        assert_eq!(
            site,
            "stretch 22: 8388607; 2097152@4: 65011712; 524288@6: 66584576; 131072@8: 66977792; \
             32768@10: 67076096; 8192@12: 67100672; 2048@14: 67106816; 512@16: 67108352; \
             128@18: 67108736; 32@20: 67108832; long 21: 4194303",
            "as the Benchmarks Game publishes it"
        );
    }
}
