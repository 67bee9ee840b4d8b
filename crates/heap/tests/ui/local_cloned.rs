//! A local cannot be cloned: it would be counted once and released twice.

use heap::{Local};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

fn program(local: &Local) -> Local {
    local.clone()
}

fn main() {}
