//! Which objects have moved, for whoever remembers objects by their address.
//!
//! A collector that moves records every move as it makes it; after the operation the mutator hands them
//! to its probe. Taken in this order they are right even where an object goes to a place that another
//! one has just left. Nobody listens in a timed cell, and then recording is a test of one word.

use crate::memory::value::ObjectReference;

/// The moves since the last operation of the mutator, oldest first.
#[derive(Debug, Default)]
pub struct Moves {
    /// `None` unless somebody listens.
    heard: Option<Vec<(ObjectReference, ObjectReference)>>,
}

impl Moves {
    /// Keeps what is recorded from now on.
    pub fn listen(&mut self) {
        self.heard.get_or_insert_default();
    }

    /// An object has moved.
    #[inline(always)]
    pub fn record(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(heard) = &mut self.heard {
            heard.push((from, to));
        }
    }

    /// The moves, as pairs of the old place and the new one.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectReference, ObjectReference)> {
        self.heard.iter().flatten().copied()
    }

    /// Hands them out and forgets them.
    pub fn take(&mut self) -> Vec<(ObjectReference, ObjectReference)> {
        self.heard.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_kept_in_order_and_only_if_somebody_listens() {
        let [a, b, c] = [2, 4, 6].map(ObjectReference::from_granule);
        let mut moves = Moves::default();
        moves.record(a, b);
        assert!(moves.take().is_empty(), "nobody listened");
        moves.listen();
        moves.record(b, a);
        moves.record(c, b);
        assert_eq!(moves.iter().collect::<Vec<_>>(), [(b, a), (c, b)]);
        assert_eq!(moves.take(), [(b, a), (c, b)]);
        assert!(moves.take().is_empty(), "they are handed out once");
    }
}
