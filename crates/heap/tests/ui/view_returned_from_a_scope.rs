//! A view cannot leave the scope in which it was taken.

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
    let view = m.scope(|m| m.get(&a));
    m.store(view, Node::OTHER, None);
    Ok(())
}

fn main() {}
