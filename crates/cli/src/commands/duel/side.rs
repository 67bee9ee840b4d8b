//! One side of a duel: a cell, or any program that prints a sample.

use crate::failure::Failure;
use crate::nearest::unknown;
use crate::profile::HEAP_DEFAULT;
use crate::registry::Registry;
use crate::{child, select};
use record::{Cell, HeapSize, Mode, Size};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// One side of a duel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// A cell, in a fresh process of this program.
    Cell(Cell),
    /// A command line, given to the shell.
    External(String),
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(cell) => cell.fmt(f),
            Self::External(command) => f.write_str(command),
        }
    }
}

impl Side {
    /// The collector of a cell.
    pub(crate) fn collector(&self) -> Option<&str> {
        match self {
            Self::Cell(cell) => Some(&cell.collector),
            Self::External(_) => None,
        }
    }

    /// Reads a side: `COLLECTOR/WORKLOAD[@HEAP]` if both names are known, otherwise a command line
    /// (anything with a space) or the path of a program.
    pub(crate) fn read(
        text: &str,
        registry: &Registry,
        suite: &str,
        size: Size,
    ) -> Result<Self, Failure> {
        if text.contains(char::is_whitespace) {
            return Ok(Self::External(text.to_owned()));
        }
        let (collector, rest) = text.split_once('/').unwrap_or((text, ""));
        let (workload, heap) = split_heap(rest);
        let workloads = registry.workloads(suite, size).map_err(Failure::usage)?;
        let workloads: Vec<&str> = workloads.iter().map(|w| w.name.as_str()).collect();
        let chosen = match collector.contains('*') {
            true => Err(Failure::Usage("each side of a duel is one collector".to_owned())),
            false => select::collectors(registry, &[collector.to_owned()]),
        };
        let known = chosen.is_ok() && workloads.contains(&workload);
        if !known && Path::new(text).is_file() {
            return Ok(Self::External(runnable(text)));
        }
        let wrong = |problem: String| {
            Failure::Usage(format!(
                "'{text}' is neither COLLECTOR/WORKLOAD@HEAP, such as mark-sweep/gcbench@2.5x, nor the \
                 path of a program: {problem}"
            ))
        };
        // One name without a star selects one collector.
        let collector = match chosen {
            Ok(chosen) => chosen.into_iter().next().map(|c| c.name).unwrap_or_default(),
            Err(Failure::Usage(message)) => return Err(wrong(message)),
            Err(failure) => return Err(failure),
        };
        if !known {
            return Err(wrong(unknown("workload", workload, &workloads)));
        }
        registry
            .applies(&collector, suite, workload)
            .map_err(|reason| Failure::Usage(format!("{text} is n/a: {reason}")))?;
        Ok(Self::Cell(Cell {
            heap: heap_in_force(registry, &collector, heap),
            collector,
            workload: workload.to_owned(),
            size,
            mode: Mode::Time,
        }))
    }

    /// The command that runs this side once.
    pub(crate) fn command(&self, program: &Path, suite: &str) -> Command {
        match self {
            Self::Cell(cell) => child::cell(program, cell, suite),
            Self::External(line) => {
                let mut command = Command::new("sh");
                command.args(["-c", line]);
                command
            }
        }
    }
}

/// Splits off the heap size at the end, if there is one: a workload's variant follows an `@`, too.
fn split_heap(text: &str) -> (&str, Option<HeapSize>) {
    let parts = text.rsplit_once('@');
    let heap = parts.and_then(|(workload, heap)| Some((workload, heap.parse().ok()?)));
    heap.map_or((text, None), |(workload, heap)| (workload, Some(heap)))
}

/// A multiple of the live size does not bound a collector that does not collect by itself.
fn heap_in_force(registry: &Registry, collector: &str, heap: Option<HeapSize>) -> HeapSize {
    let bounded = registry.base_of(collector).is_some_and(|c| c.bounded);
    match heap.unwrap_or(HEAP_DEFAULT) {
        HeapSize::LiveMultiple(_) if !bounded => HeapSize::Unlimited,
        heap => heap,
    }
}

/// A path as the shell runs it: without a slash the shell would search `PATH`.
fn runnable(path: &str) -> String {
    let path = if path.contains('/') { path.to_owned() } else { format!("./{path}") };
    child::quoted(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_size_is_distinguished_from_a_variant() {
        let two = Some(HeapSize::LiveMultiple(2.0));
        assert_eq!(split_heap("gcbench@2x"), ("gcbench", two));
        assert_eq!(split_heap("trees@regions@2x"), ("trees@regions", two));
        assert_eq!(split_heap("trees@regions"), ("trees@regions", None));
        assert_eq!(split_heap("gcbench"), ("gcbench", None));
    }

    #[test]
    fn a_program_in_this_directory_is_run_from_it() {
        assert_eq!(runnable("native"), "./native");
        assert_eq!(runnable("target/release/native"), "target/release/native");
    }
}
