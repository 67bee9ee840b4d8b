//! The command line of a native program: PROGRAM POINTER [N].

use std::ops::RangeInclusive;

const USAGE: &str = "\
usage: native-ALLOCATOR PROGRAM POINTER [N]
  PROGRAM  binary-trees  N = depth of the long-lived tree (16 unless given)
           gcbench       N = depth of the stretch tree (18 unless given)
  POINTER  box, rc, arc,
           bumpalo (a fresh arena per tree), bumpalo-reset (one arena, reset after each tree)";

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

/// The job on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// The program.
    pub(super) program: Program,
    /// The pointer of its nodes.
    pub(super) pointer: Pointer,
    /// The depth of its trees.
    pub(super) n: u32,
}

/// Reads the arguments after the program's own name.
///
/// # Errors
/// A message with the expected form and the usage.
pub(super) fn parse(arguments: &[String]) -> Result<Job, String> {
    let (program, pointer, n) = match arguments {
        [program, pointer] => (program, pointer, None),
        [program, pointer, n] => (program, pointer, Some(n)),
        _ => return Err(format!("expected 2 or 3 arguments, got {}\n{USAGE}", arguments.len())),
    };
    let program = Program::ALL
        .into_iter()
        .find(|known| known.name() == program)
        .ok_or_else(|| format!("no program is called '{program}'\n{USAGE}"))?;
    let pointer = Pointer::ALL
        .into_iter()
        .find(|known| known.name() == pointer)
        .ok_or_else(|| format!("no pointer is called '{pointer}'\n{USAGE}"))?;
    let n = n.map_or(Ok(program.default_n()), |text| depth(text, program.range()))?;
    Ok(Job { program, pointer, n })
}

fn depth(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
        format!("N is '{text}', but must be a depth from {} to {}", range.start(), range.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Job, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn depths_default_to_the_published_ones() {
        let job = |program, pointer, n| Ok(Job { program, pointer, n });
        assert_eq!(parse_words("binary-trees box"), job(Program::BinaryTrees, Pointer::Box, 16));
        assert_eq!(parse_words("gcbench arc"), job(Program::Gcbench, Pointer::Arc, 18));
        assert_eq!(
            parse_words("gcbench bumpalo-reset 14"),
            job(Program::Gcbench, Pointer::BumpaloReset, 14)
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("", "got 0"),
            ("gcbench", "got 1"),
            ("gcbench box 18 19", "got 4"),
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
