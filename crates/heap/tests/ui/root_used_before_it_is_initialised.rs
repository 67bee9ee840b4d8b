//! An uninitialised variable holds no object.

use heap::{Collector, Mutator, Root};

fn program<C: Collector>(m: &mut Mutator<C>) {
    let a: Root;
    m.get(&a);
}

fn main() {}
