//! Tests of `checker.rs`.

use super::*;
use crate::object::header::EXTENDED_HEADER_BYTES;
use crate::space::Space;
use crate::space::cells::NoMarks;
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::space;
use std::panic::{AssertUnwindSafe, catch_unwind};

const NODE: Layout = Layout::shape(1, 1, 1, 0);

/// Slot number `index` of a node.
fn slot(index: u32) -> Offset32 {
    Offset32::word(2 + index)
}

struct Checked {
    space: NonMovingSpace<NoMarks>,
    checker: Checker,
}

impl Checked {
    fn new() -> Self {
        Self { space: space(), checker: Checker::default() }
    }

    fn alloc(&mut self, layout: Layout) -> ObjectReference {
        let object = self.space.alloc_growing(layout, 0).unwrap();
        self.checker.allocated(object, layout);
        object
    }

    /// Frees an object and takes its cell for another one.
    fn replace(&mut self, object: ObjectReference) {
        assert!(self.space.free(object));
        while self.alloc(NODE) != object {}
    }

    fn load(&self, object: ObjectReference, at: Offset32, value: ObjectReference) {
        let allocated = |object| self.space.is_allocated(object);
        self.checker.loaded(object, at, value.into(), allocated);
    }

    fn read_root(&self, index: u32, object: ObjectReference) {
        self.checker.root_read(index, object, |object| self.space.is_allocated(object));
    }

    fn access(&self, object: ObjectReference, at: Offset32, kind: SlotKind) {
        self.checker.accesses(self.space.heap(), object, at, kind);
    }
}

/// The message of the checker about an access; empty if it has no objection.
fn objection(access: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(access)) {
        Ok(()) => String::new(),
        Err(panic) => match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(other) => (*other.downcast::<&str>().expect("a panic has a message")).to_owned(),
        },
    }
}

#[test]
fn a_use_after_free_is_found_with_and_without_reuse() {
    let mut checked = Checked::new();
    let (parent, child) = (checked.alloc(NODE), checked.alloc(NODE));
    checked.checker.stored(parent, slot(1), child.into());
    checked.checker.rooted(70, child);
    assert_eq!(objection(|| checked.load(parent, slot(1), child)), "");
    assert_eq!(objection(|| checked.read_root(70, child)), "");
    assert!(checked.space.free(child));
    let gone = objection(|| checked.load(parent, slot(1), child));
    assert!(gone.starts_with("use after free: a slot refers to"), "{gone}");
    let gone = objection(|| checked.read_root(70, child));
    assert!(gone.starts_with("use after free: a root refers to"), "{gone}");
    while checked.alloc(NODE) != child {}
    let reused = objection(|| checked.load(parent, slot(1), child));
    assert!(reused.ends_with("another object has its memory now"), "{reused}");
    let reused = objection(|| checked.read_root(70, child));
    assert!(reused.ends_with("another object has its memory now"), "{reused}");
}

#[test]
fn a_slot_that_was_filled_again_is_no_use_after_free() {
    let mut checked = Checked::new();
    let (parent, child) = (checked.alloc(NODE), checked.alloc(NODE));
    checked.checker.stored(parent, slot(1), child.into());
    checked.checker.rooted(70, child);
    checked.replace(child);
    checked.checker.stored(parent, slot(1), child.into());
    checked.checker.rooted(70, child);
    assert_eq!(objection(|| checked.load(parent, slot(1), child)), "");
    assert_eq!(objection(|| checked.read_root(70, child)), "");
}

#[test]
fn what_moves_is_known_at_its_new_place_and_unknown_at_the_old_one() {
    let mut checked = Checked::new();
    let (parent, child) = (checked.alloc(NODE), checked.alloc(NODE));
    checked.checker.stored(parent, slot(1), child.into());
    checked.checker.rooted(70, parent);
    let (new_child, new_parent) = (checked.alloc(NODE), checked.alloc(NODE));
    checked.checker.moved(child, new_child);
    checked.checker.moved(parent, new_parent);
    assert_eq!(objection(|| checked.load(new_parent, slot(1), new_child)), "");
    assert_eq!(objection(|| checked.read_root(70, new_parent)), "");
    let stale = objection(|| checked.load(new_parent, slot(1), child));
    assert!(stale.starts_with("use after free: a slot refers to"), "{stale}");
    let stale = objection(|| checked.read_root(70, parent));
    assert!(stale.starts_with("use after free: a root refers to"), "{stale}");
}

#[test]
fn kinds_and_bounds_are_those_of_the_header() {
    let mut checked = Checked::new();
    let node = checked.alloc(NODE);
    let kinds = [SlotKind::Own, SlotKind::Shared, SlotKind::Borrow];
    for (index, declared) in (0..).zip(kinds) {
        for kind in kinds {
            let objection = objection(|| checked.access(node, slot(index), kind));
            assert_eq!(objection.contains("is of another kind"), kind != declared);
        }
    }
    for outside in [slot(3), slot(100), Offset32::word(0), Offset32::word(1)] {
        let objection = objection(|| checked.access(node, outside, SlotKind::Borrow));
        assert!(objection.contains("has 3 slots, no slot at byte"), "{objection}");
    }
}

#[test]
fn an_array_has_one_kind_and_its_own_bounds() {
    let mut checked = Checked::new();
    let array = checked.alloc(Layout::array(SlotKind::Shared, 5, 0).unwrap());
    let element = |index| Offset32::word(EXTENDED_HEADER_BYTES / 4 + index);
    assert_eq!(objection(|| checked.access(array, element(4), SlotKind::Shared)), "");
    let kind = objection(|| checked.access(array, element(4), SlotKind::Own));
    assert!(kind.contains("is of another kind"), "{kind}");
    for outside in [element(5), slot(0)] {
        let objection = objection(|| checked.access(array, outside, SlotKind::Shared));
        assert!(objection.contains("has 5 slots"), "{objection}");
    }
}
