//! Time to allocate the smallest node: by bump, into fresh cells, into a heap freed almost whole, and at
//! 50 % random fragmentation.

use benches::graph::{NODE, heap, nodes, random, shuffled};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heap::{Arena, ChunkPool, NoMarks, NonMovingSpace};
use std::hint::black_box;
use std::time::{Duration, Instant};

const OBJECTS: usize = 1 << 20;

const HEAP_BYTES: u64 = 64 << 20;

/// Time to allocate `count` nodes in memory that the space already holds.
fn refill(space: &mut NonMovingSpace<NoMarks>, count: usize) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        black_box(space.alloc(NODE, 0));
    }
    started.elapsed()
}

/// Time to allocate `iterations` nodes in heaps of `room` nodes; `once` times the nodes of one heap.
fn in_heaps(iterations: u64, room: usize, once: impl Fn(usize) -> Duration) -> Duration {
    let (full, rest) = (iterations / room as u64, (iterations % room as u64) as usize);
    let counts = (0..full).map(|_| room).chain((rest > 0).then_some(rest));
    counts.map(once).sum()
}

fn empty_space() -> NonMovingSpace<NoMarks> {
    NonMovingSpace::new(&heap(HEAP_BYTES)).expect("address space")
}

/// Time to allocate `iterations` nodes after `free` has made room for `room` of them.
fn after(
    iterations: u64,
    room: usize,
    free: impl Fn(&mut NonMovingSpace<NoMarks>, Vec<heap::ObjectReference>),
) -> Duration {
    in_heaps(iterations, room, |count| {
        let mut space = empty_space();
        let all = nodes(&mut space, OBJECTS);
        free(&mut space, all);
        refill(&mut space, count)
    })
}

fn alloc(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("bump", |b| {
        b.iter_custom(|iterations| {
            in_heaps(iterations, OBJECTS, |count| {
                let heap = heap(HEAP_BYTES);
                let (mut arena, mut pool) = (Arena::heap(), ChunkPool::new(&heap));
                let started = Instant::now();
                for _ in 0..count {
                    let object = arena.alloc(NODE, 0, &heap).or_else(|| {
                        arena.grow(NODE, &mut pool).then(|| arena.alloc(NODE, 0, &heap))?
                    });
                    black_box(object);
                }
                started.elapsed()
            })
        });
    });
    group.bench_function("cells, first block on", |b| {
        b.iter_custom(|iterations| {
            in_heaps(iterations, OBJECTS, |count| {
                let mut space = empty_space();
                let started = Instant::now();
                black_box(nodes(&mut space, count));
                started.elapsed()
            })
        });
    });
    group.bench_function("cells, every 32nd kept", |b| {
        b.iter_custom(|iterations| {
            after(iterations, OBJECTS / 32 * 31, |space, all| {
                let freed = all.iter().enumerate().filter(|(i, _)| i % 32 != 0);
                freed.for_each(|(_, &object)| assert!(space.free(object)));
            })
        });
    });
    group.bench_function("cells, 50 % random fragmentation", |b| {
        b.iter_custom(|iterations| {
            after(iterations, OBJECTS / 2, |space, all| {
                let order = shuffled(all, &mut random(1));
                order[..OBJECTS / 2].iter().for_each(|&object| assert!(space.free(object)));
            })
        });
    });
    group.finish();
}

criterion_group!(benches, alloc);
criterion_main!(benches);
