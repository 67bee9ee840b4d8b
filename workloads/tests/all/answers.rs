//! Every program gives the answer in its suite file under every collector, at the small size.

use crate::under::{Watch, each};
use workloads::{Size, Suite};

#[test]
fn every_program_answers_right_under_every_collector() {
    let suites = [Suite::builtin(), Suite::scale()];
    for (suite, workload) in suites.iter().flat_map(|s| s.workloads.iter().map(move |w| (s, w))) {
        let Some(small) = workload.at(Size::Small) else { continue };
        let entry = workload.entry();
        let program = entry.prepare(&small.parameters, suite.seed).unwrap();
        let mut collectors = 0;
        each(&program, entry.needs, Watch::Off, |collector, _, outcome| {
            assert_eq!(outcome.answer, small.answer, "{} under {collector}", workload.name);
            collectors += 1;
        });
        assert!(collectors >= 6, "{} ran under {collectors} collectors", workload.name);
    }
}
