//! The methods of [`crate::Collector`] that collectors of one kind write alike, as macros for use in an
//! `impl Collector` block. The rest of the block distinguishes a collector from the others.

/// Allocation, accounts and collection of a collector that traces.
///
/// `traced!(objects; marker; stop_and_collect)` allocates small objects in the space `objects` and calls
/// `self.alloc_slow` where it has no room; its parts are that space and the queue `marker`; it collects by
/// `self.stop_and_collect`, from [`crate::StopTheWorld`], or [`crate::InCycles::collect_at_once`].
#[macro_export]
macro_rules! traced {
    ($space:ident; $($queue:ident),*; $collect:ident) => {
        #[inline(always)]
        fn alloc(&mut self, cx: &mut $crate::Context, layout: $crate::Layout) -> $crate::AllocResult {
            self.$space.alloc(layout, Self::NEW).map_or_else(|| self.alloc_slow(cx, layout), Ok)
        }

        fn parts(&self) -> $crate::Parts<'_> {
            $crate::Parts::of([&self.$space], 0 $(+ self.$queue.metadata_bytes())*)
        }

        fn collect(&mut self, cx: &mut $crate::Context, cause: $crate::Cause) {
            self.$collect(cx, cause);
        }
    };
}

/// Allocation and accounts of a collector that frees one object after the other.
///
/// `freed_one_by_one!(objects; pending; regions)` allocates in the space `objects`, which grows up to the
/// limit; its parts are that space, `regions` if there are any, and the queue `pending` of a cascade.
#[macro_export]
macro_rules! freed_one_by_one {
    ($space:ident; $pending:ident $(; $regions:ident)?) => {
        #[inline(always)]
        fn alloc(&mut self, _: &mut $crate::Context, layout: $crate::Layout) -> $crate::AllocResult {
            self.$space.alloc_or_grow(layout, Self::NEW)
        }

        fn parts(&self) -> $crate::Parts<'_> {
            $crate::Parts::of([&self.$space $(, &self.$regions)?], self.$pending.committed_bytes())
        }
    };
}

/// Roots and owners under immediate counting, by `$count`.
///
/// An object whose count reaches zero is passed to `self.$free`, or parked in an operation that may not
/// reclaim. One that loses a reference and keeps others is passed to `self.$buffer`, if that is given, with
/// whether the reference was an owner's; a local or a global is none.
#[macro_export]
macro_rules! counted_roots {
    ($count:ident; $free:ident $(; $buffer:ident)?) => {
        #[inline(always)]
        fn owner_lost(&self, cx: &$crate::Context, object: $crate::ObjectReference) {
            if $count.decrement(cx.memory(), object) {
                cx.park(object);
            } $(else {
                self.$buffer(cx, object, true);
            })?
        }

        #[inline(always)]
        fn root_added(&self, cx: &$crate::Context, object: $crate::ObjectReference) {
            $count.increment(cx.memory(), object);
        }

        #[inline(always)]
        fn root_removed_deferred(&self, cx: &$crate::Context, object: $crate::ObjectReference) {
            if $count.decrement(cx.memory(), object) {
                cx.park(object);
            } $(else {
                self.$buffer(cx, object, false);
            })?
        }

        #[inline(always)]
        #[allow(unused_variables, reason = "without a buffer all roots are alike")]
        fn root_removed(
            &mut self,
            cx: &mut $crate::Context,
            object: $crate::ObjectReference,
            owned: bool,
        ) {
            if $count.decrement(cx.memory(), object) {
                self.$free(cx, object);
            } $(else {
                self.$buffer(cx, object, owned);
            })?
        }
    };
}

/// Beginning regions of `$regions` and allocating in them.
#[macro_export]
macro_rules! allocates_in_regions {
    ($regions:ident) => {
        fn region_begin(&mut self, _: &mut $crate::Context) -> u32 {
            self.$regions.begin()
        }

        #[inline(always)]
        fn region_alloc(
            &mut self,
            cx: &mut $crate::Context,
            region: u32,
            layout: $crate::Layout,
        ) -> $crate::AllocResult {
            self.$regions.alloc(region, layout, 0).ok_or_else(|| cx.heap.out_of_memory(layout))
        }
    };
}
