//! A borrow slot does not keep its referent alive, so it cannot be loaded without a check.

use heap::{Collector, Mutator, OutOfMemory};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program<C: Collector>(m: &mut Mutator<C>) -> Result<(), OutOfMemory> {
    let a = m.alloc::<Node>()?;
    m.load(m.get(&a), Node::BACK);
    Ok(())
}

fn main() {}
