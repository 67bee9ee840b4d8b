//! The address sanitizer reports accesses to freed objects: each mistake is made in a process of its own,
//! whose stderr is checked.
//!
//! Run by `conformance/scripts/asan.sh`, in a build of its own.

#![cfg(gcw_asan)]
#![forbid(unsafe_code)]

use heap::{
    Arena, BLOCK_BYTES, ChunkPool, EventLog, Heap, HeapConfig, Layout, MarkBits, MarkTables,
    Marker, NoMarks, NonMovingSpace, ObjectReference, Offset32, SlotKind, Slots, cascade,
};
use std::process::Command;
use std::{env, hint};

/// Environment variable that selects the mistake of a child process.
const MISTAKE: &str = "ASAN_MISTAKE";
/// Printed by that process before the mistake, if all went well until then.
const SO_FAR: &str = "no mistake so far";

/// Reads a word of an object at a time when it may not.
type Mistake = fn(&Heap);

const MISTAKES: [(&str, Mistake); 7] = [
    ("read after free", read_after_free),
    ("read after a cascade", read_after_cascade),
    ("read after a sweep of its block", read_after_sweep),
    ("read after a sweep that keeps its block", read_after_partial_sweep),
    ("read after a large object was freed", read_after_large_free),
    ("read after the end of a region", read_after_region),
    ("read beyond the end of an object", read_beyond_the_end),
];

const PAIR: Layout = Layout::shape(2, 0, 0, 0);

#[test]
fn every_mistake_is_reported() {
    if let Ok(name) = env::var(MISTAKE) {
        let (_, make) = MISTAKES.iter().find(|(known, _)| *known == name).expect("a known mistake");
        let heap = Heap::new(HeapConfig::default()).expect("address space");
        make(&heap);
        return;
    }
    let itself = env::current_exe().expect("the path of this test is known");
    for (name, _) in MISTAKES {
        let mut child = Command::new(&itself);
        child.args(["every_mistake_is_reported", "--exact", "--nocapture"]).env(MISTAKE, name);
        let output = child.output().expect("this test can start itself");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(SO_FAR), "{name}: failed before the mistake:\n{stderr}");
        assert!(
            !output.status.success() && stderr.contains("AddressSanitizer: use-after-poison"),
            "{name}: not reported:\n{stderr}"
        );
    }
}

fn space<M: MarkTables>(heap: &Heap) -> NonMovingSpace<M> {
    NonMovingSpace::new(heap).expect("address space")
}

fn alloc<M: MarkTables>(space: &mut NonMovingSpace<M>, layout: Layout) -> ObjectReference {
    space.alloc(layout, 0).or_else(|| space.alloc_growing(layout, 0)).expect("there is no limit")
}

fn array(words: u32) -> Layout {
    Layout::array(SlotKind::Own, 0, words).expect("it is short")
}

/// A pair, and another one that is kept so that their block is.
fn two_pairs<M: MarkTables>(space: &mut NonMovingSpace<M>) -> [ObjectReference; 2] {
    let pairs = [alloc(space, PAIR), alloc(space, PAIR)];
    pairs.iter().for_each(|&pair| read(space.heap(), pair, 0));
    pairs
}

fn read(heap: &Heap, object: ObjectReference, word: u32) {
    hint::black_box(heap.memory().read(object, Offset32::word(word)));
}

fn read_by_mistake(heap: &Heap, object: ObjectReference, word: u32) {
    eprintln!("{SO_FAR}");
    read(heap, object, word);
}

fn read_after_free(heap: &Heap) {
    let mut space = space::<NoMarks>(heap);
    let [freed, kept] = two_pairs(&mut space);
    assert!(space.free(freed));
    read(heap, kept, 0);
    read_by_mistake(heap, freed, 0);
}

fn read_after_cascade(heap: &Heap) {
    let mut space = space::<NoMarks>(heap);
    let [freed, kept] = two_pairs(&mut space);
    let mut pending = heap.stack().expect("address space");
    cascade(&mut space, &mut pending, &mut EventLog::new(), freed, Slots::Own, |_, _| true);
    read(heap, kept, 0);
    read_by_mistake(heap, freed, 0);
}

fn read_after_sweep(heap: &Heap) {
    let mut space = space::<MarkBits>(heap);
    let [swept, _] = two_pairs(&mut space);
    space.sweep();
    read_by_mistake(heap, swept, 0);
}

fn read_after_partial_sweep(heap: &Heap) {
    let mut space = space::<MarkBits>(heap);
    let [swept, kept] = two_pairs(&mut space);
    let mut marker = Marker::new(heap, 0).expect("address space");
    marker.push(kept);
    assert_eq!(space.trace(&mut marker), 1);
    space.sweep();
    read(heap, kept, 0);
    read_by_mistake(heap, swept, 0);
}

fn read_after_large_free(heap: &Heap) {
    let mut space = space::<NoMarks>(heap);
    let words = BLOCK_BYTES / 8;
    let object = alloc(&mut space, array(words));
    read(heap, object, 2 * words);
    assert!(space.free(object));
    read_by_mistake(heap, object, 2 * words);
}

/// Another region has a chunk of the same block.
fn read_after_region(heap: &Heap) {
    let mut pool = ChunkPool::new(heap);
    let [mut ended, mut open] = [Arena::region(), Arena::region()];
    let [of_ended, of_open] = [&mut ended, &mut open].map(|arena| {
        assert!(arena.grow(PAIR, &mut pool));
        arena.alloc(PAIR, 0, heap).expect("its chunk is new")
    });
    read(heap, of_ended, 0);
    ended.clear(&mut pool);
    read(heap, of_open, 0);
    read_by_mistake(heap, of_ended, 0);
}

/// The object ends before its cell does.
fn read_beyond_the_end(heap: &Heap) {
    let mut space = space::<NoMarks>(heap);
    let layout = array(15);
    let object = alloc(&mut space, layout);
    read(heap, object, layout.bytes() / 4 - 1);
    read_by_mistake(heap, object, layout.bytes() / 4);
}
