//! The sides of a duel: cells, or any programs that print a sample.

use crate::failure::Failure;
use crate::nearest::unknown;
use crate::profile::HEAP_DEFAULT;
use crate::registry::Registry;
use crate::{child, experiment, select};
use record::{Cell, CollectorInfo, Colour, Family, HeapSize, LineStyle, Mode, Size};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The sides of a duel, as a manifest holds them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sides {
    /// A cell for each; an external program has a collector of its own.
    pub(crate) cells: Vec<Cell>,
    /// Command lines of external programs, by collector.
    pub(crate) commands: BTreeMap<String, String>,
}

/// One side as read.
enum Side {
    /// A cell, in a fresh process of this program.
    Cell(Cell),
    /// A command line, given to the shell.
    External(String),
}

/// Colours of external programs: greys, for they belong to no family.
const GREYS: [(&str, &str); 5] = [
    ("#555555", "#bbbbbb"),
    ("#888888", "#dddddd"),
    ("#333333", "#999999"),
    ("#6e6e6e", "#cccccc"),
    ("#111111", "#eeeeee"),
];

impl Sides {
    /// Reads the sides of a command line.
    pub(crate) fn read(
        texts: &[String],
        registry: &Registry,
        suite: &str,
        size: Size,
    ) -> Result<Self, Failure> {
        let read = |text: &String| Side::read(text, registry, suite, size);
        let sides = texts.iter().map(read).collect::<Result<Vec<Side>, Failure>>()?;
        let workload = sides.iter().find_map(|side| match side {
            Side::Cell(cell) => Some(cell.workload.clone()),
            Side::External(_) => None,
        });
        let workload = workload.unwrap_or_else(|| "program".to_owned());
        let mut commands = BTreeMap::new();
        let mut cells: Vec<Cell> = Vec::new();
        for side in sides {
            let cell = match side {
                Side::Cell(cell) => cell,
                Side::External(line) => {
                    let collector = name_of_program(&line, &commands);
                    commands.insert(collector.clone(), line);
                    let (workload, heap) = (workload.clone(), HeapSize::Unlimited);
                    Cell { collector, workload, size, heap, mode: Mode::Time }
                }
            };
            if cells.contains(&cell) {
                let message = format!(
                    "{cell} stands on two sides; the control is a side against itself already"
                );
                return Err(Failure::Usage(message));
            }
            cells.push(cell);
        }
        Ok(Self { cells, commands })
    }

    /// The collectors that the kit can test.
    pub(crate) fn collectors(&self) -> Vec<&str> {
        let cells = self.cells.iter().filter(|cell| !self.commands.contains_key(&cell.collector));
        let mut names: Vec<&str> = cells.map(|cell| cell.collector.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A side as the user wrote it.
    pub(crate) fn name(&self, cell: &Cell) -> String {
        self.commands.get(&cell.collector).cloned().unwrap_or_else(|| cell.to_string())
    }

    /// The description of each collector and program, once.
    pub(crate) fn infos(&self, registry: &Registry) -> Vec<CollectorInfo> {
        let mut infos: Vec<CollectorInfo> = Vec::new();
        for (cell, (light, dark)) in self.cells.iter().zip(GREYS) {
            if infos.iter().any(|info| info.name == cell.collector) {
                continue;
            }
            let external = || CollectorInfo {
                name: cell.collector.clone(),
                family: Family::Control,
                summary: self.name(cell),
                capabilities: Vec::new(),
                colour: Colour { light: light.to_owned(), dark: dark.to_owned() },
                line: LineStyle::Solid,
                bounded: false,
            };
            let named = select::collectors(registry, std::slice::from_ref(&cell.collector));
            let known = named.ok().and_then(|infos| infos.into_iter().next());
            infos.push(known.unwrap_or_else(external));
        }
        infos
    }

    /// The command that runs a side once.
    pub(crate) fn command(&self, cell: &Cell, program: &Path, suite: &str) -> Command {
        experiment::command(program, &self.commands, suite, cell)
    }
}

/// `native:NAME` after the program that a command line starts, with a number if it is taken.
fn name_of_program(line: &str, taken: &BTreeMap<String, String>) -> String {
    let program = line.split_whitespace().next().unwrap_or("program");
    let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let numbered =
        |n: u32| if n == 1 { format!("native:{name}") } else { format!("native:{name}-{n}") };
    (1..).map(numbered).find(|name| !taken.contains_key(name)).unwrap_or_default()
}

impl Side {
    /// Reads a side: `COLLECTOR/WORKLOAD[@HEAP]` if both names are known, otherwise a command line
    /// (anything with a space) or the path of a program.
    fn read(text: &str, registry: &Registry, suite: &str, size: Size) -> Result<Self, Failure> {
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
