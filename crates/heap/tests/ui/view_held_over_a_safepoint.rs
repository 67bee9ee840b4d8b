//! No view outlives a safepoint.

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
    m.safepoint();
    m.store(view, Node::OTHER, None);
    Ok(())
}

fn main() {}
