//! Time to drop a list of ten million nodes on a stack of 512 KiB, in order of allocation and shuffled;
//! for comparison, the machine's time per independent and per dependent access to the same nodes.

use benches::graph::{
    dependent_access_ns, heap, independent_access_ns, link_list, nodes, random, shuffled,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heap::{
    EventLog, Heap, NoMarks, NonMovingSpace, ObjectReference, Slots, Space, Stack, cascade,
};
use std::thread;
use std::time::{Duration, Instant};

const NODES: usize = 10_000_000;
const STACK_BYTES: usize = 512 << 10;

struct List {
    space: NonMovingSpace<NoMarks>,
    pending: Stack,
    order: Vec<ObjectReference>,
    heap: Heap,
}

fn list(in_order: bool) -> List {
    let heap = heap(170 << 20);
    let mut space = NonMovingSpace::new(&heap).expect("address space");
    let pending = heap.stack().expect("address space");
    let order = nodes(&mut space, NODES);
    let order = if in_order { order } else { shuffled(order, &mut random(6)) };
    link_list(heap.memory(), &order);
    List { space, pending, order, heap }
}

fn drop_list(mut list: List) -> Duration {
    let mut log = EventLog::new();
    let List { space, pending, order, .. } = &mut list;
    let started = Instant::now();
    cascade(space, pending, &mut log, order[0], Slots::Own, |_, _| true);
    let elapsed = started.elapsed();
    assert_eq!(space.allocated().objects, 0);
    elapsed
}

/// Runs on a thread whose stack would overflow under recursion.
fn on_a_small_stack(work: impl FnOnce() -> Duration + Send) -> Duration {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, work).expect("a thread").join().expect("no overflow")
    })
}

fn dropping(c: &mut Criterion) {
    for (name, in_order) in [("drop list in order", true), ("drop list shuffled", false)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(NODES as u64)).sample_size(10);
        group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
        group.bench_function("drop", |b| {
            b.iter_custom(|iterations| {
                (0..iterations).map(|_| on_a_small_stack(|| drop_list(list(in_order)))).sum()
            });
        });
        let list = list(in_order);
        let memory = list.heap.memory();
        let whole = |ns_per_node: f64| Duration::from_nanos((ns_per_node * NODES as f64) as u64);
        group.bench_function("independent access", |b| {
            b.iter_custom(|iterations| {
                (0..iterations).map(|_| whole(independent_access_ns(memory, &list.order))).sum()
            });
        });
        group.bench_function("dependent access", |b| {
            b.iter_custom(|iterations| {
                (0..iterations).map(|_| whole(dependent_access_ns(memory, list.order[0]))).sum()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, dropping);
criterion_main!(benches);
