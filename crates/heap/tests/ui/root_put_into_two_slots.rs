//! An object cannot have two owners.

use heap::{Collector, Mutator, OutOfMemory};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program<C: Collector>(m: &mut Mutator<C>) -> Result<(), OutOfMemory> {
    let (a, b, c) = (m.alloc::<Node>()?, m.alloc::<Node>()?, m.alloc::<Node>()?);
    m.put(m.get(&a), Node::NEXT, c);
    m.put(m.get(&b), Node::NEXT, c);
    Ok(())
}

fn main() {}
