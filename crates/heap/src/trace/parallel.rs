//! Parallel marking in a pause.
//!
//! 1. *Serial phase*: the program's own thread marks first. A small heap is done before another thread
//!    could have started, and waking one for it costs more than it saves.
//! 2. *Parallel phase*: above [`PARALLEL_THRESHOLD`] objects, threads start, for this collection only.
//!    Each marker has a stack of its own, with a queue of prefetched edges before it as in
//!    [`crate::Marker`], and works depth first. A marker without edges requests some, and one with
//!    plenty gives the lower half of its stack, where the largest parts of the graph hang (see
//!    [`crate::Packets`]). A list has one edge at a time, and stays with its marker. Long arrays are
//!    scanned in pieces, and the rest of one is an edge like others.
//! 3. *Marks* are bytes in the parallel phase, so that no marker needs a read-modify-write (see
//!    `byte_map.rs`). Two that reach an object at the same moment both scan it, which does no harm:
//!    nothing is counted in this phase.
//! 4. *Fold*: at the end each marker takes block after block, turns its bytes into the bits that the
//!    sweep reads, and counts them (see `cells/parallel.rs`).
//!
//! After Endo, Taura and Yonezawa ("A scalable mark-sweep garbage collector on large-scale
//! shared-memory machines", SC 1997) and Flood, Detlefs, Shavit and Zhang ("Parallel garbage collection
//! for shared memory multiprocessors", JVM 2001), who steal; here the owner gives, so that only the
//! owner ever reads a stack.
//!
//! No thread outlives the collection, so none outlives the heap. If the system refuses one, the others
//! do its work.

use crate::blocks::byte_map::ByteMap;
use crate::blocks::heap::Heap;
use crate::memory::Memory;
use crate::memory::parameter::{Parameter, Values};
use crate::memory::stack::{Stack, Top};
use crate::memory::sync;
use crate::memory::value::{ObjectReference, Value};
use crate::mutant;
use crate::object::header::{Extent, Slots};
use crate::trace::mark::MAX_PREFETCH;
use crate::trace::packets::{PACKET_EDGES, Packet, Packets};
use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

/// Number of marking threads.
pub const THREADS: Parameter = Parameter {
    key: "threads",
    values: Values::Whole(0, MAX_THREADS as u64),
    default: 0.0,
    summary: "threads that mark, the program's own included; 0 for those that the machine runs at \
              once, at most 4",
};

/// Objects that one thread marks before others are worth starting.
pub const PARALLEL_THRESHOLD: Parameter = Parameter {
    key: "parallel-threshold",
    values: Values::Whole(1, 1 << 31),
    default: if cfg!(tiny) { 1.0 } else { 65_536.0 },
    summary: "objects that one thread marks before others join it",
};

const MAX_THREADS: usize = 16;
const DEFAULT_MAX_THREADS: usize = 4;

/// Capacities are small where tests exercise their limits.
const SMALL: bool = cfg!(any(tiny, feature = "mutants"));

/// Slots of an array that are scanned in one piece.
const PIECE_SLOTS: u32 = if SMALL { 16 } else { 1024 };

/// A marker with fewer edges gives none: a list would move to and fro.
const LEAST_TO_SHARE: u32 = if SMALL { 2 } else { 8 };

/// Objects between two polls for a waiting marker. The first periods are shorter.
const PERIOD: u32 = 128;

/// Bytes of a marking thread's own stack.
const THREAD_STACK_BYTES: usize = 256 << 10;

/// Markers that can work in parallel.
#[derive(Debug)]
pub struct ParallelMarker {
    markers: Vec<Marker>,
    packets: Packets,
    /// Objects marked before helpers start.
    parallel_threshold: u64,
    /// Maximum threads that have marked at once.
    most_threads: u32,
}

impl ParallelMarker {
    /// Markers for `threads` threads (see [`THREADS`]), of which the helpers start after `threshold`
    /// objects. Each prefetches `distance` edges ahead (rounded down to a power of two).
    ///
    /// # Errors
    /// If the operating system refuses address space for a stack.
    pub fn new(heap: &Heap, distance: usize, threads: usize, threshold: u64) -> io::Result<Self> {
        let threads = match threads {
            // Tests find the known bugs of helpers on a machine of one processor, too.
            0 if SMALL => 2,
            0 => thread::available_parallelism().map_or(1, |n| n.get().min(DEFAULT_MAX_THREADS)),
            given => given.min(MAX_THREADS),
        };
        let distance = 1 << distance.clamp(1, MAX_PREFETCH).ilog2();
        let marker = |_| Ok(Marker { stack: heap.queue()?, distance });
        Ok(Self {
            markers: (0..threads).map(marker).collect::<io::Result<_>>()?,
            packets: Packets::new(heap, threads),
            parallel_threshold: threshold,
            most_threads: 1,
        })
    }

    /// Adds an edge to trace from.
    #[inline(always)]
    pub fn push(&self, object: ObjectReference) {
        if let Some(first) = self.markers.first() {
            first.stack.push(object.bits());
        }
    }

    /// Whether there is more than one marker.
    pub(crate) fn has_helpers(&self) -> bool {
        self.markers.len() > 1
    }

    /// Objects marked before helpers start.
    pub(crate) fn parallel_threshold(&self) -> u64 {
        self.parallel_threshold
    }

    /// Maximum threads that have marked at once.
    pub fn most_threads(&self) -> u32 {
        self.most_threads
    }

    /// Traces on one thread until no edge is left or `threshold` objects are marked; returns whether no
    /// edge is left. For `is_marked` and `mark` see [`crate::Marker::trace`].
    pub(crate) fn trace_serially(
        &mut self,
        heap: &Heap,
        threshold: u64,
        is_marked: impl Fn(ObjectReference) -> bool,
        mark: impl FnMut(ObjectReference) -> bool,
    ) -> bool {
        let Some(first) = self.markers.first_mut() else { return true };
        first.trace(heap, is_marked, mark, |marked| marked >= threshold, |_| false, |_| false)
    }

    /// Traces the edges left on several threads. Each calls `fold` when all reachable objects are marked.
    pub(crate) fn trace_in_parallel(
        &mut self,
        heap: &Heap,
        marks: &ByteMap,
        fold: impl Fn() + Sync,
    ) {
        let Self { markers, packets, most_threads, .. } = self;
        let packets = &*packets;
        let help = |marker: &mut Marker| {
            let _guard = Guard(packets);
            if let Some(packet) = packets.take_first() {
                if !mutant!(heap.memory(), "the first packet is lost") {
                    packet.words().iter().for_each(|&word| marker.stack.push(word));
                }
                marker.trace_with_others(heap, marks, packets);
            }
            fold();
        };
        let help = &help;
        let Some((first, helpers)) = markers.split_first_mut() else { return };
        packets.begin(1 + helpers.len());
        thread::scope(|scope| {
            let start = |helper| {
                let thread = thread::Builder::new().name("marker".to_owned());
                let thread = thread.stack_size(THREAD_STACK_BYTES);
                let started = thread.spawn_scoped(scope, move || help(helper));
                started.inspect_err(|_| packets.withdraw()).ok()
            };
            let threads: Vec<_> = helpers.iter_mut().filter_map(start).collect();
            *most_threads = (1 + threads.len() as u32).max(*most_threads);
            let guard = Guard(packets);
            first.trace_with_others(heap, marks, packets);
            fold();
            drop(guard);
            // The end of the scope waits as well, but in a way that the thread sanitizer does not see.
            for thread in threads {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
    }

    /// Bytes of the stacks and packets.
    pub fn metadata_bytes(&self) -> u64 {
        let stacks = self.markers.iter().map(|marker| marker.stack.committed_bytes());
        stacks.sum::<u64>() + self.packets.metadata_bytes()
    }

    /// Returns the stacks' memory, all but a page each.
    pub fn shrink(&self) {
        self.markers.iter().for_each(|marker| marker.stack.shrink());
    }
}

/// Ends the trace if this thread panics, so that the others do not wait for it.
struct Guard<'p>(&'p Packets);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.abandon();
        }
    }
}

/// The marker of one thread.
#[derive(Debug)]
struct Marker {
    stack: Stack,
    /// Distance between prefetch and use: a power of two, 1 for no prefetching.
    distance: usize,
}

impl Marker {
    #[inline(never)]
    fn trace_with_others(&mut self, heap: &Heap, marks: &ByteMap, packets: &Packets) {
        self.trace(
            heap,
            |object| marks.test(object),
            |object| marks.set(object),
            |_| packets.is_wanted(),
            |edges| {
                edges.share(heap.memory(), packets);
                true
            },
            |edges| packets.take().is_some_and(|packet| edges.receive(heap.memory(), &packet)),
        );
    }

    /// Traces from the edges on the stack; returns whether none are left. `is_due` is polled with the
    /// number of objects marked; when it returns true, `give` gets all edges and may share some, or
    /// stops the trace by returning false. When there are no edges, `get` may find some.
    #[inline(always)]
    fn trace(
        &mut self,
        heap: &Heap,
        is_marked: impl Fn(ObjectReference) -> bool,
        mut mark: impl FnMut(ObjectReference) -> bool,
        is_due: impl Fn(u64) -> bool,
        mut give: impl FnMut(&mut Edges<'_>) -> bool,
        mut get: impl FnMut(&mut Edges<'_>) -> bool,
    ) -> bool {
        let (memory, mask) = (heap.memory(), MAX_PREFETCH - 1);
        let mut queue = [0; MAX_PREFETCH];
        let mut edges = Edges { top: self.stack.top(), floor: 0 };
        // **Invariant:** the queue holds the edges `[tail, head)`, at most `distance` of them.
        let (mut head, mut tail, mut marked) = (0usize, 0usize, 0);
        let (mut period, mut countdown) = (1, 0);
        loop {
            if countdown == 0 {
                if is_due(marked) {
                    (tail..head).for_each(|index| edges.top.push(queue[index & mask]));
                    tail = head;
                    if !give(&mut edges) {
                        return false;
                    }
                }
                sync::delay(marked);
                period = (2 * period).min(PERIOD);
                countdown = period;
            }
            while head - tail < self.distance {
                let Some(word) = edges.pop() else { break };
                match ObjectReference::from_bits(word) {
                    Some(object) if is_marked(object) => {}
                    Some(object) => {
                        memory.prefetch(object);
                        queue[head & mask] = word;
                        head += 1;
                    }
                    None => next_piece(memory, word >> 1, &mut edges),
                }
            }
            if head == tail || head == tail + 1 && mutant!(memory, "a marker forgets its queue") {
                if !get(&mut edges) {
                    return true;
                }
                (tail, period, countdown) = (head, 1, 0);
                continue;
            }
            if let Some(object) = ObjectReference::from_bits(queue[tail & mask])
                && mark(object)
            {
                marked += 1;
                scan(memory, object, &mut edges);
            }
            tail += 1;
            countdown -= 1;
        }
    }
}

/// The edges of a marker: those of its stack from `floor` on. Those below are given away.
struct Edges<'s> {
    top: Top<'s>,
    floor: u32,
}

impl Edges<'_> {
    #[inline(always)]
    fn pop(&mut self) -> Option<u32> {
        if self.top.len() > self.floor {
            return self.top.pop();
        }
        self.top.truncate(0);
        self.floor = 0;
        None
    }

    /// Gives the lower half to a waiting marker.
    #[cold]
    #[inline(never)]
    fn share(&mut self, memory: Memory<'_>, packets: &Packets) {
        let edges = self.top.len() - self.floor;
        if edges < LEAST_TO_SHARE {
            return;
        }
        let mut end = self.floor + (edges / 2).min(PACKET_EDGES as u32);
        // The number of a piece stays above its array.
        let is_torn = mutant!(memory, "an array is separated from its piece");
        if self.top.get(end) & 1 != 0 && !is_torn {
            end -= 1;
        }
        let packet = Packet::of((self.floor..end).map(|index| self.top.get(index)));
        if end > self.floor && packets.offer(&packet) {
            self.floor = end;
        }
    }

    fn receive(&mut self, memory: Memory<'_>, packet: &Packet) -> bool {
        let words = packet.words();
        let lost = usize::from(mutant!(memory, "the last edge of a packet is lost"));
        words[..words.len() - lost].iter().for_each(|&word| self.top.push(word));
        true
    }
}

#[inline(always)]
fn scan(memory: Memory<'_>, object: ObjectReference, edges: &mut Edges<'_>) {
    let Some(slots) = memory.ordinary_slots(object, Slots::All, Relaxed) else {
        return scan_piece(memory, object, 0, edges);
    };
    for child in slots {
        edges.top.push_if(child.is_reference(), child.bits());
    }
}

/// Scans a piece of the array below the slot number popped from the stack.
#[cold]
#[inline(never)]
fn next_piece(memory: Memory<'_>, start: u32, edges: &mut Edges<'_>) {
    if let Some(array) = edges.pop().and_then(ObjectReference::from_bits) {
        scan_piece(memory, array, start, edges);
    }
}

#[inline(never)]
fn scan_piece(memory: Memory<'_>, array: ObjectReference, start: u32, edges: &mut Edges<'_>) {
    let extent = Extent::of(memory, array);
    let end = extent.borrow_end.min(start.saturating_add(PIECE_SLOTS));
    if end < extent.borrow_end && !mutant!(memory, "only the first piece of an array is scanned") {
        edges.top.push(array.bits());
        edges.top.push(end << 1 | 1);
    }
    for index in start..end {
        let child = Value::from_bits(memory.read(array, extent.slot(index)));
        edges.top.push_if(child.is_reference(), child.bits());
    }
}

#[cfg(test)]
mod tests;
