//! A root is consumed when it moves into a new object.

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
    let b = m.build::<Node, 1>([a])?;
    m.get(&a);
    m.drop(b);
    Ok(())
}

fn main() {}
