//! The order of the kinds is that of the layout: a shape says so.

heap::shape! {
    struct Node {
        shared NEXT;
        own LEFT, RIGHT;
    }
}

fn main() {}
