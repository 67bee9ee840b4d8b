//! No ring of owners can be closed: an owner is not owned by its own parts.

struct Node {
    next: Option<Box<Node>>,
}

fn main() {
    let mut first = Box::new(Node { next: None });
    let second = Box::new(Node { next: Some(first) });
    first.next = Some(second);
}
