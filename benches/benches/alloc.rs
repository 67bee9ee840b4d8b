//! Time to allocate the smallest node: by bump, into fresh cells, into a heap freed almost whole, and at
//! 50 % random fragmentation.

use benches::graph::{NODE, nodes, random, shuffled};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heap::{Arena, ChunkPool, Commit, Heap, HeapConfig, NoMarks, NonMovingSpace};
use std::hint::black_box;
use std::time::{Duration, Instant};

const OBJECTS: usize = 1 << 20;

fn heap() -> Heap {
    let commit = Commit::Beforehand { bytes: 64 << 20 };
    Heap::new(HeapConfig { limit_bytes: None, commit }).expect("address space")
}

/// Time to allocate `count` nodes in memory that the space already holds.
fn refill(space: &mut NonMovingSpace<NoMarks>, count: usize) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        black_box(space.alloc(NODE, 0));
    }
    started.elapsed()
}

/// Time to allocate `iterations` nodes after `free` has made room for `room` of them.
fn after(
    iterations: u64,
    room: usize,
    free: impl Fn(&mut NonMovingSpace<NoMarks>, Vec<heap::ObjectReference>),
) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let mut space = NonMovingSpace::<NoMarks>::new(&heap()).expect("address space");
        let all = nodes(&mut space, OBJECTS);
        free(&mut space, all);
        let count = left.min(room as u64);
        total += refill(&mut space, count as usize);
        left -= count;
    }
    total
}

fn alloc(c: &mut Criterion) {
    let mut group = c.benchmark_group("alloc");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("bump", |b| {
        b.iter_custom(|iterations| {
            let (mut total, mut left) = (Duration::ZERO, iterations);
            while left > 0 {
                let heap = heap();
                let (mut arena, mut pool) = (Arena::heap(), ChunkPool::new(&heap));
                let count = left.min(OBJECTS as u64);
                let started = Instant::now();
                for _ in 0..count {
                    let object = arena.alloc(NODE, 0, &heap).or_else(|| {
                        arena.grow(NODE, &mut pool).then(|| arena.alloc(NODE, 0, &heap))?
                    });
                    black_box(object);
                }
                total += started.elapsed();
                left -= count;
            }
            total
        });
    });
    group.bench_function("cells, first block on", |b| {
        b.iter_custom(|iterations| {
            let (mut total, mut left) = (Duration::ZERO, iterations);
            while left > 0 {
                let mut space = NonMovingSpace::<NoMarks>::new(&heap()).expect("address space");
                let count = left.min(OBJECTS as u64);
                let started = Instant::now();
                black_box(nodes(&mut space, count as usize));
                total += started.elapsed();
                left -= count;
            }
            total
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
