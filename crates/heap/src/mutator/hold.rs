//! Roots of programs: locals are assigned and given up; owned objects are dropped and freed.

use super::{Mutator, Ref};
use crate::collector::Collector;
use crate::context::roots::sealed::Place;
use crate::context::roots::{Global, Local, Root, Rooted};
use crate::memory::value::ObjectReference;
use crate::mutator::probe::Probe;

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// A local that refers to the object: a borrow to be kept across safepoints.
    #[inline(always)]
    pub fn local(&self, object: Ref<'_>) -> Local {
        self.collector.root_added(&self.cx, object.object);
        self.push_local(Some(object.object))
    }

    /// A local that refers to nothing yet.
    #[inline(always)]
    pub fn null_local(&self) -> Local {
        self.push_local(None)
    }

    /// Makes a local refer to another object, or to none.
    #[inline(always)]
    pub fn assign<'m>(&'m self, local: &Local, object: impl Into<Option<Ref<'m>>>) {
        self.assign_place(local, object.into());
    }

    /// Makes a global (a static variable) refer to another object, or to none.
    #[inline(always)]
    pub fn assign_global<'m>(&'m self, global: Global, object: impl Into<Option<Ref<'m>>>) {
        self.assign_place(&global, object.into());
    }

    #[inline(always)]
    pub(super) fn assign_place(&self, place: &impl Rooted, object: Option<Ref<'_>>) {
        let object = object.map(|object| object.object);
        if let Some(object) = object {
            self.collector.root_added(&self.cx, object);
            if P::ON {
                self.probe.rooted(place.index(), object);
            }
        }
        if let Some(old) = self.cx.roots.assign(place, object) {
            self.collector.root_removed_deferred(&self.cx, old);
        }
    }

    /// Gives a local up before its scope ends.
    #[inline(always)]
    pub fn forget(&mut self, local: Local) {
        self.settle();
        if !self.collector.caps().releases() {
            return self.cx.roots.vacate(&local);
        }
        let object = self.cx.roots.peek(local.index());
        self.cx.roots.vacate(&local);
        if let Some(object) = object {
            self.collector.root_removed(&mut self.cx, object, false);
        }
    }

    /// Takes a root off the stack and returns its object.
    #[inline(always)]
    pub(super) fn consume(&self, root: &Root) -> ObjectReference {
        let object = self.cx.roots.consume(root);
        if P::ON {
            self.probe.consumed(root.index(), object);
        }
        object
    }

    /// Drops an owned object.
    #[inline(always)]
    pub fn drop(&mut self, root: Root) {
        self.settle();
        let object = self.consume(&root);
        if P::ON {
            self.probe.ownership_ended(&self.heap, object);
        }
        if self.collector.caps().releases() {
            self.collector.root_removed(&mut self.cx, object, true);
        }
    }

    /// Frees an owned object explicitly: a drop, but for a discipline that frees only here.
    #[inline(always)]
    pub fn free(&mut self, root: Root) {
        self.settle();
        if P::ON && !self.inject_at_free(&root) {
            return;
        }
        let object = self.consume(&root);
        self.collector.free(&mut self.cx, object);
    }
}
