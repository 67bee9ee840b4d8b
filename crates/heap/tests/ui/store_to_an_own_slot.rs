//! An own slot is filled by a move, not by copying a reference.

use heap::{Collector, Mutator, OutOfMemory};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program<C: Collector>(m: &mut Mutator<C>) -> Result<(), OutOfMemory> {
    let (a, b) = (m.alloc::<Node>()?, m.alloc::<Node>()?);
    m.store(m.get(&a), Node::NEXT, m.get(&b));
    Ok(())
}

fn main() {}
