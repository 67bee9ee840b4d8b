//! Finalizable objects: the program registers an object, and when it has become unreachable finds it in
//! a queue (as a *guardian* gives it: Dybvig, Bruggeman and Eby, "Guardians in a generation-based garbage
//! collector", PLDI 1993).
//!
//! Nothing of the program runs in a collection. So there are no finalizers that run at a bad time, on
//! another thread or never: the program asks when it suits it, and gets the object whole, with all
//! that it refers to. Objects that become unreachable together are ready together, in the order in
//! which they were registered. Each registration is for once.

use crate::memory::Memory;
use crate::memory::value::ObjectReference;
use crate::mutant;
use std::collections::VecDeque;

/// A registration: an object, and what the program wants to know it by.
type Entry = (ObjectReference, u32);

/// Objects registered for finalization, and those that are ready for it.
#[derive(Debug, Default)]
pub(super) struct Finalizers {
    watched: Vec<Entry>,
    ready: VecDeque<Entry>,
}

impl Finalizers {
    pub(super) fn register_finalizable(&mut self, object: ObjectReference, tag: u32) {
        self.watched.push((object, tag));
    }

    pub(super) fn poll_finalizable(&mut self) -> Option<Entry> {
        self.ready.pop_front()
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = Entry> {
        self.ready.iter().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.watched.is_empty() && self.ready.is_empty()
    }

    /// Keeps what is ready. Tells whether there is something to be traced.
    pub(super) fn reach_ready(
        &self,
        memory: Memory<'_>,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        let mut any = false;
        for (object, _) in self.ready() {
            if place(object).is_none() && !mutant!(memory, "a ready object is not kept") {
                reach(object);
                any = true;
            }
        }
        any
    }

    /// Keeps what was not reached, and makes it ready unless that is postponed. Tells whether there is
    /// something to be traced.
    pub(super) fn resurrect(
        &mut self,
        memory: Memory<'_>,
        postpones: bool,
        place: &impl Fn(ObjectReference) -> Option<ObjectReference>,
        mut reach: impl FnMut(ObjectReference),
    ) -> bool {
        if postpones {
            let unreached = self.watched.iter().filter(|&&(object, _)| place(object).is_none());
            let unreached: Vec<Entry> = unreached.copied().collect();
            unreached.iter().for_each(|&(object, _)| reach(object));
            return !unreached.is_empty();
        }
        let before = self.ready.len();
        let (again, backwards) = (
            mutant!(memory, "an object is finalized twice"),
            mutant!(memory, "finalizable objects come in another order"),
        );
        // All of them first: to reach one may reach others.
        self.watched.retain(|&(object, tag)| {
            let is_reached = place(object).is_some();
            if !is_reached && backwards {
                self.ready.insert(before, (object, tag));
            } else if !is_reached {
                self.ready.push_back((object, tag));
            }
            is_reached || again
        });
        if mutant!(memory, "a finalizable object is not resurrected") {
            return false;
        }
        self.ready.range(before..).for_each(|&(object, _)| reach(object));
        self.ready.len() > before
    }

    /// Follows what has moved.
    pub(super) fn update(&mut self, place: &impl Fn(ObjectReference) -> Option<ObjectReference>) {
        for (object, _) in self.watched.iter_mut().chain(&mut self.ready) {
            *object = place(*object).unwrap_or(*object);
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        ((self.watched.capacity() + self.ready.capacity()) * size_of::<Entry>()) as u64
    }
}
