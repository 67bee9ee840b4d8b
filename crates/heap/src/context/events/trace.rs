//! The trace of pauses: every one of them, as the gap since the last one and its length.
//!
//! Eight bytes a pause, in memory touched beforehand, so that logging a pause neither allocates nor
//! faults. A gap or a length of four seconds or more takes three entries.

/// Marks a gap or a length that does not fit an entry; two entries with its 64 bits follow.
const WIDE: (u32, u32) = (u32::MAX, u32::MAX);

/// All pauses of a run in order, or those before the memory for them was full.
#[derive(Debug)]
pub(super) struct PauseTrace {
    /// Gap and length in ns. **Invariant:** never longer than its capacity when it was made.
    entries: Vec<(u32, u32)>,
    dropped: u64,
}

impl PauseTrace {
    /// An empty trace with room for `capacity` pauses.
    pub(super) fn new(capacity: usize) -> Self {
        // Not zero, for which the system would give pages that are not there yet.
        let mut entries = vec![WIDE; capacity];
        entries.clear();
        Self { entries, dropped: 0 }
    }

    /// Forgets all pauses.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.dropped = 0;
    }

    /// Adds a pause. Once one has been dropped, all later ones are, for their gaps would be wrong.
    pub(super) fn push(&mut self, gap_ns: u64, length_ns: u64) {
        let entry = (low(gap_ns), low(length_ns));
        let is_wide = gap_ns.max(length_ns) >= u64::from(u32::MAX);
        let room = self.entries.capacity() - self.entries.len();
        if self.dropped > 0 || room < if is_wide { 3 } else { 1 } {
            self.dropped += 1;
        } else if is_wide {
            let high = (low(gap_ns >> 32), low(length_ns >> 32));
            self.entries.extend([WIDE, high, entry]);
        } else {
            self.entries.push(entry);
        }
    }

    /// (start, length) of each pause in ns, by the sum of all gaps and lengths before it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut entries = self.entries.iter().copied();
        let mut end_ns = 0;
        std::iter::from_fn(move || {
            let (mut gap, mut length) = wide((0, 0), entries.next()?);
            if (gap, length) == wide((0, 0), WIDE) {
                let high = entries.next()?;
                (gap, length) = wide(high, entries.next()?);
            }
            let start_ns = end_ns + gap;
            end_ns = start_ns + length;
            Some((start_ns, length))
        })
    }

    /// Number of pauses that found no room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn low(ns: u64) -> u32 {
    ns as u32
}

fn wide(high: (u32, u32), low: (u32, u32)) -> (u64, u64) {
    let join = |high, low| u64::from(high) << 32 | u64::from(low);
    (join(high.0, low.0), join(high.1, low.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: u64 = u32::MAX as u64;

    /// Pauses as (gap, length) and the same as (start, length).
    fn placed(pauses: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let mut end_ns = 0;
        let each = pauses.iter().map(|&(gap_ns, length_ns)| {
            end_ns += gap_ns + length_ns;
            (end_ns - length_ns, length_ns)
        });
        each.collect()
    }

    fn ns() -> impl Strategy<Value = u64> {
        prop_oneof![8 => 0..100_000u64, 1 => MAX - 2..=MAX + 2, 1 => 0..1u64 << 45]
    }

    proptest! {
        #[test]
        fn every_gap_and_length_is_kept(pauses in prop::collection::vec((ns(), ns()), 0..200)) {
            let mut trace = PauseTrace::new(600);
            pauses.iter().for_each(|&(gap_ns, length_ns)| trace.push(gap_ns, length_ns));
            prop_assert_eq!(trace.iter().collect::<Vec<_>>(), placed(&pauses));
            prop_assert_eq!(trace.dropped(), 0);
        }

        #[test]
        fn what_does_not_fit_is_counted_and_the_rest_is_exact(
            pauses in prop::collection::vec((ns(), ns()), 0..60), capacity in 0usize..50,
        ) {
            let mut trace = PauseTrace::new(capacity);
            pauses.iter().for_each(|&(gap_ns, length_ns)| trace.push(gap_ns, length_ns));
            let kept: Vec<_> = trace.iter().collect();
            prop_assert_eq!(&kept[..], &placed(&pauses)[..kept.len()]);
            prop_assert_eq!(trace.dropped(), (pauses.len() - kept.len()) as u64);
            prop_assert!(kept.len() >= pauses.len().min(capacity / 3));
        }
    }
}
