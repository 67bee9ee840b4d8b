//! A local does not own, so it cannot move into an own slot.

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
    let local = m.local(m.get(&a));
    m.put(m.get(&a), Node::NEXT, local);
    Ok(())
}

fn main() {}
