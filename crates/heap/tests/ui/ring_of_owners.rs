//! Who owns is not owned by what it owns: no ring of owners can be closed.

struct Node {
    next: Option<Box<Node>>,
}

fn main() {
    let mut first = Box::new(Node { next: None });
    let second = Box::new(Node { next: Some(first) });
    first.next = Some(second);
}
