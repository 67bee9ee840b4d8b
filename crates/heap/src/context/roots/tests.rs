use super::*;
use crate::space::tests::heap;
use proptest::prelude::*;

fn stack() -> RootStack {
    RootStack::new(&heap()).unwrap()
}

fn object(granule: u32) -> ObjectReference {
    ObjectReference::from_granule(granule)
}

proptest! {
    /// Roots consumed in any order, with a scope in the middle: the others keep their objects.
    #[test]
    fn holes_never_disturb_other_roots(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(), inner in 0..6u32) {
        let stack = stack();
        let mut roots: Vec<Option<Root>> = (0..12).map(|i| Some(stack.push_root(object(i + 1)))).collect();
        for (step, &victim) in order.iter().enumerate() {
            let outer = stack.enter();
            for extra in 0..inner {
                let root = stack.push_root(object(100 + extra));
                if extra % 2 == 0 { stack.consume(&root); }
            }
            if step % 2 == 0 {
                // An outer root consumed inside the scope leaves a hole below its base.
                let root = roots[victim].take().unwrap();
                prop_assert_eq!(stack.consume(&root), object(victim as u32 + 1));
            }
            stack.leave(outer);
            if let Some(root) = roots[victim].take() {
                prop_assert_eq!(stack.consume(&root), object(victim as u32 + 1));
            }
            for (i, root) in roots.iter().enumerate() {
                if let Some(root) = root { prop_assert_eq!(stack.get(root), object(i as u32 + 1)); }
            }
        }
        prop_assert_eq!(stack.depth(), GLOBALS);
    }
}

#[test]
fn owners_locals_and_globals_follow_moved_objects_and_holes_stay() {
    let stack = stack();
    let global = Global::new(3);
    stack.assign(&global, Some(object(1)));
    let (root, hole, local) =
        (stack.push_root(object(2)), stack.push_root(object(3)), stack.push_local(Some(object(2))));
    let null_local = stack.push_local(None);
    stack.consume(&hole);
    stack.update(|old| object(old.granule() + 10));
    assert_eq!(stack.get(&global), object(11));
    assert_eq!((stack.get(&root), stack.get(&local)), (object(12), object(12)));
    assert_eq!(stack.peek(null_local.index.into()), None);
    assert_eq!(stack.peek(hole.index.into()), None);
    let owned: Vec<bool> = stack.iter().map(|entry| entry.owned).collect();
    assert_eq!(owned, [false, true, false], "owners own, and the others do not");
}

#[test]
#[should_panic(expected = "its scope has ended")]
fn a_root_of_an_ended_scope_is_refused() {
    let stack = stack();
    let outer = stack.enter();
    let root = stack.push_root(object(5));
    stack.leave(outer);
    stack.get(&root);
}
