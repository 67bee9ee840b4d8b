//! GCBench of Ellis and Kovac (Post Communications, 1997), made a collector benchmark by Boehm.
//!
//! 1. Build a stretch tree bottom-up and drop it: the heap reaches its largest live set at once.
//! 2. Build a long-lived tree top-down, and a pointer-free array of doubles whose first half holds
//!    reciprocals.
//! 3. For depth d = 4, 6 .. the maximum, build and drop `2 TreeSize(stretch) / TreeSize(d)` trees
//!    top-down (every node is stored into an older one), then as many bottom-up (every node is
//!    stored into a younger one), where `TreeSize(d) = 2^(d + 1) - 1`.
//! 4. The long-lived tree and the array must have survived.
//!
//! *Ownership*: a node owns its children, a root owns each tree. A node is two slots and the
//! original's two integers in one payload word.
//!
//! *Separates*: bump allocation from free lists, and disciplines whose cost follows the dead objects
//! (reference counts, drops, frees) from those whose cost follows the live ones.

use crate::bounded::Bounded;
use crate::parameters::Depth;
use crate::program::Program;
use heap::{Collector, Local, Mutator, OutOfMemory, Own, Probe, Ref, Root, Word};
use serde::Deserialize;

/// Depth of the smallest short-lived trees.
const MIN_DEPTH: u32 = 4;
/// The element of the array in the answer.
const SHOWN: u32 = 1000;

/// The program: its parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcBench {
    /// Depth of the stretch tree, which also sets the number of short-lived trees.
    stretch_depth: Depth,
    /// Depth of the long-lived tree.
    long_lived_depth: Depth,
    /// Depth of the largest short-lived trees.
    max_depth: Depth,
    /// Doubles in the long-lived array; its first half must include element [`SHOWN`].
    array_length: Bounded<{ 2 * (SHOWN + 1) }, { 1 << 27 }>,
}

heap::shape! {
    /// A node of a tree.
    struct Node { own LEFT, RIGHT; word INTEGERS; }
}

impl Program for GcBench {
    type Parameters = Self;

    fn prepare(parameters: Self, _: u64) -> Self {
        parameters
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("stretch");
        let stretch = bottom_up(m, self.stretch_depth.get())?;
        m.free(stretch);
        let mut nodes = tree_size(self.stretch_depth.get());

        m.phase("long-lived");
        let long_lived = top_down(m, self.long_lived_depth.get())?;
        let array = self.array(m)?;

        m.phase("short-lived");
        for depth in (MIN_DEPTH..=self.max_depth.get()).step_by(2) {
            for _ in 0..self.trees(depth) {
                let tree = top_down(m, depth)?;
                m.free(tree);
            }
            for _ in 0..self.trees(depth) {
                let tree = bottom_up(m, depth)?;
                m.free(tree);
            }
            nodes += 2 * self.trees(depth) * tree_size(depth);
        }

        nodes += count(m, m.get(&long_lived));
        let shown = f64::from_bits(m.word(m.get(&array), element(SHOWN)));
        Ok(format!("{nodes} nodes; array[{SHOWN}] = {shown}"))
    }
}

impl GcBench {
    /// Trees of this depth built each way.
    fn trees(&self, depth: u32) -> u64 {
        2 * tree_size(self.stretch_depth.get()) / tree_size(depth)
    }

    fn array<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<Root, OutOfMemory> {
        let array = m.alloc_array(Own, 0, self.array_length.get())?;
        let view = m.get(&array);
        for i in 0..self.array_length.get() / 2 {
            m.set_word(view, element(i), (1.0 / f64::from(i)).to_bits());
        }
        Ok(array)
    }
}

/// Nodes of a full tree of this depth.
fn tree_size(depth: u32) -> u64 {
    (2 << depth) - 1
}

/// Element of an array without slots.
fn element(index: u32) -> Word {
    Word::element(0, index)
}

/// Builds a tree from its leaves up.
fn bottom_up<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    depth: u32,
) -> Result<Root, OutOfMemory> {
    if depth == 0 {
        return m.alloc::<Node>();
    }
    let left = bottom_up(m, depth - 1)?;
    let right = bottom_up(m, depth - 1)?;
    m.build::<Node, 2>([left, right])
}

/// Builds a tree from its root down.
fn top_down<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    depth: u32,
) -> Result<Root, OutOfMemory> {
    let root = m.alloc::<Node>()?;
    let cursor = m.local(m.get(&root));
    populate(m, depth, &cursor)?;
    m.forget(cursor);
    Ok(root)
}

/// Adds subtrees of this depth below a leaf. The local ends at the last of the new leaves: as in the
/// original, once compiled, the second call of the recursion is a loop.
fn populate<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    depth: u32,
    node: &Local,
) -> Result<(), OutOfMemory> {
    for below in (0..depth).rev() {
        m.alloc_into::<Node>(node, Node::LEFT)?;
        m.alloc_into::<Node>(node, Node::RIGHT)?;
        // Leaves get no children, so they need no local.
        if below > 0 {
            let left = m.null_local();
            m.assign(&left, m.load(m.get(node), Node::LEFT));
            populate(m, below, &left)?;
            m.forget(left);
            m.assign(node, m.load(m.get(node), Node::RIGHT));
        }
    }
    Ok(())
}

fn count<C: Collector, P: Probe>(m: &Mutator<C, P>, node: Ref<'_>) -> u64 {
    let children = [m.load(node, Node::LEFT), m.load(node, Node::RIGHT)];
    1 + children.into_iter().flatten().map(|child| count(m, child)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, Parameters, literals};
    use heap::Shape;

    fn expected(program: GcBench) -> (String, Census) {
        let short = |depth| 2 * program.trees(depth) * tree_size(depth);
        let [stretch, long_lived, biggest] =
            [program.stretch_depth, program.long_lived_depth, program.max_depth]
                .map(|depth| tree_size(depth.get()));
        let nodes = stretch
            + long_lived
            + (MIN_DEPTH..=program.max_depth.get()).step_by(2).map(short).sum::<u64>();
        let node_bytes = u64::from(Node::LAYOUT.bytes());
        let array_bytes = 16 + 8 * u64::from(program.array_length.get());
        let census = Census {
            objects: nodes + 1,
            allocated_bytes: nodes * node_bytes + array_bytes,
            peak_live_bytes: u64::max(
                stretch * node_bytes,
                (long_lived + biggest) * node_bytes + array_bytes,
            ),
        };
        (format!("{nodes} nodes; array[1000] = {}", 1.0 / 1000.0), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        literals::check("gcbench", |program, _| expected(program));
    }

    #[test]
    fn the_default_size_is_the_published_one() {
        let suite = crate::Suite::builtin();
        let default = suite.find("gcbench").unwrap().default.as_ref().unwrap();
        let classic: Parameters = [
            ("stretch_depth", 18),
            ("long_lived_depth", 16),
            ("max_depth", 16),
            ("array_length", 500_000),
        ]
        .into();
        assert_eq!(default.parameters, classic);
        let program: GcBench = classic.read().unwrap();
        let table: Vec<u64> = (4..=16).step_by(2).map(|depth| program.trees(depth)).collect();
        assert_eq!(table, [33824, 8256, 2052, 512, 128, 32, 8], "as GCBench.java prints them");
        assert_eq!(expected(program).0, "15333862 nodes; array[1000] = 0.001");
    }
}
