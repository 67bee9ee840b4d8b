//! Time to mark a random graph and an in-order list of two million nodes, by prefetch distance; for
//! comparison, the machine's time for as many independent random accesses.

use benches::graph::{
    heap, independent_access_ns, link_at_random, link_list, nodes, random, shuffled,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use heap::{Heap, MarkBits, Marker, NonMovingSpace, ObjectReference};
use std::time::{Duration, Instant};

const NODES: usize = 2_000_000;

struct Graph {
    space: NonMovingSpace<MarkBits>,
    root: ObjectReference,
    heap: Heap,
    order: Vec<ObjectReference>,
}

fn empty() -> (Heap, NonMovingSpace<MarkBits>) {
    let heap = heap(48 << 20);
    let space = NonMovingSpace::new(&heap).expect("address space");
    (heap, space)
}

fn random_graph() -> Graph {
    let (heap, mut space) = empty();
    let order = link_at_random(heap.memory(), &nodes(&mut space, NODES));
    Graph { root: order[0], space, heap, order }
}

/// A list in order of allocation.
fn list() -> Graph {
    let (heap, mut space) = empty();
    let order = nodes(&mut space, NODES);
    Graph { root: link_list(heap.memory(), &order), space, heap, order }
}

/// Time of one marking; a sweep that frees no object then clears the marks.
fn mark(graph: &mut Graph, marker: &mut Marker) -> Duration {
    marker.push(graph.root);
    let started = Instant::now();
    let marked = graph.space.trace(marker);
    let elapsed = started.elapsed();
    assert_eq!(marked as usize, NODES);
    graph.space.sweep();
    elapsed
}

fn marking(c: &mut Criterion) {
    for (name, mut graph) in [("mark random graph", random_graph()), ("mark in-order list", list())]
    {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(NODES as u64)).sample_size(20);
        for distance in [0, 4, 8, 16, 32, 64] {
            let mut marker = Marker::new(&graph.heap, distance).expect("address space");
            group.bench_function(BenchmarkId::new("prefetch", distance), |b| {
                b.iter_custom(|iterations| {
                    (0..iterations).map(|_| mark(&mut graph, &mut marker)).sum()
                });
            });
        }
        group.bench_function("independent random access", |b| {
            let order = shuffled(graph.order.clone(), &mut random(3));
            b.iter_custom(|iterations| {
                let once = || independent_access_ns(graph.heap.memory(), &order) * NODES as f64;
                (0..iterations).map(|_| Duration::from_nanos(once() as u64)).sum()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, marking);
criterion_main!(benches);
