//! An object is built of at most as many roots as it has own slots.

#[path = "keeper.rs"]
mod keeper;

use heap::{Config, HeapConfig, Mutator, Off};

heap::shape! {
    struct Node {
        own LEFT, RIGHT;
        shared OTHER;
    }
}

fn main() {
    let heap = HeapConfig::default();
    let m = &mut Mutator::<keeper::Keeper>::new(heap, &Config::default(), Off).unwrap();
    let leaf = m.alloc::<Node>().unwrap();
    let one = m.build::<Node, 1>([leaf]).unwrap();
    let two = m.alloc::<Node>().unwrap();
    let parent = m.build::<Node, 2>([one, two]).unwrap();
    assert!(m.load(m.get(&parent), Node::RIGHT).is_some());
}
