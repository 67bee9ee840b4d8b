//! A region cannot be used after its end.

use heap::{Collector, Mutator, OutOfMemory};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program<C: Collector>(m: &mut Mutator<C>) -> Result<(), OutOfMemory> {
    let region = m.region();
    m.end_region(region);
    let local = m.alloc_in::<Node>(&region)?;
    m.forget(local);
    Ok(())
}

fn main() {}
