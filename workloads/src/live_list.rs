//! One long live list, and collections that the program requests: the memory of a trace against the
//! depth of the graph.
//!
//! As `live_tree.rs`, with a singly linked list in place of the tree: each node links to the one
//! allocated before it, so the depth of the graph is its size. At the end the list is walked.
//!
//! *Ownership*: a node owns the next one.
//!
//! *Separates*: a marker that keeps a word for each level from one that keeps a word for each pending
//! edge: a list has one at a time. And, as `deep_chain.rs`, marking without any parallelism.

use crate::live_tree::{Parameters, collect_among_garbage};
use crate::program::Program;
use heap::{Collector, Mutator, OutOfMemory, Probe, Root};

/// The program.
#[derive(Clone, Debug)]
pub struct LiveList {
    nodes: u32,
    collections: u32,
}

heap::shape! {
    /// A node of the list.
    struct Node { own NEXT; word NUMBER; }
}

impl Program for LiveList {
    type Parameters = Parameters;

    fn prepare(parameters: Parameters, _: u64) -> Self {
        Self { nodes: parameters.live_objects.max(1), collections: parameters.collections }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("build");
        let mut list: Option<Root> = None;
        for number in 0..u64::from(self.nodes) {
            let node = match list {
                Some(next) => m.build::<Node, 1>([next])?,
                None => m.alloc::<Node>()?,
            };
            m.set_word(m.get(&node), Node::NUMBER, number);
            list = Some(node);
        }
        collect_among_garbage::<Node, _, _>(m, self.nodes, self.collections)?;
        m.phase("walk");
        let (mut nodes, mut sum) = (0u64, 0u64);
        let mut next = list.as_ref().map(|first| m.get(first));
        while let Some(node) = next {
            nodes += 1;
            sum += m.word(node, Node::NUMBER);
            next = m.load(node, Node::NEXT);
        }
        Ok(format!("{nodes} nodes, numbers sum to {sum}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, Suite, literals};

    #[test]
    fn the_suite_holds_the_closed_form() {
        let suite = Suite::scale();
        for workload in suite.workloads.iter().filter(|w| w.program == "live-list") {
            literals::check_sizes(&suite, &workload.name, |parameters: Parameters, _| {
                let nodes = u64::from(parameters.live_objects);
                let objects = nodes + u64::from(parameters.collections) * (nodes / 8);
                // A node has 24 bytes; one garbage object is live at a time.
                let census = Census {
                    objects,
                    allocated_bytes: 24 * objects,
                    peak_live_bytes: 24 * (nodes + 1),
                };
                (format!("{nodes} nodes, numbers sum to {}", nodes * (nodes - 1) / 2), census)
            });
        }
    }
}
