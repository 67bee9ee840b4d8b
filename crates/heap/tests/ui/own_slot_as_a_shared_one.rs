//! The kind of a slot is its type.

use heap::{Own, Shared, Slot};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program() -> Slot<Shared> {
    let slot: Slot<Own> = Node::OTHER;
    slot
}

fn main() {}
