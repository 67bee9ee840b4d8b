//! Parallel mark-sweep: several threads mark while the program stands still (Endo, Taura and
//! Yonezawa, "A scalable mark-sweep garbage collector on large-scale shared-memory machines", SC 1997;
//! Flood, Detlefs, Shavit and Zhang, "Parallel garbage collection for shared memory multiprocessors",
//! JVM 2001; work packets: Ossia and others, "A parallel, incremental and concurrent GC for servers",
//! PLDI 2002).
//!
//! 1. *Trigger*: as in [`crate::MarkSweep`].
//! 2. *Push the roots and trace*: the program's thread begins alone. Once it has marked
//!    `parallel-threshold` objects, it starts helpers. All threads mark, each with a stack of its own; one
//!    that runs out of edges receives some from the others (see [`heap::ParallelMarker`]).
//! 3. *Fold*: marks are bytes while several threads set them. All threads convert them, block by block, to
//!    the bits that the sweep reads, and count them. The helpers end.
//! 4. *Process weak references*: as in [`crate::MarkSweep`]. Objects that only they keep are traced on one
//!    thread.
//! 5. *Sweep*, lazily: as in [`crate::MarkSweep`], on one thread.
//!
//! No barrier. It does the work of mark-sweep in a shorter pause if the graph is wide: a list is marked by
//! one thread. The mark bytes cost a sixteenth of the heap, once it is large enough for helpers. With
//! `threads-1` it is mark-sweep, and has none.
//!
//! Measured on 190 MB of random graph (`benches/benches/mark_parallel.rs`, on a busy machine): two
//! markers together need 0.98 of the CPU time of mark-sweep's single marker.
//!
//! A pause is measured in wall time and in CPU time of the program's thread, which sleeps while it waits
//! for helpers; their CPU time is part of that of the process.

use heap::contract::*;
use heap::{NonMovingSpace, PARALLEL_THRESHOLD, ParallelMarker, ParallelMarks, THREADS};

/// Traces the reachable objects on several threads and reclaims the others.
#[derive(Debug)]
pub struct MarkSweepParallel {
    objects: NonMovingSpace<ParallelMarks>,
    marker: ParallelMarker,
    sizer: Sizer,
}

impl Collector for MarkSweepParallel {
    const CAPS: Caps = Caps::TRACING;
    const PARAMETERS: &'static [Parameter] =
        &[THREADS, PARALLEL_THRESHOLD, PREFETCH, SIZER, GROWTH, PRICE];

    fn new(heap: &Heap, config: &Config) -> io::Result<Self> {
        let (threads, threshold) =
            (config.whole(&THREADS), config.whole(&PARALLEL_THRESHOLD) as u64);
        let marker = ParallelMarker::new(heap, config.whole(&PREFETCH), threads, threshold)?;
        let objects = NonMovingSpace::marked_by(heap, &marker)?;
        Ok(Self { objects, marker, sizer: Sizer::new(heap, config) })
    }

    traced!(objects; marker; stop_and_collect);
}

// ---- the algorithm ------------------------------------------------------------------------------

impl StopTheWorld for MarkSweepParallel {
    fn space_and_sizer(&mut self) -> (&mut dyn CollectedSpace, &mut Sizer) {
        (&mut self.objects, &mut self.sizer)
    }

    fn trace_and_reclaim(&mut self, cx: &mut Context, _: Cause) {
        cx.roots.to_mark().for_each(|root| self.marker.push(root.object));
        self.objects.trace_in_parallel(&mut self.marker);
        self.objects.trace_weak_serially(&mut self.marker, &mut cx.weak);
        self.sizer.reserve_queue(self.marker.metadata_bytes());
        self.objects.sweep();
        self.marker.shrink();
    }
}

impl Inspect for MarkSweepParallel {
    const THRESHOLDS: &'static [Parameter] = &[PARALLEL_THRESHOLD];

    fn threads(&self) -> u32 {
        self.marker.most_threads()
    }
}
