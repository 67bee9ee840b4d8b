//! A space whose cells are freed one by one has no marks to sweep by.

use heap::{Heap, NoMarks, NonMovingSpace};

fn main() {
    let heap = Heap::new(Default::default()).unwrap();
    let mut space = NonMovingSpace::<NoMarks>::new(&heap).unwrap();
    space.sweep();
}
