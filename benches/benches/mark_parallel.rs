//! Time to mark 200 MB of live objects by one thread and by several, by shape of the graph: the mark
//! phase alone, in turn and equally often, and the speedup over mark-sweep's marker. The CPU time of
//! all threads together stands beside the wall time: on a busy machine it is the better measure.
//!
//! `cargo bench -p gcw-benches --bench mark_parallel -- [ROUNDS [MILLIONS OF NODES]]`

use benches::graph::{heap, link, link_at_random, link_list, nodes, random, shuffled};
use heap::os::{monotonic_ns, process_cpu_ns};
use heap::{Heap, Marker, NonMovingSpace, ObjectReference, ParallelMarker, Space};

/// Objects that one thread marks before others join it: the default of the collector.
const PARALLEL_THRESHOLD: u64 = heap::PARALLEL_THRESHOLD.default as u64;

/// Edges prefetched ahead: the default of the collectors.
const DISTANCE: usize = heap::PREFETCH.default as usize;

/// Timings of each marker.
const ROUNDS: usize = 5;

/// Nodes of a graph, of 16 bytes each, in millions.
const MILLIONS: usize = 12;

/// Links the nodes and returns the root.
type Linking = fn(&Heap, &[ObjectReference]) -> ObjectReference;

fn random_graph(heap: &Heap, all: &[ObjectReference]) -> ObjectReference {
    link_at_random(heap.memory(), all)[0]
}

/// A complete tree of nodes in random order.
fn shuffled_tree(heap: &Heap, all: &[ObjectReference]) -> ObjectReference {
    let order = shuffled(all.to_vec(), &mut random(3));
    tree(heap, &order)
}

/// A complete tree, level after level.
fn tree(heap: &Heap, all: &[ObjectReference]) -> ObjectReference {
    for (i, &node) in all.iter().enumerate() {
        for (slot, child) in [(0, 2 * i + 1), (1, 2 * i + 2)] {
            all.get(child).inspect(|&&child| link(heap.memory(), node, slot, child));
        }
    }
    all[0]
}

/// A list in order of allocation, without any parallelism.
fn list(heap: &Heap, all: &[ObjectReference]) -> ObjectReference {
    link_list(heap.memory(), all)
}

/// Wall and CPU time of one marking, in ms.
type Times = [f64; 2];

fn read_clocks() -> Times {
    [monotonic_ns() as f64 / 1e6, process_cpu_ns() as f64 / 1e6]
}

/// Median times of marking with mark-sweep's marker, and on 1, 2, 3 ... threads.
fn times(link: Linking, count: usize, rounds: usize) -> Vec<Times> {
    let heap = heap((count as u64 * 16) + (8 << 20));
    let cores = std::thread::available_parallelism().map_or(1, usize::from).clamp(2, 4);
    let mut single = Marker::new(&heap, DISTANCE).expect("address space");
    let parallel = |threads| ParallelMarker::new(&heap, DISTANCE, threads, PARALLEL_THRESHOLD);
    let mut parallel: Vec<_> = (1..=cores).map(|n| parallel(n).expect("address space")).collect();
    let most = parallel.last().expect("there are at least two");
    let mut space = NonMovingSpace::marked_by(&heap, most).expect("address space");
    let root = link(&heap, &nodes(&mut space, count));
    let mut times = vec![Vec::new(); 1 + cores];
    for _ in 0..rounds {
        for (threads, times) in times.iter_mut().enumerate() {
            let before = match threads.checked_sub(1).map(|index| &mut parallel[index]) {
                None => {
                    single.push(root);
                    let before = read_clocks();
                    space.trace(&mut single);
                    before
                }
                Some(marker) => {
                    marker.push(root);
                    let before = read_clocks();
                    space.trace_in_parallel(marker);
                    before
                }
            };
            let after = read_clocks();
            times.push([after[0] - before[0], after[1] - before[1]]);
            space.sweep();
            assert_eq!(space.allocated().objects as usize, count, "an object is not marked");
        }
    }
    times.into_iter().map(|times| [median(&times, 0), median(&times, 1)]).collect()
}

fn median(times: &[Times], clock: usize) -> f64 {
    let mut times: Vec<f64> = times.iter().map(|times| times[clock]).collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let rounds = given.first().copied().unwrap_or(ROUNDS);
    let count = given.get(1).copied().unwrap_or(MILLIONS) * 1_000_000;
    let graphs: [(&str, Linking); 4] = [
        ("random graph", random_graph),
        ("shuffled tree", shuffled_tree),
        ("tree", tree),
        ("list", list),
    ];
    for (name, link) in graphs {
        let times = times(link, count, rounds);
        let [wall, cpu] = times[0];
        print!("{name:14} mark-sweep {wall:7.1} ms, CPU {cpu:7.1}");
        for (threads, times) in (1..).zip(&times[1..]) {
            let faster = wall / times[0];
            print!(" | {threads}: {:7.1} ms, {faster:.2}x, CPU {:7.1}", times[0], times[1]);
        }
        println!();
    }
}
