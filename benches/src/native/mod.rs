//! Two classic programs in ordinary Rust, without the workbench's heap.
//!
//! Each runs with one of several pointers and, by the choice of the binary, on one of two global
//! allocators. It prints the JSON line of a cell (a [`record::Sample`]), so that `gcw duel` can compare
//! it with a cell:
//!
//! ```text
//! native-mimalloc binary-trees box 16 4
//! ```
//!
//! Here the fourth run in the process is measured, warm as a cell whose heap is committed beforehand;
//! without the number the first, cold one. The two have different names.
//!
//! The line omits values that a native program does not know (footprint, pauses, headers).

mod binary_trees;
mod command;
mod gcbench;
mod measure;
mod pointer;

use command::{Job, Pointer, Program};
use measure::Measurement;
use pointer::{Arenas, OfArc, OfBox, OfRc, Owner};
use record::{Answer, SCHEMA_VERSION, Sample};
use std::process::ExitCode;

/// Fields of [`Sample`] that are written even when empty. Here they are unknown, so they are removed
/// from the line.
const UNKNOWN: [&str; 7] = [
    "accounting_errors",
    "footprint",
    "live",
    "pause_histogram",
    "pause_total_ns",
    "pauses",
    "phases",
];

/// Runs the job on the command line and prints the JSON line. `allocator` is the name of the calling
/// binary's global allocator.
///
/// The exit code is 0 if a line was printed (a wrong answer is in the line) and 2 if the command line
/// is wrong or the machine refuses the run.
pub fn main(allocator: &str) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command::parse(&arguments).and_then(|job| line(job, allocator)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("native-{allocator}: {message}");
            ExitCode::from(2)
        }
    }
}

/// Runs the job and writes its line.
fn line(job: Job, allocator: &str) -> Result<String, String> {
    let sample = sample(job, allocator)?;
    let mut line = serde_json::to_value(sample).map_err(|e| format!("no JSON line: {e}"))?;
    if let Some(fields) = line.as_object_mut() {
        fields.retain(|name, _| !UNKNOWN.contains(&name.as_str()));
    }
    Ok(line.to_string())
}

fn sample(job: Job, allocator: &str) -> Result<Sample, String> {
    let Measurement { got, run, teardown, peak_rss_bytes } = match job.pointer {
        Pointer::Box => owned::<OfBox>(job)?,
        Pointer::Rc => owned::<OfRc>(job)?,
        Pointer::Arc => owned::<OfArc>(job)?,
        Pointer::Bumpalo => in_arenas(job, Arenas::fresh)?,
        Pointer::BumpaloReset => in_arenas(job, Arenas::reused)?,
    };
    let expected = match job.program {
        Program::BinaryTrees => binary_trees::expected(job.n),
        Program::Gcbench => gcbench::expected(job.n),
    };
    // Arenas are another design of the program, so they have the name of that variant.
    let is_arena = matches!(job.pointer, Pointer::Bumpalo | Pointer::BumpaloReset);
    let variant = if is_arena { "@regions" } else { "" };
    Ok(Sample {
        schema: SCHEMA_VERSION,
        collector: format!("native:{}+{allocator}|{}", job.pointer.name(), job.run),
        workload: format!("{}{variant}", job.program.name()),
        answer: Answer { got, expected },
        wall_ns: run.wall_ns,
        cpu_ns: run.cpu_ns,
        teardown_wall_ns: teardown.wall_ns,
        teardown_cpu_ns: teardown.cpu_ns,
        page_faults: run.page_faults,
        peak_rss_bytes,
        ..Sample::default()
    })
}

fn owned<P: Owner>(job: Job) -> Result<Measurement, String> {
    match job.program {
        Program::BinaryTrees => measure::run(job.run.before, || binary_trees::owned::<P>(job.n)),
        Program::Gcbench => measure::run(job.run.before, || gcbench::owned::<P>(job.n)),
    }
}

fn in_arenas(job: Job, arenas: impl Fn() -> Arenas) -> Result<Measurement, String> {
    let Job { program, n, run, .. } = job;
    match program {
        Program::BinaryTrees => measure::run(run.before, || binary_trees::in_arenas(n, arenas())),
        Program::Gcbench => measure::run(run.before, || gcbench::in_arenas(n, arenas())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::command::Turn;

    #[test]
    fn every_pointer_computes_the_expected_answer_of_every_program() {
        for (program, n) in [(Program::BinaryTrees, 7), (Program::Gcbench, 9)] {
            for pointer in Pointer::ALL {
                for before in [0, 2] {
                    let job = Job { program, pointer, n, run: Turn { before } };
                    let sample = sample(job, "test").unwrap();
                    assert!(sample.answer.is_right(), "{job:?}: {:?}", sample.answer);
                    assert!(sample.wall_ns > 0 && sample.cpu_ns > 0, "{job:?}");
                }
            }
        }
    }

    #[test]
    fn the_line_is_a_sample_without_unknown_fields() {
        let (program, pointer) = (Program::BinaryTrees, Pointer::Bumpalo);
        let of =
            |before| line(Job { program, pointer, n: 4, run: Turn { before } }, "test").unwrap();
        let warm: Sample = serde_json::from_str(&of(3)).unwrap();
        assert_eq!(warm.collector, "native:bumpalo+test|warm-4");
        let line = of(0);
        let sample: Sample = serde_json::from_str(&line).unwrap();
        assert_eq!(sample.collector, "native:bumpalo+test|cold");
        assert_eq!(sample.workload, "binary-trees@regions");
        for unknown in ["pauses", "pause_total_ns", "footprint", "accounting_errors", "end"] {
            assert!(!line.contains(&format!("\"{unknown}\"")), "{unknown} in {line}");
        }
        assert!(!line.contains('\n'));
    }
}
