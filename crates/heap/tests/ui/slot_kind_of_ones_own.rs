//! The kinds of slots are sealed: no program adds one.

use heap::{Kind, SlotKind};

heap::shape! {
    struct Node {
        own NEXT;
        shared OTHER;
        borrow BACK;
    }
}

#[derive(Clone, Copy)]
struct Stolen;

impl Kind for Stolen {
    const KIND: SlotKind = SlotKind::Own;
}

fn main() {}
