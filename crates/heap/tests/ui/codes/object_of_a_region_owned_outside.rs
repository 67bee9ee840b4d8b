//! A region is the only owner of its objects.

use heap::{Collector, Mutator, OutOfMemory};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program<C: Collector>(m: &mut Mutator<C>) -> Result<(), OutOfMemory> {
    let owner = m.alloc::<Node>()?;
    let region = m.region();
    let inside = m.alloc_in::<Node>(&region)?;
    m.put(m.get(&owner), Node::NEXT, inside);
    m.end_region(region);
    Ok(())
}

fn main() {}
