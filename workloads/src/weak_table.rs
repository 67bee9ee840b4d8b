//! A table of notes about keys, whose ephemerons drop the notes about dead keys: after Whippet's tests
//! of ephemerons and finalizers, in which exactly half of all must be lost.
//!
//! 1. Make and number keys. Each gets a note that refers to its key and is the value of an ephemeron. A
//!    weak slot also refers to the key, and the key is registered for finalization.
//! 2. Drop every other key and request a collection.
//! 3. Now every other ephemeron and weak slot must be empty, and the rest full. The dropped keys leave
//!    the queue of finalizable objects in the order of their allocation, intact, and once.
//! 4. New keys take their places; the next round drops the other half.
//!
//! *Ownership*: an array owns the keys. Only its ephemeron keeps a note.
//!
//! *Separates*: disciplines with weak references from those without, and the cost of the table to a
//! collection, which scans all of it even if few keys are dead. A table of strong slots would leak all
//! notes.

use crate::program::Program;
use heap::{Collector, Ephemeral, Mutator, OutOfMemory, Own, Probe, Ref, Root, Shared, Slot, Weak};
use serde::Deserialize;

heap::shape! {
    /// The key of a note.
    struct Key { word NUMBER; }
}
heap::shape! {
    /// A note about a key. It refers to the key, but does not keep it alive.
    struct Note { shared KEY; word NUMBER; }
}

/// The program: its parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeakTable {
    /// Half of the keys: those dropped in one round.
    half: u32,
    /// Rounds.
    rounds: u32,
}

/// Sums over all rounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Found {
    /// Ephemerons with neither key nor value.
    emptied: u64,
    /// Empty weak slots.
    cleared: u64,
    /// Ephemerons with a key and its own note.
    kept: u64,
    /// Finalizable keys in ascending order of numbers.
    finalized: u64,
}

/// The three tables.
struct Tables {
    keys: Root,
    notes: Root,
    weak: Root,
}

impl Program for WeakTable {
    type Parameters = Self;

    fn prepare(parameters: Self, _: u64) -> Self {
        parameters
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let count = 2 * self.half;
        let tables = Tables {
            keys: m.alloc_array(Own, count, 0)?,
            notes: m.alloc_array(Ephemeral, 2 * count, 0)?,
            weak: m.alloc_array(Weak, count, 0)?,
        };
        let mut found = Found::default();
        m.phase("fill");
        for number in 0..count {
            tables.add(m, number, number)?;
        }
        m.phase("halve");
        for round in 0..self.rounds {
            let dying = (round % 2..count).step_by(2);
            for place in dying.clone() {
                let key = m.take(m.get(&tables.keys), Slot::element(place));
                key.into_iter().for_each(|key| m.drop(key));
            }
            m.collect();
            tables.count(m, count, &mut found);
            found.finalized += in_order(m);
            for place in dying {
                tables.add(m, place, (round + 1) * count + place)?;
            }
        }
        let Found { emptied, cleared, kept, finalized } = found;
        Ok(format!(
            "{emptied} ephemerons emptied, {cleared} weak slots cleared, {kept} kept; \
             {finalized} finalized in order"
        ))
    }
}

impl Tables {
    /// Makes a key and a note about it.
    fn add<C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        place: u32,
        number: u32,
    ) -> Result<(), OutOfMemory> {
        let key = m.alloc::<Key>()?;
        m.set_word(m.get(&key), Key::NUMBER, number.into());
        m.finalize(&key, number);
        m.put(m.get(&self.keys), Slot::element(place), key);
        let note = m.alloc::<Note>()?;
        let view = m.get(&note);
        let key = m.load(m.get(&self.keys), Slot::<Own>::element(place));
        m.set_word(view, Note::NUMBER, number.into());
        m.store(view, Note::KEY, key);
        let notes = m.get(&self.notes);
        m.store(notes, Slot::<Ephemeral>::key(place), key);
        m.store(notes, Slot::<Ephemeral>::value(place), view);
        m.store(m.get(&self.weak), Slot::<Weak>::element(place), key);
        m.drop(note);
        Ok(())
    }

    fn count<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, count: u32, found: &mut Found) {
        let (notes, weak) = (m.get(&self.notes), m.get(&self.weak));
        for place in 0..count {
            let pair = [Slot::key(place), Slot::value(place)].map(|slot| m.upgrade(notes, slot));
            found.cleared += u64::from(m.upgrade(weak, Slot::<Weak>::element(place)).is_none());
            match pair {
                [None, None] => found.emptied += 1,
                [Some(key), Some(note)] => found.kept += u64::from(is_about(m, note, key)),
                _ => {}
            }
        }
    }
}

/// Whether a note refers to this key and has its number.
fn is_about<C: Collector, P: Probe>(m: &Mutator<C, P>, note: Ref<'_>, key: Ref<'_>) -> bool {
    let refers = m.load::<Shared>(note, Note::KEY) == Some(key);
    refers && m.word(note, Note::NUMBER) == m.word(key, Key::NUMBER)
}

/// Takes all finalizable keys and counts those tagged with their own number and in ascending order.
fn in_order<C: Collector, P: Probe>(m: &mut Mutator<C, P>) -> u64 {
    let (mut finalized, mut last) = (0, None);
    while let Some((key, tag)) = m.finalizable() {
        let is_whole = m.word(m.get(&key), Key::NUMBER) == u64::from(tag);
        finalized += u64::from(is_whole && last < Some(tag));
        last = Some(tag);
        m.forget(key);
    }
    finalized
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};

    /// Half of the keys die in each round.
    fn expected(program: WeakTable) -> (String, Census) {
        let (half, rounds) = (u64::from(program.half), u64::from(program.rounds));
        let (dead, made) = (half * rounds, half * (2 + rounds));
        let array_bytes = |slots: u64| 16 + 4 * slots;
        let tables_bytes = array_bytes(2 * half) + array_bytes(4 * half) + array_bytes(2 * half);
        let (key_bytes, note_bytes) = (16, 8 + 8 + 8);
        let census = Census {
            objects: 3 + 2 * made,
            allocated_bytes: tables_bytes + made * (key_bytes + note_bytes),
            peak_live_bytes: tables_bytes + 2 * half * (key_bytes + note_bytes),
        };
        let answer = format!(
            "{dead} ephemerons emptied, {dead} weak slots cleared, {dead} kept; \
             {dead} finalized in order"
        );
        (answer, census)
    }

    #[test]
    fn the_suite_holds_half_of_all_keys() {
        literals::check("weak-table", |program, _| expected(program));
    }
}
