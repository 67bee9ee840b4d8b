//! A failure, as it is reported: enough to see it again with one paste.

use crate::Kit;
use crate::detector::{Detector, Place};
use crate::program::Program;
use collectors::registry::standard;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was found wrong with a collector.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The collector.
    pub collector: String,
    /// The seed of the program that failed; `None` if a program was given.
    pub seed: Option<u64>,
    /// What noticed it.
    pub detector: Detector,
    /// What it noticed.
    pub message: String,
    /// Where in the graph, if it is a matter of one place.
    pub place: Option<Place>,
    /// What the collector was doing, or had done last.
    pub phase: String,
    /// Operations of the program before it was made short.
    pub drawn_ops: usize,
    /// The program, made short.
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
        writeln!(f, "  program   {ops} operations, of {drawn} drawn")?;
        let (place, replay) = match standard::<Kit>().find(collector) {
            Some(_) => (
                "a new file of crates/collectors/tests",
                format!("replay(\"{collector}\", &program);"),
            ),
            None => (
                "a test of its crate, with `conformance` among the dev-dependencies",
                format!("replay_as::<ItsType>(&program); // the type of {collector}"),
            ),
        };
        writeln!(f, "\nTo see it again, paste this into {place}:")?;
        let name: String =
            collector.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        writeln!(f, "\n#[test]\nfn {name}_{detector}() {{")?;
        writeln!(f, "    use conformance::program::{{Form::*, Op::*, Program, Schedule, Start}};")?;
        let program = self.program.to_string().replace('\n', "\n    ");
        writeln!(f, "    let program = {program};")?;
        writeln!(f, "    conformance::{replay}")?;
        write!(f, "}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Op;

    #[test]
    fn whoever_pastes_it_can_call_what_it_calls() {
        let failure = |collector: &str| Failure {
            collector: collector.to_owned(),
            seed: Some(7),
            detector: Detector::Run,
            message: "a panic".to_owned(),
            place: None,
            phase: "alloc".to_owned(),
            drawn_ops: 400,
            program: Program::of([Op::Major]),
        };
        let here = failure("rc|count-loads").to_string();
        assert!(here.contains("fn rc_count_loads_run() {"), "{here}");
        assert!(here.contains("conformance::replay(\"rc|count-loads\", &program);"), "{here}");
        let elsewhere = failure("every-mib").to_string();
        assert!(elsewhere.contains("conformance::replay_as::<ItsType>(&program);"), "{elsewhere}");
    }
}
