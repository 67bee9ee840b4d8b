//! Incremental marking and sweeping, and sticky marks, against the same model.

use super::*;
use std::collections::HashSet;

#[derive(Clone, Debug)]
enum Op {
    /// This many objects of a layout.
    Alloc(usize, u8),
    /// Begins to mark; new objects are born marked, or not.
    Start(bool),
    /// Marks about this many in 256.
    Mark(u8),
    BeginSweep,
    /// Sweeps this many blocks.
    Sweep(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..LAYOUTS.len(), 0u8..200).prop_map(|(layout, count)| Op::Alloc(layout, count)),
        2 => any::<bool>().prop_map(Op::Start),
        2 => any::<u8>().prop_map(Op::Mark),
        2 => Just(Op::BeginSweep),
        3 => (1u8..4).prop_map(Op::Sweep),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Idle,
    Marking { black: bool },
    Sweeping,
}

/// A model with incremental collections.
struct Sliced {
    model: Model<MarkBits>,
    phase: Phase,
    marked: HashSet<ObjectReference>,
}

impl Sliced {
    fn play(&mut self, op: &Op) {
        match (op, self.phase) {
            (&Op::Alloc(layout, count), phase) => {
                let before: HashSet<_> = self.model.live.keys().copied().collect();
                (0..count).for_each(|_| _ = self.model.alloc(LAYOUTS[layout]));
                if matches!(phase, Phase::Marking { black: true }) {
                    let new = self.model.live.keys().filter(|object| !before.contains(object));
                    self.marked.extend(new);
                }
            }
            (&Op::Start(black), Phase::Idle) => {
                if black {
                    self.model.space.begin_black();
                }
                self.phase = Phase::Marking { black };
            }
            (&Op::Mark(share), Phase::Marking { .. }) => self.mark(share),
            (Op::BeginSweep, Phase::Marking { .. }) => {
                self.model.space.begin_sweep();
                let live = self.model.live.keys().copied();
                let dead: Vec<_> = live.filter(|object| !self.marked.contains(object)).collect();
                dead.into_iter().for_each(|object| self.model.forget(object));
                self.phase = Phase::Sweeping;
            }
            (&Op::Sweep(most), Phase::Sweeping) => self.sweep(most),
            _ => {}
        }
        let allocated = |object| self.model.space.is_allocated(object);
        assert!(self.model.live.keys().all(|&object| allocated(object)));
    }

    fn sweep(&mut self, most: u8) {
        let has_more = self.model.space.sweep_some(u32::from(most));
        if !has_more {
            self.marked.clear();
            self.phase = Phase::Idle;
            self.model.check();
            assert_eq!(self.model.space.verify(), Ok(()));
        }
    }

    fn mark(&mut self, share: u8) {
        for &object in self.model.live.keys().filter(|&&object| is_chosen(object.granule(), share))
        {
            let is_new = self.model.space.shade(object);
            assert_eq!(is_new, self.marked.insert(object), "{object:?}");
            if is_new {
                let (_, mut count) = self.model.space.shading();
                count(object);
            }
        }
    }
}

proptest! {
    #[test]
    fn an_incremental_cycle_keeps_marked_and_new_objects(
        ops in proptest::collection::vec(op(), 1..60),
        limit_bytes in limits(4..40),
    ) {
        let mut sliced =
            Sliced { model: Model::new(limit_bytes), phase: Phase::Idle, marked: HashSet::new() };
        let to_the_end = [Op::BeginSweep, Op::Sweep(u8::MAX)];
        ops.iter().chain(&to_the_end).for_each(|op| sliced.play(op));
    }

    /// Minor collections mark some of the young objects, major ones some of all.
    #[test]
    fn sticky_marks_are_those_of_old_objects(
        rounds in proptest::collection::vec((0..LAYOUTS.len(), 0u8..200, any::<u8>(), 0..4), 1..30),
        limit_bytes in limits(4..40),
    ) {
        let mut model = Model::<StickyMarks>::new(limit_bytes);
        let mut old: HashSet<ObjectReference> = HashSet::new();
        for (layout, count, share, kind) in rounds {
            (0..count).for_each(|_| _ = model.alloc(LAYOUTS[layout]));
            if kind == 0 {
                model.space.clear_marks();
                old.clear();
            }
            for &object in model.live.keys() {
                let (_, mut mark) = model.space.marking();
                let chosen = is_chosen(object.granule(), share);
                if chosen {
                    prop_assert_eq!(mark(object), old.insert(object));
                }
            }
            model.space.sweep_unmarked();
            let live = model.live.keys().copied();
            let dead: Vec<_> = live.filter(|object| !old.contains(object)).collect();
            dead.into_iter().for_each(|object| model.forget(object));
            prop_assert_eq!(model.space.verify(), Ok(()));
            model.check();
        }
    }
}

#[test]
fn blocks_are_entered_up_to_the_credit() {
    let mut model = Model::<StickyMarks>::new(None);
    let layout = LAYOUTS[0];
    let cells = cells_per_block(usize::from(layout.class()));
    (0..4 * cells).for_each(|_| assert!(model.alloc(layout)));
    // One object is kept in each of four blocks.
    for &object in model.live.keys().filter(|o| o.granule().is_multiple_of(BLOCK_GRANULES)) {
        let (_, mut mark) = model.space.marking();
        mark(object);
    }
    model.space.sweep_unmarked();
    model.space.set_credit(1);
    let allocated = std::iter::from_fn(|| model.space.alloc(layout, 0)).count();
    assert_eq!(allocated as u32, cells - 1, "one block, then the credit is used up");
    assert_eq!(model.space.credit_bytes(), 1 - i64::from((cells - 1) * layout.bytes()));
    model.space.set_credit(u64::MAX);
    assert!(model.space.alloc(layout, 0).is_some());
}
