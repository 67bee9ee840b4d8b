//! For tests: comparing the literals of the built-in suite with a formula or a model.

use crate::{Census, Size, Suite};
use serde::de::DeserializeOwned;

/// Checks the answer and the census of a workload at all sizes. `expected` computes both from the
/// parameters and the suite's seed, without a heap.
pub(crate) fn check<T: DeserializeOwned>(
    workload: &str,
    expected: impl Fn(T, u64) -> (String, Census),
) {
    let suite = Suite::builtin();
    let workload = suite.find(workload).expect("a workload of the built-in suite");
    for size in [Size::Small, Size::Default, Size::Large] {
        let instance = workload.at(size).expect("the built-in suite has all sizes");
        let (answer, census) = expected(instance.parameters.read().unwrap(), suite.seed);
        assert_eq!(instance.answer, answer, "{} {size:?}", workload.name);
        assert_eq!(instance.census, Some(census), "{} {size:?}", workload.name);
    }
}
