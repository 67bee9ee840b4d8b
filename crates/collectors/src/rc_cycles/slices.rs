//! Trials of single possible roots, in slices: the part of the collector that is not in the paper.
//!
//! Most rings are found from one of their objects, within a bounded time. A root that reaches too much is given
//! up: it stays purple, at the bottom of the buffer, for a whole trial.

use super::{BLACK, COUNT, GREY, PURPLE, RcCycles, colour, mark_locals, paint, subtract};
use heap::contract::*;
use heap::{Cycle, Extent};

/// Objects visited in a slice, and slices that may make no room before a whole trial.
const SLICE: u32 = 1 << 12;
const SLICES: u32 = 8;

/// Slices that try as many possible roots as were buffered when they began: to the sizer, a collection.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Possible roots still to be tried.
    pub(super) left: u32,
    /// Bytes allocated when it began, and bytes that it has freed.
    allocated_bytes: u64,
    freed_bytes: u64,
}

impl RcCycles {
    /// A new object, after some slices or a whole trial if there is no room.
    #[cold]
    #[inline(never)]
    pub(super) fn alloc_slow(&mut self, cx: &mut Context, layout: Layout) -> AllocResult {
        let mut object = self.alloc_without_collecting(cx, layout);
        for _ in 0..SLICES {
            if object.is_some() || self.untried() == 0 {
                break;
            }
            self.advance_round(cx);
            object = self.alloc_without_collecting(cx, layout);
            // A slice frees cells of one size or another, and few whole blocks.
            object = self.objects.or_anywhere(object, layout, Self::NEW);
        }
        object.map_or_else(|| StopTheWorld::alloc_slow(self, cx, layout), Ok)
    }

    /// Possible roots that were not given up.
    fn untried(&self) -> u32 {
        self.possible_roots.len() - self.given_up
    }

    fn advance_round(&mut self, cx: &mut Context) {
        let (untried, allocated_bytes) = (self.untried(), self.objects.allocated_bytes());
        if self.round.left == 0 {
            let cause = self.cause();
            cx.log.collects(cause);
            // Those that are buffered meanwhile are tried first.
            let left = untried + untried / 4;
            self.round = Round { left, allocated_bytes, freed_bytes: 0 };
        }
        self.slice(cx);
        let left_bytes = self.objects.allocated_bytes();
        let round = &mut self.round;
        round.freed_bytes += allocated_bytes - left_bytes;
        round.left =
            round.left.saturating_sub((untried + self.given_up) - self.possible_roots.len());
        if round.left == 0 {
            // Only a whole trial can be futile: until one, what has been allocated adds up.
            let mut cycle =
                Cycle::ended(Cause::Requested, round.allocated_bytes, &self.objects, &cx.log);
            // What the program has allocated since the round began is no survivor.
            cycle.survived_bytes = round.allocated_bytes.saturating_sub(round.freed_bytes);
            let new_bytes = left_bytes.saturating_sub(cycle.survived_bytes);
            cycle.reserved_bytes = cycle.reserved_bytes.saturating_sub(new_bytes);
            self.sizer.collected(cycle);
        }
    }

    /// Tries one possible root after the other, those buffered last first.
    pub(super) fn slice(&mut self, cx: &mut Context) {
        let pause = cx.log.begin_pause();
        let mut left = SLICE;
        while left > 0
            && self.untried() > 0
            && let Some(root) = self.possible_roots.pop_object()
        {
            let mut visited = 1;
            if self.is_possible_root(cx.memory(), root) {
                visited = self.try_one(cx.memory(), root);
            }
            left = left.saturating_sub(visited);
        }
        mark_locals(cx);
        cx.log.end_pause(pause, PauseKind::Increment);
    }

    /// Leaves a root to a whole trial: moves it to the bottom of the buffer.
    fn give_up(&mut self, memory: Memory<'_>, root: ObjectReference) {
        if mutant!(memory, "a root that is given up is lost") {
            return;
        }
        paint(memory, root, PURPLE);
        self.possible_roots.push_object(root);
        let other = self.possible_roots.get(self.given_up);
        self.possible_roots.set(self.possible_roots.len() - 1, other);
        self.possible_roots.set(self.given_up, root.bits());
        self.given_up += 1;
    }

    /// Frees the garbage that the root reaches, or gives up if it reaches too much. Returns the number of
    /// objects visited.
    fn try_one(&mut self, memory: Memory<'_>, root: ObjectReference) -> u32 {
        paint(memory, root, GREY);
        self.tried.push_object(root);
        if self.mark_grey(memory, self.reach) {
            for object in self.tried.objects() {
                Self::scan(memory, &mut self.pending, object);
            }
            let tried = self.tried.objects();
            self.objects.free_all(tried.filter(|&object| colour(memory, object) == GREY));
        } else {
            self.give_up(memory, root);
        }
        let visited = self.tried.len();
        self.tried.truncate(0);
        visited
    }

    /// Subtracts the counts of all references between the objects that those in `tried` reach. If they are
    /// more than `most`, or an array that long is among them, all are as before, and black.
    fn mark_grey(&mut self, memory: Memory<'_>, most: u32) -> bool {
        let mut tried = self.tried.top();
        let mut scanned = 0;
        while let Some(object) = ObjectReference::from_bits(tried.get(scanned)) {
            let is_long = || Extent::of(memory, object).slots > most;
            if tried.len() > most || memory.is_extended(object) && is_long() {
                break;
            }
            subtract(memory, object, |child| tried.push_object(child));
            scanned += 1;
        }
        if scanned == tried.len() {
            return true;
        }
        for index in 0..tried.len() {
            let Some(object) = ObjectReference::from_bits(tried.get(index)) else { break };
            paint(memory, object, BLACK);
            if index < scanned {
                memory.children(object, Slots::All).for_each(|child| COUNT.restore(memory, child));
            }
        }
        false
    }
}
