//! A local does not own, so an object cannot be built of it.

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
    let b = m.build::<Node, 1>([local])?;
    m.drop(b);
    Ok(())
}

fn main() {}
