//! Tests of `survey.rs`.

use super::*;
use crate::object::header::Layout;
use crate::space::Space;
use crate::space::cells::NoMarks;
use crate::space::non_moving::NonMovingSpace;
use crate::space::tests::{alloc, set, space};
use proptest::prelude::*;
use std::collections::HashSet;

const NODE: Layout = Layout::shape(2, 2, 2, 1);

struct Graph {
    space: NonMovingSpace<NoMarks>,
    roots: RootStack,
    objects: Vec<ObjectReference>,
}

impl Graph {
    fn new(nodes: usize) -> Self {
        let mut space = space();
        let objects = (0..nodes).map(|_| alloc(&mut space, NODE)).collect();
        let roots = RootStack::new(space.heap()).unwrap();
        Self { space, roots, objects }
    }

    fn link(&self, from: usize, slot: u32, to: usize) {
        set(&self.space, self.objects[from], slot, self.objects[to]);
    }

    fn unlink(&self, from: usize, slot: u32) {
        set(&self.space, self.objects[from], slot, Value::NULL);
    }

    fn verify(&self) -> Result<Reachable, Defect> {
        verify(self.space.heap(), &self.roots, |object| self.space.is_allocated(object))
    }
}

proptest! {
    #[test]
    fn a_survey_counts_what_own_and_shared_slots_reach(
        nodes in 1usize..40,
        edges in proptest::collection::vec((any::<prop::sample::Index>(), 2u32..6, any::<prop::sample::Index>()), 0..100),
        roots in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let graph = Graph::new(nodes);
        let mut strong = vec![[None; 6]; nodes];
        for (from, slot, to) in edges {
            graph.link(from.index(nodes), slot, to.index(nodes));
            strong[from.index(nodes)][slot as usize] = Some(to.index(nodes)).filter(|_| slot < 4);
        }
        let mut pending: Vec<usize> = roots.iter().map(|root| root.index(nodes)).collect();
        for &root in &pending {
            let _ = graph.roots.push_local(Some(graph.objects[root]));
        }
        let mut found = HashSet::new();
        while let Some(node) = pending.pop() {
            if found.insert(node) { pending.extend(strong[node].iter().flatten()); }
        }
        let bytes = found.len() as u64 * u64::from(NODE.bytes());
        let expected = Reachable { objects: found.len() as u64, bytes };
        let mut survey = Survey::new().unwrap();
        // Twice: the first survey must leave no marks.
        for _ in 0..2 {
            prop_assert_eq!(survey.reachable(graph.space.heap(), &graph.roots), expected);
        }
        prop_assert_eq!(graph.verify(), Ok(expected));
    }
}

#[test]
fn a_second_owner_is_found() {
    let graph = Graph::new(3);
    let _root = graph.roots.push_root(graph.objects[0]);
    graph.link(0, 0, 1);
    graph.link(1, 2, 2);
    graph.link(1, 3, 2);
    assert_eq!(graph.verify().unwrap().objects, 3, "a shared slot owns nothing");
    graph.link(0, 1, 1);
    let defect = graph.verify().unwrap_err();
    assert_eq!((defect.parent, defect.child), (Some(graph.objects[0]), graph.objects[1]));
    assert_eq!(defect.what, "has a second owner");
}

#[test]
fn a_root_is_an_owner() {
    let graph = Graph::new(2);
    let _first = graph.roots.push_root(graph.objects[0]);
    graph.link(0, 0, 1);
    let local = graph.roots.push_local(Some(graph.objects[1]));
    assert_eq!(graph.verify().unwrap().objects, 2, "a local is none");
    graph.roots.vacate(&local);
    let _second = graph.roots.push_root(graph.objects[1]);
    assert_eq!(graph.verify().unwrap_err().what, "has a second owner");
}

#[test]
fn an_owner_reached_after_a_sharer_is_found() {
    // In any order of the walk, one of these cases reaches the sharer first.
    for [sharer, owner, second] in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
        let graph = Graph::new(4);
        let _roots = [0, 1, 2].map(|root| graph.roots.push_root(graph.objects[root]));
        graph.link(sharer, 2, 3);
        graph.link(owner, 0, 3);
        assert_eq!(graph.verify().unwrap().objects, 4);
        graph.link(second, 0, 3);
        assert_eq!(graph.verify().unwrap_err().child, graph.objects[3]);
    }
}

#[test]
fn a_freed_child_is_found() {
    for slot in [0, 3] {
        let mut graph = Graph::new(2);
        let _root = graph.roots.push_root(graph.objects[0]);
        graph.link(0, slot, 1);
        graph.link(0, 4, 1);
        assert_eq!(graph.verify().unwrap().objects, 2);
        assert!(graph.space.free(graph.objects[1]));
        let defect = graph.verify().unwrap_err();
        assert_eq!((defect.parent, defect.slot), (Some(graph.objects[0]), slot));
        assert_eq!(defect.what, "refers to memory that is not allocated to an object");
        graph.unlink(0, slot);
        assert_eq!(graph.verify().unwrap().objects, 1, "a borrow may dangle");
    }
}
