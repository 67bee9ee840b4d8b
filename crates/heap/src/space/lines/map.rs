//! The line map of a block: a bit for each line in use, and the holes between them.

use crate::memory::units::BLOCK_BYTES;
use std::cell::Cell;
use std::ops::Range;

/// The shortest line, in bytes; a power of two, as every length of a line is.
pub(super) const SHORTEST_LINE_BYTES: u32 = 128;

/// Lines of a block of shortest lines.
const MOST_LINES: u32 = BLOCK_BYTES / SHORTEST_LINE_BYTES;
const WORDS: usize = MOST_LINES.div_ceil(64) as usize;

/// A bit for each line of a block, set where it is in use; none by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct LineMap([Cell<u64>; WORDS]);

impl LineMap {
    /// Sets the bits from the first to the last of these lines. For one thread at a time.
    #[inline(always)]
    pub(super) fn set(&self, first: u32, last: u32) {
        let (mut line, last) = (first, last.min(MOST_LINES - 1));
        while line <= last {
            let end = last.min(line | 63);
            let word = &self.0[line as usize / 64];
            word.set(word.get() | (!0 >> (63 - (end - line))) << (line % 64));
            line = end + 1;
        }
    }

    /// Sets the bits of those lines from `first` on that have one in `bits`; all lie under one word. For one
    /// thread at a time.
    #[inline(always)]
    pub(super) fn add(&self, first: u32, bits: u64) {
        let word = &self.0[first as usize / 64 % WORDS];
        word.set(word.get() | bits << (first % 64));
    }

    /// Clears all bits.
    pub(super) fn clear(&self) {
        self.0.iter().for_each(|word| word.set(0));
    }

    /// Whether a line is in use.
    pub(super) fn has(&self, line: u32) -> bool {
        self.0[line as usize / 64].get() >> (line % 64) & 1 != 0
    }

    /// The first hole that begins at line `from` or behind it, of a block of `lines` lines.
    #[inline(always)]
    pub(super) fn hole(&self, from: u32, lines: u32) -> Option<Range<u32>> {
        let start = self.find(from, lines, |word| !word);
        let end = self.find(start, lines, |word| word);
        (start < lines).then_some(start..end)
    }

    /// All holes.
    pub(super) fn holes(&self, lines: u32) -> impl Iterator<Item = Range<u32>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let hole = self.hole(from, lines)?;
            from = hole.end;
            Some(hole)
        })
    }

    /// The first line from `from` on whose bit is set in `choose` of its word; `lines` if there is none.
    #[inline(always)]
    fn find(&self, from: u32, lines: u32, choose: impl Fn(u64) -> u64) -> u32 {
        let mut line = from;
        while line < lines {
            let rest = choose(self.0[line as usize / 64].get()) >> (line % 64);
            if rest != 0 {
                return lines.min(line + rest.trailing_zeros());
            }
            line = (line | 63) + 1;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holes_are_the_lines_that_no_run_covers(
            runs in proptest::collection::vec((0..MOST_LINES, 0u32..90), 0..12),
            halves: bool,
        ) {
            let lines = if halves { MOST_LINES / 2 } else { MOST_LINES };
            let map = LineMap::default();
            let mut model = vec![false; MOST_LINES as usize];
            for (first, more) in runs {
                map.set(first, first + more);
                let end = (first + more + 1).min(MOST_LINES);
                model[first as usize..end as usize].fill(true);
            }
            let mut found = vec![true; lines as usize];
            let mut before = None;
            for hole in map.holes(lines) {
                prop_assert!(before.is_none_or(|end| end < hole.start), "two holes touch");
                prop_assert_eq!(map.hole(hole.start, lines), Some(hole.clone()));
                prop_assert_eq!(map.hole(hole.end, lines).is_none_or(|next| next.start > hole.end), true);
                before = Some(hole.end);
                hole.clone().for_each(|line| assert!(!map.has(line)));
                found[hole.start as usize..hole.end as usize].fill(false);
            }
            prop_assert_eq!(found, &model[..lines as usize]);
            map.clear();
            prop_assert_eq!(map, LineMap::default());
        }
    }
}
