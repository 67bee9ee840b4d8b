//! A view that was loaded from another one lives no longer.

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
