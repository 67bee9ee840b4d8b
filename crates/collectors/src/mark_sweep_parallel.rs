//! Mark-sweep whose marking is done by several threads while the program stands still (Endo, Taura and
//! Yonezawa, "A scalable mark-sweep garbage collector on large-scale shared-memory machines", SC 1997;
//! Flood, Detlefs, Shavit and Zhang, "Parallel garbage collection for shared memory multiprocessors",
//! JVM 2001; work packets: Ossia and others, "A parallel, incremental and concurrent GC for servers",
//! PLDI 2002).
//!
//! 1. *Trigger*: as in [`crate::MarkSweep`].
//! 2. *Stop and mark*: the program's thread begins alone. Once it has marked so many objects that
//!    help is worth while (`alone`), it starts helpers, and all mark together, each with a stack of its
//!    own. Who runs out of edges is given some (see [`heap::ParallelMarker`]).
//! 3. *Fold*: marks are bytes while several set them. All threads turn them, block by block, into the
//!    bits that the sweep reads, and count them. The helpers end.
//! 4. *Weak slots, ephemerons, finalizable objects* are looked at (see [`heap::WeakTables`]). What only
//!    they keep is traced on one thread.
//! 5. *Classify* and *sweep lazily*: as in [`crate::MarkSweep`], on one thread.
//!
//! No barrier. It does what mark-sweep does, in a shorter pause if the graph is wide: a list is marked by
//! one thread. The mark bytes cost a sixteenth of the heap, once it is large enough for helpers. With
//! `threads-1` it is mark-sweep, and has none.
//!
//! Measured on 190 MB of random graph (`benches/benches/mark_parallel.rs`, on a busy machine): two
//! markers need together 0.98 of the CPU time that mark-sweep's needs alone.
//!
//! A pause is measured in wall time and in CPU time of the program's thread, which sleeps while it waits
//! for helpers; theirs is in the CPU time of the process.

use heap::{
    ALONE, Caps, Cause, Collector, Config, Context, GROWTH, Heap, Layout, ObjectReference,
    ObjectSpace, OutOfMemory, PREFETCH, PRICE, ParallelMarker, Parameter, SIZER, Sizer,
    StopTheWorld, THREADS, accounts,
};
use std::io;

/// Traces what is reachable on several threads and reclaims the rest.
#[derive(Debug)]
pub struct MarkSweepParallel {
    objects: ObjectSpace,
    marker: ParallelMarker,
    sizer: Sizer,
}

impl Collector for MarkSweepParallel {
    const CAPS: Caps = Caps { cycles: true, bounded: true, header_bytes: 4, ..Caps::WEAK };

    const PARAMETERS: &'static [Parameter] = &[THREADS, ALONE, PREFETCH, SIZER, GROWTH, PRICE];

    const THRESHOLDS: &'static [Parameter] = &[ALONE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let (threads, alone) = (config.whole(&THREADS), config.whole(&ALONE) as u64);
        let marker = ParallelMarker::new(heap, config.whole(&PREFETCH), threads, alone)?;
        Ok(Self {
            objects: ObjectSpace::with_marks_for(heap, &marker)?,
            marker,
            sizer: Sizer::new(heap, config),
        })
    }

    #[inline(always)]
    fn alloc(&mut self, cx: &mut Context, layout: Layout) -> Result<ObjectReference, OutOfMemory> {
        match self.objects.alloc(layout, 0) {
            Some(object) => Ok(object),
            None => self.alloc_slow(cx, layout),
        }
    }

    fn threads(&self) -> u32 {
        self.marker.most_threads()
    }

    fn collect(&mut self, cx: &mut Context, cause: Cause) {
        self.stop_and_collect(cx, cause);
    }

    accounts!(spaces: objects; queues: marker);
}

impl StopTheWorld for MarkSweepParallel {
    fn sizer(&mut self) -> &mut Sizer {
        &mut self.sizer
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context) {
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace_in_parallel(&mut self.marker);
        self.objects.trace_hidden_alone(&mut self.marker, &mut cx.weak);
        self.sizer.keep_free(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
    }

    fn used_bytes(&self) -> u64 {
        self.objects.used_bytes()
    }

    fn alloc_without_collecting(
        &mut self,
        layout: Layout,
        may_grow: bool,
    ) -> Option<ObjectReference> {
        self.objects.alloc_without_collecting(layout, may_grow)
    }

    fn alloc_after_collecting(&mut self, layout: Layout) -> Option<ObjectReference> {
        self.objects.alloc_after_collecting(layout)
    }
}
