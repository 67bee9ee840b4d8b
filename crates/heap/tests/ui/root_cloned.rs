//! A root cannot be cloned.

use heap::{Root};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program(root: &Root) -> Root {
    root.clone()
}

fn main() {}
