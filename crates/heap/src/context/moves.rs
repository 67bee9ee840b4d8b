//! The objects that moved, for probes that key objects by address.
//!
//! A moving collector records every move in order; after the operation the mutator passes them to its
//! probe. Applied in this order they are correct even if an object moves to a place that another one has
//! just left. A timed cell has no such probe, and recording is then a test of one word.

use crate::memory::value::ObjectReference;

/// The moves since the last operation of the mutator, oldest first.
#[derive(Debug, Default)]
pub struct Moves {
    /// `None` unless moves are recorded.
    recorded: Option<Vec<(ObjectReference, ObjectReference)>>,
}

impl Moves {
    /// Records moves from now on.
    pub(crate) fn start_recording(&mut self) {
        self.recorded.get_or_insert_default();
    }

    /// Records that an object moved.
    #[inline(always)]
    pub fn record(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push((from, to));
        }
    }

    /// The recorded moves, as pairs of old and new place.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectReference, ObjectReference)> {
        self.recorded.iter().flatten().copied()
    }

    /// Removes and returns the recorded moves.
    pub fn take(&mut self) -> Vec<(ObjectReference, ObjectReference)> {
        self.recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_recorded_in_order_and_only_on_request() {
        let [a, b, c] = [2, 4, 6].map(ObjectReference::from_granule);
        let mut moves = Moves::default();
        moves.record(a, b);
        assert!(moves.take().is_empty(), "recording has not started");
        moves.start_recording();
        moves.record(b, a);
        moves.record(c, b);
        assert_eq!(moves.iter().collect::<Vec<_>>(), [(b, a), (c, b)]);
        assert_eq!(moves.take(), [(b, a), (c, b)]);
        assert!(moves.take().is_empty(), "moves are returned once");
    }
}
