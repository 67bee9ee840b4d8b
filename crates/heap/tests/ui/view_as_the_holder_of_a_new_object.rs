//! The holder of a new object is read after the allocation, so it is a root, not a view.

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
    m.alloc_into::<Node>(&view, Node::NEXT)?;
    m.drop(a);
    Ok(())
}

fn main() {}
