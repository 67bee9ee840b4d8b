//! A view loaded from another view has the same lifetime.

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
    let next = m.load(m.get(&a), Node::NEXT);
    m.collect();
    next.map(|next| m.get(&a) == next);
    Ok(())
}

fn main() {}
