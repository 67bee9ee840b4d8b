//! The report of a failure: enough to reproduce it with one paste.

use crate::detector::{Detector, Place};
use crate::program::Program;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A failure of a collector.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The collector.
    pub collector: String,
    /// The seed of the program that failed; `None` if a program was given.
    pub seed: Option<u64>,
    /// The detector that noticed it.
    pub detector: Detector,
    /// Its finding.
    pub message: String,
    /// The place in the graph, if there is a single one.
    pub place: Option<Place>,
    /// The operation of the collector under way, or its last one.
    pub phase: String,
    /// Operations of the program before it was shortened.
    pub drawn_ops: usize,
    /// The shortened program.
    pub program: Program,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collector, detector, message, phase, .. } = self;
        writeln!(f, "{collector} fails: {message}")?;
        if let Some(place) = &self.place {
            writeln!(f, "  where     {place}")?;
        }
        writeln!(f, "  phase     {phase}")?;
        writeln!(f, "  detector  {detector}")?;
        match self.seed {
            Some(seed) => writeln!(f, "  seed      {seed}")?,
            None => writeln!(f, "  seed      none, the program was given")?,
        }
        let (ops, drawn) = (self.program.ops.len(), self.drawn_ops);
        write!(f, "  program   {ops} operations, of {drawn} drawn")
    }
}

impl Failure {
    /// A test to be pasted that plays the program again. `type_path` is the type of the collector,
    /// `settings` the part of its name behind the bar, or empty.
    pub fn as_test(&self, type_path: &str, settings: &str) -> String {
        let place = match type_path.starts_with("collectors::") {
            true => "a new file of crates/collectors/tests",
            false => "a test of its crate, with `gcw-conformance` among the dev-dependencies",
        };
        let name: String = (self.collector.chars())
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let (detector, program) = (self.detector, self.program.to_string());
        let program = program.replace('\n', "\n    ");
        let replay = match settings {
            "" => format!("replay::<{type_path}>(&program)"),
            _ => format!("replay_with::<{type_path}>({settings:?}, &program)"),
        };
        format!(
            "To reproduce it, paste this into {place}:

#[test]
fn {name}_{detector}() {{
    use conformance::program::{{Form::*, Op::*, Program, Schedule, Start}};
    let program = {program};
    conformance::{replay};
}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Op;

    #[test]
    fn a_pasted_test_calls_the_replay_of_its_collector() {
        let failure = Failure {
            collector: "rc|count-loads".to_owned(),
            seed: Some(7),
            detector: Detector::Run,
            message: "a panic".to_owned(),
            place: None,
            phase: "alloc".to_owned(),
            drawn_ops: 400,
            program: Program::of([Op::Major]),
        };
        let here = failure.as_test("collectors::Rc<true>", "");
        assert!(here.contains("crates/collectors/tests"), "{here}");
        assert!(here.contains("fn rc_count_loads_run() {\n    use"), "{here}");
        assert!(here.contains("    conformance::replay::<collectors::Rc<true>>(&program);\n}"));
        let elsewhere = failure.as_test("mine::EveryMib", "");
        assert!(elsewhere.contains("a test of its crate"), "{elsewhere}");
        let configured = failure.as_test("collectors::MarkSweep", "prefetch-0");
        let call = r#"conformance::replay_with::<collectors::MarkSweep>("prefetch-0", &program);"#;
        assert!(configured.contains(call), "{configured}");
    }
}
