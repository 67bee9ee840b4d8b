//! Parallel marking with more markers than a machine may have processors. Also run under the thread
//! sanitizer (`scripts/tsan.sh`), where markers are delayed at random.

#![forbid(unsafe_code)]

use collectors::MarkSweepParallel;
use conformance::Job;
use heap::{Collector, CollectorFactory, Config};

/// Programs for each number of markers.
const SEEDS: u64 = if cfg!(gcw_tsan) { 10 } else { 100 };

#[test]
fn three_and_five_markers_pass_the_kit() {
    // Small heaps: at the default threshold of 65,536 objects no second marker would ever start.
    for settings in ["threads-3|parallel-threshold-1", "threads-5|parallel-threshold-7|prefetch-1"]
    {
        let config = Config::read(MarkSweepParallel::PARAMETERS, settings).expect("it has these");
        let job = Job { config, ..Job::of("mark-sweep-parallel", 0..SEEDS) };
        let failure =
            conformance::verify(CollectorFactory::of::<MarkSweepParallel>(), &job, |_| ()).failure;
        assert!(failure.is_none(), "{settings}: {}", failure.expect("it is there"));
    }
}
