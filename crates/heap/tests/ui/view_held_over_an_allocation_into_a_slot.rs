//! An allocation into a slot may reclaim or move, too: no view outlives it.

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
    m.alloc_into::<Node>(&a, Node::NEXT)?;
    m.store(view, Node::OTHER, None);
    m.drop(a);
    Ok(())
}

fn main() {}
