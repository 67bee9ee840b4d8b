//! A new object needs an owner: a shared slot is none.

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
    m.alloc_into::<Node>(&a, Node::OTHER)?;
    m.drop(a);
    Ok(())
}

fn main() {}
