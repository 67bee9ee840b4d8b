//! Mutation storm: a table owns n nodes with four borrow edges each, which are rewired at random.
//!
//! Messages move edges: each names an edge and its new target, is applied, and dies. So the graph keeps
//! its size while pointers change in random places and short-lived bytes keep the allocator busy.
//! After Bläser's clique, which grows a graph of few objects and many edges (a benchmark of the Motoko
//! collectors), with random graphs as in em3d (Olden).
//!
//! *Ownership*: the table owns the nodes, as `Vec<Box<Node>>`; edges are borrows, as indices or raw
//! pointers would be. Nodes live as long as the table, so no edge dangles. Where borrows count ("Rc
//! everywhere"), the graph is one large cycle and is never reclaimed.
//!
//! *Separates*: the cost of a pointer store in a random place (none, a count up and one down, a
//! barrier), and the cost of marking a graph without any order in memory.

use crate::bounded::Bounded;
use crate::program::Program;
use crate::random::{below, stream};
use heap::{Borrow, Collector, Mutator, OutOfMemory, Own, Probe, Ref, Root, Slot, Word};
use serde::Deserialize;

heap::shape! {
    /// A node and its edges.
    struct Node { borrow FIRST, SECOND, THIRD, FOURTH; word NUMBER; }
}

const EDGES: [Slot<Borrow>; 4] = [Node::FIRST, Node::SECOND, Node::THIRD, Node::FOURTH];

/// Parameters in the suite file.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(deny_unknown_fields)]
pub struct MutationStormParameters {
    /// Nodes of the graph.
    pub nodes: Bounded<1, { 1 << 28 }>,
    /// Edges rewired.
    pub rewirings: u32,
    /// Payload words of a message.
    pub message_words: Bounded<1, 4096>,
}

/// The prepared program.
#[derive(Debug)]
pub struct MutationStorm {
    nodes: u32,
    message_words: u32,
    /// Initial target of each edge: four for the first node, then four for the second, and so on.
    targets: Vec<u32>,
    rewirings: Vec<Rewiring>,
}

/// An edge and its new target.
#[derive(Clone, Copy, Debug)]
struct Rewiring {
    /// Four times the number of its node, plus its number in the node.
    edge: u32,
    target: u32,
}

impl Rewiring {
    fn as_word(self) -> u64 {
        u64::from(self.edge) << 32 | u64::from(self.target)
    }

    fn from_word(word: u64) -> Self {
        Self { edge: (word >> 32) as u32, target: word as u32 }
    }
}

impl Program for MutationStorm {
    type Parameters = MutationStormParameters;

    fn prepare(parameters: MutationStormParameters, seed: u64) -> Self {
        let nodes = parameters.nodes.get();
        let edges = nodes * EDGES.len() as u32;
        let (mut graph, mut storm) = (stream(seed, 0), stream(seed, 1));
        let mut rewiring =
            || Rewiring { edge: below(&mut storm, edges), target: below(&mut storm, nodes) };
        Self {
            nodes,
            message_words: parameters.message_words.get(),
            targets: (0..edges).map(|_| below(&mut graph, nodes)).collect(),
            rewirings: (0..parameters.rewirings).map(|_| rewiring()).collect(),
        }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("build");
        let table = m.alloc_array(Own, self.nodes, 0)?;
        for number in 0..self.nodes {
            let node = m.alloc::<Node>()?;
            m.set_word(m.get(&node), Node::NUMBER, number.into());
            m.put(m.get(&table), Slot::element(number), node);
        }
        for (edge, &target) in (0..).zip(&self.targets) {
            apply(m, m.get(&table), Rewiring { edge, target });
        }
        m.phase("storm");
        for &rewiring in &self.rewirings {
            let message = self.message(m, rewiring)?;
            let received = Rewiring::from_word(m.word(m.get(&message), Word::element(0, 0)));
            apply(m, m.get(&table), received);
            m.free(message);
        }
        m.phase("check");
        let edges = (0..self.targets.len() as u32).map(|edge| target(m, m.get(&table), edge));
        Ok(answer(edges))
    }
}

impl MutationStorm {
    #[inline]
    fn message<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        rewiring: Rewiring,
    ) -> Result<Root, OutOfMemory> {
        let message = m.alloc_array(Own, 0, self.message_words)?;
        m.set_word(m.get(&message), Word::element(0, 0), rewiring.as_word());
        Ok(message)
    }
}

#[inline]
fn node<'m, C: Collector, P: Probe>(m: &'m Mutator<C, P>, table: Ref<'m>, number: u32) -> Ref<'m> {
    m.load(table, Slot::<Own>::element(number)).expect("the table owns all nodes")
}

/// The node and the slot of an edge.
#[inline]
fn place<'m, C: Collector, P: Probe>(
    m: &'m Mutator<C, P>,
    table: Ref<'m>,
    edge: u32,
) -> (Ref<'m>, Slot<Borrow>) {
    (node(m, table, edge / 4), EDGES[edge as usize % 4])
}

#[inline]
fn apply<C: Collector, P: Probe>(m: &Mutator<C, P>, table: Ref<'_>, rewiring: Rewiring) {
    let (from, slot) = place(m, table, rewiring.edge);
    m.store(from, slot, node(m, table, rewiring.target));
}

/// The number of an edge's target; `None` if the edge is null.
fn target<C: Collector, P: Probe>(m: &Mutator<C, P>, table: Ref<'_>, edge: u32) -> Option<u64> {
    let (from, slot) = place(m, table, edge);
    Some(m.word(m.upgrade(from, slot)?, Node::NUMBER))
}

/// Number of edges, and the FNV-1a hash of their targets in order (of 64-bit words, not bytes).
fn answer(targets: impl Iterator<Item = Option<u64>>) -> String {
    let (mut edges, mut hash) = (0_u64, 0xcbf2_9ce4_8422_2325_u64);
    for target in targets.flatten() {
        edges += 1;
        hash = (hash ^ target).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{edges} edges, {hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};
    use collectors::{Rc, RcWeak};
    use heap::{Config, HeapConfig};

    /// The targets of all edges at the end.
    fn model(program: &MutationStorm) -> Vec<u32> {
        let mut targets = program.targets.clone();
        for rewiring in &program.rewirings {
            targets[rewiring.edge as usize] = rewiring.target;
        }
        targets
    }

    #[test]
    fn the_suite_holds_the_results_of_a_vector() {
        literals::check("mutation-storm", |parameters, seed| {
            let program = MutationStorm::prepare(parameters, seed);
            let nodes = u64::from(program.nodes);
            let rewirings = program.rewirings.len() as u64;
            let message_bytes = 16 + 8 * u64::from(program.message_words);
            let graph_bytes = 16 + 4 * nodes.next_multiple_of(2) + 32 * nodes;
            let census = Census {
                objects: 1 + nodes + rewirings,
                allocated_bytes: graph_bytes + rewirings * message_bytes,
                peak_live_bytes: graph_bytes + message_bytes,
            };
            (answer(model(&program).into_iter().map(|target| Some(target.into()))), census)
        });
    }

    /// Nodes that edges hold, directly or through others: those left after repeated removal of nodes
    /// without incoming edges.
    fn held_by_edges(nodes: u32, targets: &[u32]) -> u64 {
        let mut holders = vec![0; nodes as usize];
        targets.iter().for_each(|&target| holders[target as usize] += 1);
        let mut dead: Vec<usize> = (0..holders.len()).filter(|&node| holders[node] == 0).collect();
        let mut held = u64::from(nodes);
        while let Some(node) = dead.pop() {
            held -= 1;
            for &target in &targets[4 * node..4 * node + 4] {
                holders[target as usize] -= 1;
                if holders[target as usize] == 0 {
                    dead.push(target as usize);
                }
            }
        }
        held
    }

    fn leaked_objects<C: Collector>(program: &MutationStorm) -> u64 {
        let mut m: Mutator<C> =
            Mutator::new(HeapConfig::default(), &Config::default(), heap::Off).unwrap();
        program.run(&mut m).unwrap();
        m.tear_down();
        m.collector().parts().allocated().objects
    }

    #[test]
    fn counted_borrows_leak_exactly_the_nodes_that_edges_hold() {
        let parameters = MutationStormParameters {
            nodes: Bounded::try_from(2000).unwrap(),
            rewirings: 5000,
            message_words: Bounded::try_from(1).unwrap(),
        };
        let program = MutationStorm::prepare(parameters, 1);
        let held = held_by_edges(2000, &model(&program));
        assert!((1..2000).contains(&held), "some nodes should be held and some not: {held}");
        assert_eq!(leaked_objects::<Rc>(&program), held);
        assert_eq!(leaked_objects::<RcWeak>(&program), 0);
    }
}
