//! Finalizable objects: the program registers an object, and polls it from a queue when it has become
//! unreachable (a *guardian*: Dybvig, Bruggeman and Eby, "Guardians in a generation-based garbage
//! collector", PLDI 1993).
//!
//! No program code runs in a collection. So there are no finalizers that run at a bad time, on another
//! thread or never: the program polls when it chooses, and gets the object with its descendants intact.
//! Objects that become unreachable together are ready together, in the order of their registration. A
//! registration is used once.

use super::Places;
use crate::memory::Memory;
use crate::memory::value::ObjectReference;
use crate::mutant;
use std::collections::VecDeque;

/// A registration: an object, and the tag by which the program identifies it.
type Entry = (ObjectReference, u32);

/// Objects registered for finalization, and ready objects.
#[derive(Debug, Default)]
pub(super) struct Finalizers {
    pub(super) registered: Vec<Entry>,
    pub(super) ready: VecDeque<Entry>,
}

impl Finalizers {
    pub(super) fn is_empty(&self) -> bool {
        self.registered.is_empty() && self.ready.is_empty()
    }

    /// Keeps ready objects alive. Returns whether there is an object to trace.
    pub(super) fn reach_ready(
        &self,
        memory: Memory<'_>,
        place: &impl Places,
        reach: &mut impl FnMut(ObjectReference),
    ) -> bool {
        let mut any = false;
        for &(object, _) in &self.ready {
            if place(object).is_none() && !mutant!(memory, "a ready object is not kept") {
                reach(object);
                any = true;
            }
        }
        any
    }

    /// Keeps unreached registered objects alive, and makes them ready unless this collection skips that.
    /// Returns whether there is an object to trace.
    pub(super) fn resurrect(
        &mut self,
        memory: Memory<'_>,
        skips: bool,
        place: &impl Places,
        mut reach: impl FnMut(ObjectReference),
    ) -> bool {
        if skips {
            let unreached = self.registered.iter().filter(|&&(object, _)| place(object).is_none());
            let unreached: Vec<Entry> = unreached.copied().collect();
            unreached.iter().for_each(|&(object, _)| reach(object));
            return !unreached.is_empty();
        }
        let before = self.ready.len();
        let (again, backwards) = (
            mutant!(memory, "an object is finalized twice"),
            mutant!(memory, "finalizable objects come in another order"),
        );
        // All of them first: reaching one may reach others.
        self.registered.retain(|&(object, tag)| {
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

    /// Updates references to moved objects.
    pub(super) fn update(&mut self, place: &impl Places) {
        for (object, _) in self.registered.iter_mut().chain(&mut self.ready) {
            *object = place(*object).unwrap_or(*object);
        }
    }

    /// Bytes of the tables.
    pub(super) fn bytes(&self) -> u64 {
        ((self.registered.capacity() + self.ready.capacity()) * size_of::<Entry>()) as u64
    }
}
