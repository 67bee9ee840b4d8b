//! `my-program`: describe it here, with its source.
//!
//! 1. *Build*: a list of nodes with the values 1, 2, 3 and so on.
//! 2. *Traverse*: add up its values.
//! 3. *Drop*: free the list, build the next one. The last one stays until the end of the run.
//!
//! *Ownership*: a node owns the next one.
//!
//! *Separates*: say here which disciplines it separates, and why.

use crate::program::Program;
use heap::{Collector, Mutator, OutOfMemory, Probe, Root};
use serde::Deserialize;
use std::num::NonZeroU32;

/// The program, with the parameters of its suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MyProgram {
    /// Nodes of a list.
    nodes: NonZeroU32,
    /// Lists that are built, one after the other.
    rounds: NonZeroU32,
}

heap::shape! {
    /// A node of a list.
    struct Node {
        own NEXT;
        word VALUE;
    }
}

impl Program for MyProgram {
    type Parameters = Self;

    // Draw numbers and orders from the seed here, before the clock starts.
    fn prepare(parameters: Self, _: u64) -> Self {
        parameters
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let mut sum = 0;
        for round in 1..=self.rounds.get() {
            m.phase("build");
            let list = build(m, self.nodes)?;
            m.phase("traverse");
            sum += traverse(m, &list);
            if round < self.rounds.get() {
                m.phase("drop");
                m.free(list);
            }
        }
        Ok(format!("values sum to {sum}"))
    }
}

/// Builds a list from its end, whose node has the value 1.
fn build<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    nodes: NonZeroU32,
) -> Result<Root, OutOfMemory> {
    let mut list = m.alloc::<Node>()?;
    m.set_word(m.get(&list), Node::VALUE, 1);
    for value in 2..=nodes.get() {
        list = m.build::<Node, 1>([list])?;
        m.set_word(m.get(&list), Node::VALUE, value.into());
    }
    Ok(list)
}

/// The sum of the values of a list.
fn traverse<C: Collector, P: Probe>(m: &Mutator<C, P>, list: &Root) -> u64 {
    let (mut sum, mut next) = (0, Some(m.get(list)));
    while let Some(node) = next {
        sum += m.word(node, Node::VALUE);
        next = m.load(node, Node::NEXT);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};

    /// The closed form. A node has a header of 8 bytes, a slot padded to 8, and a payload word.
    fn expected(program: MyProgram) -> (String, Census) {
        let (nodes, rounds) = (u64::from(program.nodes.get()), u64::from(program.rounds.get()));
        let census = Census {
            objects: rounds * nodes,
            allocated_bytes: rounds * nodes * 24,
            peak_live_bytes: nodes * 24,
        };
        (format!("values sum to {}", rounds * (nodes * (nodes + 1) / 2)), census)
    }

    #[test]
    fn the_suite_holds_the_closed_form() {
        literals::check("my-program", |program, _| expected(program));
    }
}
