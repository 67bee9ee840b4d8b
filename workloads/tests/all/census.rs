//! The recorded censuses equal measured ones, at the small size.

use collectors::MarkSweep;
use heap::{Config, HeapConfig, Meter, Mutator};
use workloads::{Census, Size, Suite};

/// Bytes allocated between two surveys of live objects: a hundred surveys are enough.
fn step_bytes(recorded: Census) -> u64 {
    (recorded.allocated_bytes / 128).max(16 << 10)
}

#[test]
fn the_recorded_figures_equal_a_measured_census() {
    let suite = Suite::builtin();
    for workload in &suite.workloads {
        let small = workload.at(Size::Small).expect("the built-in suite has all sizes");
        let program = workload.entry().prepare(&small.parameters, suite.seed).unwrap();
        let mut m: Mutator<MarkSweep, Meter> =
            Mutator::new(HeapConfig::default(), &Config::default(), Meter::default()).unwrap();
        let name = &workload.name;
        let recorded = small.census.unwrap_or_else(|| panic!("{name}: record its census"));
        let step_bytes = step_bytes(recorded);
        m.take_census(step_bytes).unwrap();
        program.run(&mut m).unwrap();
        m.phase("end");
        let live = m.context().log.live_samples().iter().map(|sample| sample.live_bytes);
        let found = Census {
            objects: m.allocated_objects(),
            allocated_bytes: m.allocated_bytes(),
            peak_live_bytes: live.max().unwrap(),
        };
        assert_eq!(recorded.objects, found.objects, "{name}");
        assert_eq!(recorded.allocated_bytes, found.allocated_bytes, "{name}");
        let difference = recorded.peak_live_bytes.abs_diff(found.peak_live_bytes);
        assert!(difference <= step_bytes, "{name}: recorded {recorded:?}, found {found:?}");
    }
}

#[test]
fn all_sizes_have_a_census_that_grows_with_them() {
    for workload in Suite::builtin().workloads {
        let of = |size| workload.at(size).and_then(|instance| instance.census);
        let sizes = [Size::Small, Size::Default, Size::Large].map(of);
        let [Some(small), Some(default), Some(large)] = sizes else {
            panic!("{}: {sizes:?}", workload.name)
        };
        for (smaller, bigger) in [(small, default), (default, large)] {
            assert!(smaller.objects < bigger.objects, "{}", workload.name);
            assert!(smaller.peak_live_bytes < bigger.peak_live_bytes, "{}", workload.name);
            assert!(bigger.peak_live_bytes <= bigger.allocated_bytes, "{}", workload.name);
        }
    }
}
