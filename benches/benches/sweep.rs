//! Time to sweep a million nodes of which a random share is marked: the part in the pause (exchanging
//! bitmaps and classifying blocks). The allocation benchmark at 50 % fragmentation times the lazy rest.

use benches::graph::{heap, nodes, random, shuffled};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use heap::{MarkBits, Marker, NonMovingSpace};
use std::time::{Duration, Instant};

const OBJECTS: usize = 1 << 20;

fn sweep_once(marked_percent: usize) -> Duration {
    let heap = heap(32 << 20);
    let mut space = NonMovingSpace::<MarkBits>::new(&heap).expect("address space");
    let mut marker = Marker::new(&heap, 16).expect("address space");
    let all = shuffled(nodes(&mut space, OBJECTS), &mut random(4));
    all[..OBJECTS * marked_percent / 100].iter().for_each(|&object| marker.push(object));
    space.trace(&mut marker);
    let started = Instant::now();
    space.sweep();
    started.elapsed()
}

fn sweeping(c: &mut Criterion) {
    let mut group = c.benchmark_group("sweep");
    group.throughput(Throughput::Elements(OBJECTS as u64)).sample_size(10);
    for marked_percent in [0, 50, 100] {
        group.bench_function(BenchmarkId::new("percent marked", marked_percent), |b| {
            b.iter_custom(|iterations| (0..iterations).map(|_| sweep_once(marked_percent)).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, sweeping);
criterion_main!(benches);
