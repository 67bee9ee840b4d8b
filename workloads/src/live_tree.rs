//! One complete binary live tree, and collections that the program requests: the time to find that
//! all objects are live.
//!
//! 1. *Build*: a tree of `live_objects` nodes of 32 bytes, numbered as in a binary heap: the children
//!    of node p are 2p and 2p + 1.
//! 2. *Garbage*: an eighth as many nodes again, each freed at once where the discipline frees.
//! 3. *Collect*: the program requests a collection. It finds exactly the tree.
//! 4. From 2 again, `collections` times in all.
//! 5. *Look*: paths from the root to nodes all over the tree. Each node on a path must hold its number.
//!
//! Two variants. In order, the tree is built from its leaves, depth first: a depth-first marker finds
//! neighbours side by side. Shuffled, nodes are allocated first and linked in random order, so that
//! every edge misses the caches and, from some size on, the TLB.
//!
//! *Ownership*: a node owns its children.
//!
//! *Separates*: costs that grow with the live objects from costs that do not. The phases show which
//! pauses belong to a collection, so that marking and sweeping can be divided by `live_objects`. A node
//! has 32 bytes so that 100 million of them, at 2.5 times the live bytes, are a heap of 8 GB.

use crate::program::Program;
use crate::random;
use heap::{Collector, Mutator, OutOfMemory, Own, Probe, Root, Shape, Slot};
use serde::Deserialize;

/// Nodes of the tree that are searched at the end.
const LOOKS: u64 = 1000;
/// Live objects for each object of garbage between two collections.
const LIVE_PER_GARBAGE: u32 = 8;

/// Parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Nodes, at least one.
    pub(crate) live_objects: u32,
    /// Collections that the program requests.
    pub(crate) collections: u32,
}

/// The program; `SHUFFLED` links nodes in random order.
#[derive(Clone, Debug)]
pub struct LiveTree<const SHUFFLED: bool> {
    nodes: u32,
    collections: u32,
    /// For each number, the node that has it, by order of allocation; empty if nodes are allocated
    /// as they are linked.
    order: Vec<u32>,
}

/// Neighbours in the tree are neighbours in memory.
pub(crate) type InOrder = LiveTree<false>;
/// Neighbours in the tree are anywhere in memory.
pub(crate) type Shuffled = LiveTree<true>;

heap::shape! {
    /// A node of the tree.
    struct Node { own LEFT, RIGHT; word NUMBER, PAYLOAD; }
}

impl<const SHUFFLED: bool> Program for LiveTree<SHUFFLED> {
    type Parameters = Parameters;

    fn prepare(parameters: Parameters, seed: u64) -> Self {
        let nodes = parameters.live_objects.max(1);
        let mut random = random::stream(seed, 0);
        let order = if SHUFFLED { random::order(nodes, &mut random) } else { Vec::new() };
        Self { nodes, collections: parameters.collections, order }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("build");
        let tree = if SHUFFLED { self.link(m)? } else { self.build(m, 1)? };
        collect_among_garbage::<Node, _, _>(m, self.nodes, self.collections)?;
        m.phase("look");
        let places = (0..LOOKS).map(|look| 1 + look * u64::from(self.nodes) / LOOKS);
        let found = places.filter(|&place| has_place(m, &tree, place)).count();
        Ok(format!("{found} of {LOOKS} looks find their place among {} nodes", self.nodes))
    }
}

impl<const SHUFFLED: bool> LiveTree<SHUFFLED> {
    /// The subtree of this number. The tree is complete, so the recursion depth is at most the bits of
    /// a number.
    fn build<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        number: u64,
    ) -> Result<Root, OutOfMemory> {
        let children = u64::from(self.nodes).saturating_sub(2 * number - 1);
        let node = match children {
            0 => m.alloc::<Node>()?,
            1 => {
                let left = self.build(m, 2 * number)?;
                m.build::<Node, 1>([left])?
            }
            _ => {
                let (left, right) = (self.build(m, 2 * number)?, self.build(m, 2 * number + 1)?);
                m.build::<Node, 2>([left, right])?
            }
        };
        m.set_word(m.get(&node), Node::NUMBER, number);
        Ok(node)
    }

    /// Allocates all nodes and then links them, in descending order of numbers.
    fn link<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<Root, OutOfMemory> {
        let table = m.alloc_array(Own, self.nodes, 0)?;
        for index in 0..self.nodes {
            m.alloc_into::<Node>(&table, Slot::element(index))?;
        }
        let nodes = m.get(&table);
        // Numbers begin with 1.
        let place = |number: usize| Slot::element(self.order[number - 1]);
        for number in (1..=self.order.len()).rev() {
            if let Some(node) = m.load(nodes, place(number)) {
                m.set_word(node, Node::NUMBER, number as u64);
            }
            if let Some(parent) = (number > 1).then(|| m.load(nodes, place(number / 2))).flatten() {
                let child = if number % 2 == 0 { Node::LEFT } else { Node::RIGHT };
                m.swap(nodes, place(number), parent, child);
            }
        }
        let tree = m.take(nodes, place(1)).expect("the root has no parent to be moved to");
        m.free(table);
        Ok(tree)
    }
}

/// Requests `collections` collections, each after garbage of shape `S`: one object for every
/// [`LIVE_PER_GARBAGE`] live ones.
pub(crate) fn collect_among_garbage<S: Shape, C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    live_objects: u32,
    collections: u32,
) -> Result<(), OutOfMemory> {
    for _ in 0..collections {
        m.phase("garbage");
        for _ in 0..live_objects / LIVE_PER_GARBAGE {
            let garbage = m.alloc::<S>()?;
            m.free(garbage);
        }
        m.phase("collect");
        m.collect();
    }
    Ok(())
}

/// Whether all nodes on the path to this number hold their numbers.
fn has_place<C: Collector, P: Probe>(m: &Mutator<C, P>, tree: &Root, number: u64) -> bool {
    let mut node = m.get(tree);
    for shift in (0..=number.ilog2()).rev() {
        let on_the_way = number >> shift;
        if m.word(node, Node::NUMBER) != on_the_way {
            return false;
        }
        if shift > 0 {
            let is_left = number >> (shift - 1) & 1 == 0;
            match m.load(node, if is_left { Node::LEFT } else { Node::RIGHT }) {
                Some(child) => node = child,
                None => return false,
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, Suite, literals};

    /// All searches succeed, and a node has 32 bytes; linking also needs a table of nodes.
    fn expected(parameters: Parameters, is_shuffled: bool) -> (String, Census) {
        let nodes = u64::from(parameters.live_objects);
        let garbage = u64::from(parameters.collections) * (nodes / 8);
        let (tables, table_bytes) = match is_shuffled {
            true => (1, 16 + 4 * nodes.next_multiple_of(2)),
            false => (0, 0),
        };
        let census = Census {
            objects: nodes + garbage + tables,
            allocated_bytes: 32 * (nodes + garbage) + table_bytes,
            // One garbage object is live at a time.
            peak_live_bytes: 32 * nodes + table_bytes.max(32),
        };
        (format!("1000 of 1000 looks find their place among {nodes} nodes"), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        let suite = Suite::scale();
        for workload in suite.workloads.iter().filter(|w| w.program != "live-list") {
            let is_shuffled = workload.name.contains("@shuffled");
            literals::check_sizes(&suite, &workload.name, |parameters, _| {
                expected(parameters, is_shuffled)
            });
        }
    }

    #[test]
    fn names_give_the_number_of_live_objects() {
        for workload in Suite::scale().workloads {
            for size in workload.sizes() {
                let live = size.parameters.0["live_objects"];
                let written = match live {
                    0..1_000_000 => format!("-{}k", live / 1000),
                    _ => format!("-{}M", live / 1_000_000),
                };
                assert!(workload.name.ends_with(&written), "{} has {live}", workload.name);
            }
        }
    }
}
