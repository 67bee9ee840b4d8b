//! For tests: compares the literals of a built-in suite with a formula or a model.

use crate::{Census, Size, Suite};
use serde::de::DeserializeOwned;

/// Checks the answer and the census of a workload at all sizes. `expected` computes both from the
/// parameters and the suite's seed, without a heap.
pub(crate) fn check<T: DeserializeOwned>(
    workload: &str,
    expected: impl Fn(T, u64) -> (String, Census),
) {
    let suite = Suite::builtin();
    let found = suite.find(workload).expect("a workload of the built-in suite");
    for size in [Size::Small, Size::Default, Size::Large] {
        assert!(found.at(size).is_some(), "{workload} has all sizes");
    }
    check_sizes(&suite, workload, expected);
}

/// The same at the sizes that a workload of this suite has.
pub(crate) fn check_sizes<T: DeserializeOwned>(
    suite: &Suite,
    workload: &str,
    expected: impl Fn(T, u64) -> (String, Census),
) {
    let workload = suite.find(workload).expect("a workload of the suite");
    for instance in workload.sizes() {
        let (answer, census) = expected(instance.parameters.read().unwrap(), suite.seed);
        assert_eq!(instance.answer, answer, "{} {}", workload.name, instance.parameters);
        assert_eq!(instance.census, Some(census), "{} {}", workload.name, instance.parameters);
    }
}
