//! The command line of a native program: PROGRAM POINTER [N [RUN]].

use std::fmt;
use std::ops::RangeInclusive;

const USAGE: &str = "\
usage: native-ALLOCATOR PROGRAM POINTER [N [RUN]]
  PROGRAM  binary-trees  N = depth of the long-lived tree (16 unless given)
           gcbench       N = depth of the stretch tree (18 unless given)
  POINTER  box, rc, arc,
           bumpalo (a fresh arena per tree), bumpalo-reset (one arena, reset after each tree)
  RUN      the run in this process that is measured: 1, a cold one, unless given; from 2 on a warm one";

/// Runs of a process, at most.
const MOST_RUNS: u32 = 1000;

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// See [`super::binary_trees`].
    BinaryTrees,
    /// See [`super::gcbench`].
    Gcbench,
}

impl Program {
    const ALL: [Self; 2] = [Self::BinaryTrees, Self::Gcbench];

    /// The name on the command line and in records.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BinaryTrees => "binary-trees",
            Self::Gcbench => "gcbench",
        }
    }

    /// The published depth.
    fn default_n(self) -> u32 {
        match self {
            Self::BinaryTrees => 16,
            Self::Gcbench => 18,
        }
    }

    /// Depths with at least one round of short-lived trees whose memory an ordinary machine has.
    fn range(self) -> RangeInclusive<u32> {
        match self {
            Self::BinaryTrees => 4..=24,
            Self::Gcbench => 6..=24,
        }
    }
}

/// The owner of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointer {
    /// Its parent.
    Box,
    /// The counted references of one thread.
    Rc,
    /// The counted references of any thread.
    Arc,
    /// A fresh arena for its tree.
    Bumpalo,
    /// An arena reused by one tree after the other.
    BumpaloReset,
}

impl Pointer {
    /// All pointers.
    pub(super) const ALL: [Self; 5] =
        [Self::Box, Self::Rc, Self::Arc, Self::Bumpalo, Self::BumpaloReset];

    /// The name on the command line and in records.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Rc => "rc",
            Self::Arc => "arc",
            Self::Bumpalo => "bumpalo",
            Self::BumpaloReset => "bumpalo-reset",
        }
    }
}

/// The run that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Runs before it in the same process.
    pub(super) before: u32,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.before {
            0 => f.write_str("cold"),
            before => write!(f, "warm-{}", before + 1),
        }
    }
}

/// The job on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// The program.
    pub(super) program: Program,
    /// The pointer of its nodes.
    pub(super) pointer: Pointer,
    /// The depth of its trees.
    pub(super) n: u32,
    /// The run that is measured.
    pub(super) run: Turn,
}

/// Reads the arguments after the program's own name.
///
/// # Errors
/// A message with the expected form and the usage.
pub(super) fn parse(arguments: &[String]) -> Result<Job, String> {
    let [program, pointer, rest @ ..] = arguments else {
        return Err(format!("expected a program and a pointer\n{USAGE}"));
    };
    if rest.len() > 2 {
        return Err(format!("expected at most 4 arguments, got {}\n{USAGE}", arguments.len()));
    }
    let program = Program::ALL
        .into_iter()
        .find(|known| known.name() == program)
        .ok_or_else(|| format!("no program is called '{program}'\n{USAGE}"))?;
    let pointer = Pointer::ALL
        .into_iter()
        .find(|known| known.name() == pointer)
        .ok_or_else(|| format!("no pointer is called '{pointer}'\n{USAGE}"))?;
    let n = rest.first().map_or(Ok(program.default_n()), |n| number("N", n, program.range()))?;
    let run = rest.get(1).map_or(Ok(1), |run| number("RUN", run, 1..=MOST_RUNS))?;
    Ok(Job { program, pointer, n, run: Turn { before: run - 1 } })
}

fn number(name: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
        format!("{name} is '{text}', but must be from {} to {}", range.start(), range.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Job, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn depths_default_to_the_published_ones_and_runs_to_the_first() {
        let job =
            |program, pointer, n, before| Ok(Job { program, pointer, n, run: Turn { before } });
        assert_eq!(parse_words("binary-trees box"), job(Program::BinaryTrees, Pointer::Box, 16, 0));
        assert_eq!(parse_words("gcbench arc"), job(Program::Gcbench, Pointer::Arc, 18, 0));
        assert_eq!(
            parse_words("gcbench bumpalo-reset 14 6"),
            job(Program::Gcbench, Pointer::BumpaloReset, 14, 5)
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "a program and a pointer"),
            ("gcbench", "a program and a pointer"),
            ("gcbench box 18 1 1", "got 5"),
            ("gcbench box 18 0", "RUN is '0', but must be from 1 to 1000"),
            ("nboyer box", "no program is called 'nboyer'"),
            ("gcbench gc", "no pointer is called 'gc'"),
            ("gcbench box deep", "N is 'deep'"),
            ("gcbench box 5", "from 6 to 24"),
            ("binary-trees box 25", "from 4 to 24"),
        ] {
            let message = parse_words(line).unwrap_err();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
