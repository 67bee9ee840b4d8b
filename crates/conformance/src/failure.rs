//! A failure, as it is reported: enough to see it again with one paste.

use crate::detector::{Detector, Place};
use crate::program::Program;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was found wrong with a collector.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The collector.
    pub collector: String,
    /// The mutant that was switched on.
    pub mutant: Option<String>,
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
        match &self.mutant {
            Some(mutant) => writeln!(f, "{collector} fails, as it should ({mutant}): {message}")?,
            None => writeln!(f, "{collector} fails: {message}")?,
        }
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
        writeln!(f, "  program   {ops} operations, of {drawn} drawn; to see it again, paste:")?;
        let name: String =
            collector.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        writeln!(f, "\n#[test]\nfn {name}_{detector}() {{")?;
        writeln!(f, "    use conformance::program::{{Form::*, Op::*, Program, Schedule, Start}};")?;
        let program = self.program.to_string().replace('\n', "\n    ");
        writeln!(f, "    let program = {program};")?;
        writeln!(f, "    conformance::replay(\"{collector}\", &program);")?;
        write!(f, "}}")
    }
}
