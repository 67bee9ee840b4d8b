//! An allocation may reclaim or move, so no view outlives it.

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
    let b = m.alloc::<Node>()?;
    m.store(view, Node::OTHER, None);
    m.drop(b);
    Ok(())
}

fn main() {}
