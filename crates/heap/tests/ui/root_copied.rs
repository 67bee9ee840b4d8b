//! A root cannot be copied.

use heap::{Root};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program(root: &Root) -> Root {
    *root
}

fn main() {}
