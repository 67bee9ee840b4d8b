//! One long singly linked list: after `list.jl` of Julia's GCBenchmarks and the linked-list script of
//! Bläser's suite for Motoko (populate, traverse, discard, traverse, populate).
//!
//! 1. *Populate*: half the nodes are linked in front of the list; twice, to fill it.
//! 2. *Traverse*: walk the list and add up its values.
//! 3. *Discard*: cut the list in its middle and free the older half at once; traverse the rest.
//! 4. Populate and traverse again; repeat from 3, `rounds` times in all.
//!
//! Two variants. In order, a node links to the one allocated just before it. Shuffled, the nodes of
//! each half are allocated first and linked in random order, so that every step leads elsewhere.
//!
//! *Ownership*: a node owns the next one. The program walks and links in loops: only the discipline
//! has to handle the depth.
//!
//! *Separates*: recursion from iteration in drops and marking, the pause of a drop of half the list,
//! and marking without any parallelism: the next node is known only when this one has been read.
//! Shuffled, each of these steps misses all caches.

use crate::program::Program;
use crate::random;
use heap::{Collector, Mutator, OutOfMemory, Own, Probe, Root, Slot};
use serde::Deserialize;

/// Parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Nodes of the full list; halves are rounded down.
    nodes: u32,
    /// Rounds that discard and replace half of the nodes.
    rounds: u32,
}

/// The program; `SHUFFLED` links nodes in random order.
#[derive(Clone, Debug)]
pub struct DeepChain<const SHUFFLED: bool> {
    half: u32,
    rounds: u32,
    /// Permutation of the nodes of a half; empty if they are linked in order.
    order: Vec<u32>,
}

/// Links follow allocation.
pub(crate) type InOrder = DeepChain<false>;
/// Links are in random order.
pub(crate) type Shuffled = DeepChain<true>;

heap::shape! {
    /// A node of the list.
    struct Node { own NEXT; word VALUE; }
}
heap::shape! {
    /// The owner of the list: nodes move by exchanges of slots, without roots.
    struct List { own FIRST; }
}

/// Sums over all traversals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Seen {
    nodes: u64,
    sum: u64,
}

impl<const SHUFFLED: bool> Program for DeepChain<SHUFFLED> {
    type Parameters = Parameters;

    fn prepare(parameters: Parameters, seed: u64) -> Self {
        let half = parameters.nodes / 2;
        let mut random = random::stream(seed, 0);
        let order = if SHUFFLED { random::order(half, &mut random) } else { Vec::new() };
        Self { half, rounds: parameters.rounds, order }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let mut seen = Seen::default();
        let list = m.alloc::<List>()?;
        m.phase("populate");
        self.populate(m, &list, 0)?;
        self.populate(m, &list, 1)?;
        m.phase("traverse");
        seen.traverse(m, &list);
        for round in 0..self.rounds {
            m.phase("discard");
            if let Some(older) = self.cut(m, &list) {
                m.free(older);
            }
            m.phase("traverse");
            seen.traverse(m, &list);
            m.phase("populate");
            self.populate(m, &list, round + 2)?;
            m.phase("traverse");
            seen.traverse(m, &list);
        }
        Ok(seen.answer())
    }
}

impl<const SHUFFLED: bool> DeepChain<SHUFFLED> {
    /// Links half a list in front of the list. Number `half` of all halves holds the values from
    /// `half * self.half` on.
    fn populate<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        list: &Root,
        half: u32,
    ) -> Result<(), OutOfMemory> {
        let first = u64::from(half) * u64::from(self.half);
        let values = first..first + u64::from(self.half);
        if SHUFFLED {
            return self.populate_shuffled(m, list, values);
        }
        let mut chain = m.take(m.get(list), List::FIRST);
        for value in values {
            let node = match chain {
                Some(next) => m.build::<Node, 1>([next])?,
                None => m.alloc::<Node>()?,
            };
            m.set_word(m.get(&node), Node::VALUE, value);
            chain = Some(node);
        }
        m.put(m.get(list), List::FIRST, chain);
        Ok(())
    }

    fn populate_shuffled<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        list: &Root,
        values: std::ops::Range<u64>,
    ) -> Result<(), OutOfMemory> {
        let table = m.alloc_array(Own, self.half, 0)?;
        for (index, value) in (0..self.half).zip(values) {
            let node = m.alloc::<Node>()?;
            m.set_word(m.get(&node), Node::VALUE, value);
            m.put(m.get(&table), Slot::element(index), node);
        }
        let (nodes, first) = (m.get(&table), m.get(list));
        for &index in &self.order {
            let place = Slot::element(index);
            if let Some(node) = m.load(nodes, place) {
                m.swap(node, Node::NEXT, first, List::FIRST);
                m.swap(nodes, place, first, List::FIRST);
            }
        }
        m.free(table);
        Ok(())
    }

    /// Cuts the list in its middle and returns the older half.
    fn cut<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, list: &Root) -> Option<Root> {
        let mut node = m.load(m.get(list), List::FIRST)?;
        for _ in 1..self.half {
            node = m.load(node, Node::NEXT)?;
        }
        m.take(node, Node::NEXT)
    }
}

impl Seen {
    fn traverse<C: Collector, P: Probe>(&mut self, m: &Mutator<C, P>, list: &Root) {
        let mut next = m.load(m.get(list), List::FIRST);
        while let Some(node) = next {
            self.nodes += 1;
            self.sum += m.word(node, Node::VALUE);
            next = m.load(node, Node::NEXT);
        }
    }

    fn answer(self) -> String {
        format!("{} nodes seen, values sum to {}", self.nodes, self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};

    /// Half number h holds the h-th run of `half` whole numbers. It is seen alone, with the half before
    /// it and with the half after it. `table_bytes`: the table that links a half in random order.
    fn expected(parameters: Parameters, table_bytes: Option<u64>) -> (String, Census) {
        let (half, rounds) = (u64::from(parameters.nodes / 2), u64::from(parameters.rounds));
        let sum = |number: u64| {
            let first = number * half;
            half * first + half * (half - 1) / 2
        };
        let mut seen = Seen { nodes: 2 * half, sum: sum(0) + sum(1) };
        for round in 0..rounds {
            let (kept, new) = (round + 1, round + 2);
            seen.nodes += 3 * half;
            seen.sum += sum(kept) + sum(kept) + sum(new);
        }
        let halves = 2 + rounds;
        let tables = if table_bytes.is_some() { halves } else { 0 };
        let (list_bytes, node_bytes, table_bytes) = (16, 24, table_bytes.unwrap_or(0));
        let census = Census {
            objects: 1 + halves * half + tables,
            allocated_bytes: list_bytes + halves * half * node_bytes + tables * table_bytes,
            peak_live_bytes: list_bytes + 2 * half * node_bytes + table_bytes,
        };
        (seen.answer(), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        literals::check("deep-chain", |parameters, _| expected(parameters, None));
        literals::check("deep-chain@shuffled", |parameters: Parameters, _| {
            let slots = u64::from(parameters.nodes / 2).next_multiple_of(2);
            expected(parameters, Some(16 + 4 * slots))
        });
    }

    #[test]
    fn a_shuffled_order_is_a_permutation_with_few_fixed_points() {
        let program = Shuffled::prepare(Parameters { nodes: 2000, rounds: 1 }, 7);
        let mut sorted = program.order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
        let kept = program.order.iter().zip(0..).filter(|&(&to, from)| to == from).count();
        assert!(kept < 10, "{kept} of 1000 nodes stayed in order");
    }
}
