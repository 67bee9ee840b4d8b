//! Mutation storm: a table owns n nodes with four borrow edges each, which are rewired at random.
//!
//! Edges are moved by messages: each names an edge and its new target, is applied, and dies. So the
//! graph stays as large as it is while pointers change in random places and short-lived bytes keep
//! the allocator moving. After Bläser's clique, which grows a graph of few objects and many edges (a
//! benchmark of the Motoko collectors), with random graphs as in em3d (Olden).
//!
//! *Ownership*: the table owns the nodes, as `Vec<Box<Node>>`; edges are borrows, as indices or raw
//! pointers would be. Nodes live as long as the table, so no edge dangles. Where borrows count ("Rc
//! everywhere"), the graph is one big cycle and is never reclaimed.
//!
//! *Separates*: the price of a pointer store in a random place (none, a count up and one down, a
//! barrier), and what a marker pays for a graph without any order in memory.

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

/// What the suite file gives.
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

/// The program, prepared.
#[derive(Debug)]
pub struct MutationStorm {
    nodes: u32,
    message_words: u32,
    /// Target of each edge at first: the four of the first node, of the second, and so on.
    targets: Vec<u32>,
    rewirings: Vec<Rewiring>,
}

/// An edge and the node that it shall lead to.
#[derive(Clone, Copy, Debug)]
struct Rewiring {
    /// Four times the number of its node, plus its number there.
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
fn node<'m, C: Collector, P: Probe>(
    m: &'m Mutator<C, P>,
    table: Ref<'m>,
    number: u32,
) -> Ref<'m> {
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

/// The number of the node that an edge leads to; none if it leads nowhere.
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
