//! Object graphs for micro-benchmarks, and the machine's access times to compare them with.

use heap::{
    Commit, Heap, HeapConfig, Layout, MarkTables, Memory, NonMovingSpace, ObjectReference, Offset32,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::hint::black_box;
use std::time::Instant;

/// The smallest node: two slots, 16 bytes with its header.
pub const NODE: Layout = Layout::shape(2, 0, 0, 0);

/// A generator of random numbers with a fixed seed, `stream`.
pub fn random(stream: u64) -> Pcg64 {
    Pcg64::seed_from_u64(stream)
}

/// A heap without a limit; `bytes` of it are committed beforehand.
///
/// # Panics
/// If the system refuses the memory.
pub fn heap(bytes: u64) -> Heap {
    let commit = Commit::Beforehand { bytes };
    Heap::new(HeapConfig { limit_bytes: None, commit, huge_pages: false }).expect("address space")
}

/// `count` new nodes in `space`, in order of allocation.
///
/// # Panics
/// If the heap has no room for them.
pub fn nodes<M: MarkTables>(space: &mut NonMovingSpace<M>, count: usize) -> Vec<ObjectReference> {
    let mut node = |_| space.alloc(NODE, 0).or_else(|| space.alloc_growing(NODE, 0));
    (0..count).map(|i| node(i).expect("the heap of a benchmark has no limit")).collect()
}

/// Fills slot number `slot` of a node.
pub fn link(memory: Memory<'_>, from: ObjectReference, slot: u32, to: ObjectReference) {
    memory.write(from, Offset32::word(2 + slot), to.bits());
}

/// Links all nodes into a list in this order and returns its head.
pub fn link_list(memory: Memory<'_>, order: &[ObjectReference]) -> ObjectReference {
    order.windows(2).for_each(|pair| link(memory, pair[0], 0, pair[1]));
    order[0]
}

/// Links every node to the next one of a random order, so that all are reachable, and to another
/// random one. Returns that order.
pub fn link_at_random(memory: Memory<'_>, all: &[ObjectReference]) -> Vec<ObjectReference> {
    let mut random = random(2);
    let order = shuffled(all.to_vec(), &mut random);
    for (i, &node) in order.iter().enumerate() {
        link(memory, node, 0, order[(i + 1) % order.len()]);
        link(memory, node, 1, all[random.random_range(0..all.len())]);
    }
    order
}

/// A random permutation.
pub fn shuffled<T>(mut items: Vec<T>, random: &mut impl Rng) -> Vec<T> {
    for last in (1..items.len()).rev() {
        items.swap(last, random.random_range(0..=last));
    }
    items
}

/// Mean time in ns to read one word of each of these objects, in this order: every access is
/// independent of the previous one.
pub fn independent_access_ns(memory: Memory<'_>, objects: &[ObjectReference]) -> f64 {
    let started = Instant::now();
    let sum =
        objects.iter().fold(0u32, |sum, &o| sum.wrapping_add(memory.read(o, Offset32::word(0))));
    black_box(sum);
    started.elapsed().as_nanos() as f64 / objects.len() as f64
}

/// Mean time in ns of a step along a list that begins at `head`: every access waits for the previous
/// one.
pub fn dependent_access_ns(memory: Memory<'_>, head: ObjectReference) -> f64 {
    let started = Instant::now();
    let mut steps = 0u64;
    let mut next = Some(head);
    while let Some(object) = next {
        steps += 1;
        next = ObjectReference::from_bits(memory.read(object, Offset32::word(2)));
    }
    black_box(steps);
    started.elapsed().as_nanos() as f64 / steps as f64
}
