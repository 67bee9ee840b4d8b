//! Time of a store to a borrow slot under each discipline: among few objects (in the first-level cache)
//! and among a million.

use collectors::registry::{Harness, standard};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use heap::{Collector, Commit, Config, HeapConfig, Mutator, Off, Own, Slot, shape};
use rand::RngExt;
use std::time::{Duration, Instant};

shape! {
    /// A node with one borrowed successor.
    struct Node {
        borrow NEXT;
    }
}

/// A run of `stores` stores among `nodes` nodes.
struct Stores {
    nodes: u32,
    stores: u64,
}

struct Barrier;

impl Harness for Barrier {
    type Job = Stores;
    type Report = Duration;

    fn run<C: Collector>(job: &Stores) -> Duration {
        let commit = Commit::Beforehand { bytes: 64 << 20 };
        let config = HeapConfig { limit_bytes: None, commit, huge_pages: false };
        let mut m = Mutator::<C>::new(config, &Config::default(), Off).expect("address space");
        let table = m.alloc_array(Own, job.nodes, 0).expect("no limit");
        for index in 0..job.nodes {
            let node = m.alloc::<Node>().expect("no limit");
            m.put(m.get(&table), Slot::element(index), node);
        }
        // Drawn beforehand, so that the loop below times only stores.
        let mut random = benches::graph::random(5);
        let targets: Vec<u32> = (0..1 << 16).map(|_| random.random_range(0..job.nodes)).collect();
        let started = Instant::now();
        let mut done = 0;
        while done < job.stores {
            // Programs have safepoints: parked objects are settled there.
            m.safepoint();
            let table = m.get(&table);
            for pair in targets.windows(2).take((job.stores - done).min(1 << 16) as usize) {
                let from = m.load::<Own>(table, Slot::element(pair[0])).expect("filled");
                let to = m.load::<Own>(table, Slot::element(pair[1])).expect("filled");
                m.store(from, Node::NEXT, to);
            }
            done += (targets.len() - 1) as u64;
        }
        started.elapsed()
    }
}

fn barrier(c: &mut Criterion) {
    for (name, nodes) in [("store among 256", 256), ("store among 1,000,000", 1_000_000)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(1)).sample_size(10);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        for entry in standard::<Barrier>().entries() {
            group.bench_function(BenchmarkId::from_parameter(entry.info.name), |b| {
                b.iter_custom(|stores| (entry.run)(&Stores { nodes, stores }));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, barrier);
criterion_main!(benches);
