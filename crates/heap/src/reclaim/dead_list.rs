//! A list of dead objects through their own memory: it takes no memory of its own and cannot overflow.
//!
//! Of an object that was copied, or that is to be freed and has been scanned, only the header is
//! needed. The first word behind it holds the reference to the next one.

use crate::memory::value::ObjectReference;
use crate::memory::{Memory, Offset32};
use crate::space::cells::{Batch, NoMarks};
use crate::space::non_moving::NonMovingSpace;

/// Dead objects, the latest first.
#[derive(Debug, Default)]
pub struct DeadList {
    latest: Option<ObjectReference>,
}

impl DeadList {
    /// The first word behind the header of the smallest object.
    const NEXT: Offset32 = Offset32::word(2);

    /// Adds an object, of which only the header can be read from now on.
    #[inline(always)]
    pub fn push(&mut self, memory: Memory<'_>, object: ObjectReference) {
        let next = self.latest.replace(object);
        memory.write(object, Self::NEXT, next.map_or(0, ObjectReference::bits));
    }

    /// Takes the object that was added last.
    #[inline(always)]
    pub fn pop(&mut self, memory: Memory<'_>) -> Option<ObjectReference> {
        let object = self.latest?;
        self.latest = ObjectReference::from_bits(memory.read(object, Self::NEXT));
        Some(object)
    }

    /// Frees all of them, neighbours together.
    #[inline(never)]
    pub fn free(mut self, objects: &mut NonMovingSpace<NoMarks>) {
        let (memory, mut space) = objects.split();
        let Some(first) = self.pop(memory) else { return };
        let mut batch = Batch::of(first);
        // Objects of the batch have left the list: no freed memory is read.
        while let Some(object) = self.pop(memory) {
            if !batch.add(object) {
                space.free_batch(batch);
                batch = Batch::of(object);
            }
        }
        space.free_batch(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::header::{Layout, SlotKind};
    use crate::space::Space;
    use crate::space::tests::{alloc, space};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn listed_objects_are_freed_and_the_rest_stays(
            // A shape, an array or a large array; listed or not.
            made in proptest::collection::vec((prop_oneof![20 => 0u32..9, 1 => 4000..9000u32], any::<bool>()), 1..300),
        ) {
            let mut space = space();
            let heap = space.heap().clone();
            let objects: Vec<_> = made
                .iter()
                .map(|&(slots, _)| {
                    let layout = match slots {
                        0..5 => Layout::shape(slots, 0, 0, 1),
                        _ => Layout::array(SlotKind::Shared, slots, 0).unwrap(),
                    };
                    alloc(&mut space, layout)
                })
                .collect();
            let mut list = DeadList::default();
            let listed = || objects.iter().zip(&made).filter(|(_, (_, is_listed))| *is_listed);
            listed().for_each(|(&object, _)| list.push(heap.memory(), object));
            if let Some(last) = list.pop(heap.memory()) {
                prop_assert_eq!(Some(&last), listed().next_back().map(|(object, _)| object));
                list.push(heap.memory(), last);
            }
            list.free(&mut space);
            for (&object, &(_, is_listed)) in objects.iter().zip(&made) {
                prop_assert_eq!(space.is_allocated(object), !is_listed);
            }
            prop_assert_eq!(space.verify(), Ok(()));
        }
    }
}
