//! One heap, two threads: each has spaces of its own, and they share the blocks and the account.
//!
//! Runs once on real threads, and under the thread sanitizer by `conformance/scripts/tsan.sh`; the model
//! checker runs a smaller version in every interleaving (`loom`).

#![forbid(unsafe_code)]

use heap::{
    BLOCK_BYTES, Heap, HeapConfig, Layout, NoMarks, NonMovingSpace, ObjectReference, Offset64,
    SlotKind, Space,
};
use std::sync::Barrier;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

const ROUNDS: u32 = 20_000;
/// Objects that a thread holds at a time.
const HELD: usize = 64;

fn heap(limit_bytes: Option<u64>) -> Heap {
    Heap::new(HeapConfig { limit_bytes, ..HeapConfig::default() }).expect("address space")
}

/// As long as a block, so that each object takes and releases exactly one, without a tail.
fn large() -> Layout {
    Layout::array(SlotKind::Own, 0, BLOCK_BYTES / 8 - 2).expect("it is short")
}

/// Bytes of blocks and tables.
fn bytes(space: &impl Space) -> u64 {
    space.reserved_bytes() + space.metadata_bytes()
}

/// Allocates and frees in an order of its own, and checks that no other thread has written to its
/// objects. Returns its space and the number of refused allocations.
fn allocate_and_free(heap: &Heap, thread: u64) -> (NonMovingSpace<NoMarks>, u64) {
    let mut space = NonMovingSpace::new(heap).expect("address space");
    let layouts = [Layout::shape(2, 0, 0, 1), Layout::shape(0, 4, 0, 100), large()];
    let mut held: Vec<Option<ObjectReference>> = vec![None; HELD];
    let (mut random, mut refused) = (thread + 1, 0);
    let last_word = |layout: Layout| Offset64::word(layout.bytes() / 8 - 1);
    let mut sizes = [layouts[0]; HELD];
    for _ in 0..ROUNDS {
        // Knuth's MMIX generator: its upper bits are random enough to choose by.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = (random >> 58) as usize % HELD;
        let stamp = thread + 1;
        if let Some(object) = held[place].take() {
            let word = heap.memory().word64(object, last_word(sizes[place]));
            assert_eq!(word.load(Relaxed), stamp, "another thread has written to {object:?}");
            assert!(space.free(object));
        } else {
            sizes[place] = layouts[(random >> 40) as usize % layouts.len()];
            held[place] = space.alloc_or_grow(sizes[place], 0).ok();
            if let Some(object) = held[place] {
                let word = heap.memory().word64(object, last_word(sizes[place]));
                assert_eq!(word.swap(stamp, Relaxed), 0, "{object:?} is not new");
            } else {
                refused += 1;
            }
        }
    }
    (space, refused)
}

/// Runs both threads. Returns the heap and the number of refused allocations.
fn two_threads(limit_bytes: Option<u64>) -> (Heap, u64) {
    let heap = heap(limit_bytes);
    let start = Barrier::new(2);
    let run = |thread| {
        start.wait();
        allocate_and_free(&heap, thread)
    };
    let [(mine, refused), (theirs, also_refused)] = thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        [run(0), other.join().expect("the other thread found no error")]
    });
    let spaces = bytes(&mine) + bytes(&theirs);
    let parts = spaces + heap.retained_bytes() + heap.metadata_bytes();
    assert_eq!(heap.budget().committed_bytes(), parts, "the account is wrong");
    (heap.clone(), refused + also_refused)
}

#[test]
fn two_threads_get_blocks_of_their_own() {
    let (_, refused) = two_threads(None);
    assert_eq!(refused, 0, "there is no limit");
}

#[test]
fn two_threads_share_a_limit() {
    let limit_bytes = 24 * u64::from(BLOCK_BYTES);
    let (heap, refused) = two_threads(Some(limit_bytes));
    // Either thread wants more at some moment even when the other has nothing.
    assert!(refused > 0, "the limit refused no allocation");
    // Tables that cannot fail may overdraw: that of blocks, and one of large objects per thread.
    let tables = heap.metadata_bytes() + 2 * 2 * HELD as u64 * 16;
    assert!(heap.budget().peak_bytes() <= limit_bytes + u64::from(BLOCK_BYTES) + tables);
}

/// A thread reads a freed object whose memory another thread has reused: a wrong answer by design, and a
/// race, which the sanitizer reports in a process of its own.
#[cfg(gcw_tsan)]
#[test]
fn a_stale_read_beside_a_new_object_is_reported() {
    const TEST: &str = "a_stale_read_beside_a_new_object_is_reported";
    const RACES: &str = "TSAN_RACES";
    if std::env::var_os(RACES).is_some() {
        return read_beside_a_new_object();
    }
    let itself = std::env::current_exe().expect("the path of this test is known");
    let mut child = std::process::Command::new(itself);
    child.args([TEST, "--exact", "--nocapture"]).env(RACES, "1");
    let output = child.output().expect("this test can start itself");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_reported = stderr.contains("ThreadSanitizer: data race")
        && stderr.contains("read_beside_a_new_object")
        && stderr.contains("Memory>::initialise");
    assert!(!output.status.success() && is_reported, "not reported:\n{stderr}");
}

#[cfg(gcw_tsan)]
fn read_beside_a_new_object() {
    let heap = heap(None);
    let mut space = NonMovingSpace::<NoMarks>::new(&heap).expect("address space");
    let stale = space.alloc_or_grow(large(), 0).expect("there is no limit");
    assert!(space.free(stale));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = NonMovingSpace::<NoMarks>::new(&heap).expect("address space");
            assert_eq!(
                other.alloc_or_grow(large(), 0),
                Ok(stale),
                "the lowest block is used again"
            );
        });
        std::hint::black_box(heap.memory().word64(stale, Offset64::word(2)).load(Relaxed));
    });
}
