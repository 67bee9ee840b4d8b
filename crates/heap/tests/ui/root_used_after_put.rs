//! A root is consumed when it moves into a slot.

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
    m.put(m.get(&a), Node::NEXT, b);
    m.get(&b);
    Ok(())
}

fn main() {}
