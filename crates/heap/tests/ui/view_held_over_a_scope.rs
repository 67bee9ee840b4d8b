//! The end of a scope may reclaim, so no view outlives it.

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
    let view = m.get(&a);
    m.scope(|_| ());
    m.store(view, Node::OTHER, None);
    Ok(())
}

fn main() {}
