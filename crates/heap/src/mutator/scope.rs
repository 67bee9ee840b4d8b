//! Scopes, whose roots are dropped at their end, and regions, whose objects are freed at theirs.

use super::{Mutator, Region};
use crate::collector::Collector;
use crate::context::roots::sealed::Place;
use crate::context::roots::{Local, Root, RootEntry};
use crate::memory::budget::{AllocResult, OutOfMemory};
use crate::mutant;
use crate::mutator::probe::Probe;
use crate::object::header::{Layout, SlotKind};
use crate::object::shape::Shape;

impl<C: Collector, P: Probe> Mutator<C, P> {
    /// Runs `body` in a scope: objects that its roots own at the end are dropped.
    #[inline]
    pub fn scope<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.cx.roots.enter();
        let result = body(self);
        self.leave(outer);
        result
    }

    /// A scope that returns an owned object to the outer one.
    ///
    /// # Errors
    /// Those of `body`.
    #[inline]
    pub fn scope_returning<E>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<Root, E>,
    ) -> Result<Root, E> {
        let outer = self.cx.roots.enter();
        let object = body(self).map(|root| self.cx.roots.take_result(&root));
        self.leave(outer);
        object.map(|object| self.push_root(object))
    }

    #[inline]
    pub(super) fn leave(&mut self, outer: u32) {
        if self.collector.caps().releases() {
            self.settle();
            while let Some(RootEntry { object, owned }) = self.cx.roots.pop() {
                if P::ON && owned {
                    self.probe.ownership_ended(&self.heap, object);
                }
                self.collector.root_removed(&mut self.cx, object, owned);
            }
        }
        self.cx.roots.leave(outer);
    }

    /// Begins a region.
    #[inline]
    pub fn region(&mut self) -> Region {
        self.settle();
        Region { number: self.collector.region_begin(&mut self.cx) }
    }

    /// A new object in a region. The region owns it; the local must not outlive the region.
    ///
    /// # Errors
    /// As [`Mutator::alloc`].
    #[inline(always)]
    pub fn alloc_in<S: Shape>(&mut self, region: &Region) -> Result<Local, OutOfMemory> {
        let object = self.alloc_object_in(region, S::LAYOUT)?;
        if mutant!(self.heap.memory(), "a region's object is rooted as an owner") {
            let _ = self.push_root(object);
        }
        Ok(self.push_local(Some(object)))
    }

    /// A new object in a region into whose first shared slots the locals move.
    ///
    /// # Errors
    /// As [`Mutator::alloc`].
    #[inline(always)]
    pub fn build_in<S: Shape, const N: usize>(
        &mut self,
        region: &Region,
        shared: [Local; N],
    ) -> Result<Local, OutOfMemory> {
        const {
            assert!(
                N as u32 <= S::LAYOUT.slots_of(SlotKind::Shared),
                "fewer shared slots than locals"
            )
        };
        let object = self.alloc_object_in(region, S::LAYOUT)?;
        let first = S::LAYOUT.slots_of(SlotKind::Own);
        let local = self.cx.roots.replace_by_local(shared, object, |children| {
            self.fill(object, first, SlotKind::Shared, children);
        });
        if P::ON {
            self.probe.rooted(local.index(), object);
        }
        Ok(local)
    }

    #[inline(always)]
    pub(super) fn alloc_object_in(&mut self, region: &Region, layout: Layout) -> AllocResult {
        self.before_allocation(layout);
        if P::ON {
            self.end_region_early(region);
        }
        let object = self.collector.region_alloc(&mut self.cx, region.number, layout);
        self.after_allocation(object, layout)
    }

    /// Ends a region and frees its objects.
    #[inline]
    pub fn end_region(&mut self, region: Region) {
        self.settle();
        if self.collector.caps().regions {
            self.cx.log.begin_cascade();
            self.collector.region_end(&mut self.cx, region.number);
            self.cx.log.end_cascade();
        }
    }
}
