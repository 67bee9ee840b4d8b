//! Transfer of edges between markers, and detection of termination.
//!
//! 1. *Request*: a marker without edges counts itself idle and sleeps. So a marker that has plenty
//!    sees, by one word that is mostly in its cache, that another one waits.
//! 2. *Offer*: it puts a packet of edges here (work packets: Ossia and others, "A parallel, incremental
//!    and concurrent GC for servers", PLDI 2002). There are never more packets than idle markers, so
//!    packets take bounded memory, however large the graph.
//! 3. *End*: an idle marker has no edges. When all are idle and no packet is here, no edges are left,
//!    and all wake up. Idle markers and packets are counted under one lock, so no thread can see a
//!    packet in transit in neither place; and a marker that takes that lock at the end sees all marks
//!    of the others.
//!
//! A lock-free deque per marker (`crossbeam-deque`, say) would charge its memory to no heap, and need
//! a termination protocol of its own. Here the lock is taken once per packet, not per edge.

use crate::blocks::heap::Heap;
use crate::memory::sync::{self, AtomicU64, Condvar, Mutex, MutexGuard};
use crate::mutant;
use std::sync::atomic::Ordering::Relaxed;

/// Maximum edges of a packet: 2 KiB.
pub const PACKET_EDGES: usize = if cfg!(tiny) { 4 } else { 512 };

/// Whether the first packet of a thread waits until the thread has started: so tests with known bugs execute
/// the code of helpers on a machine that is too busy to start one in time. Otherwise any marker takes it.
const IS_PATIENT: bool = cfg!(any(tiny, feature = "mutants"));

/// Edges in transit from one marker to another.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    words: [u32; PACKET_EDGES],
    len: usize,
}

impl Packet {
    /// A packet of the first [`PACKET_EDGES`] of these words.
    pub fn of(words: impl IntoIterator<Item = u32>) -> Self {
        let mut packet = Self { words: [0; PACKET_EDGES], len: 0 };
        for (place, word) in packet.words.iter_mut().zip(words) {
            *place = word;
            packet.len += 1;
        }
        packet
    }

    /// The edges, as words.
    pub fn words(&self) -> &[u32] {
        &self.words[..self.len]
    }
}

/// The packets that a group of markers shares.
#[derive(Debug)]
pub struct Packets {
    shared: Mutex<Shared>,
    wake: Condvar,
    /// Idle markers without a packet: a hint that may be out of date.
    wanted: AtomicU64,
    heap: Heap,
    metadata_bytes: u64,
}

#[derive(Debug)]
struct Shared {
    /// **Invariant:** no more than there are idle markers.
    packets: Vec<Packet>,
    idle: usize,
    markers: usize,
    /// Idle markers that have not asked for their first packet.
    unstarted: usize,
    /// There are no edges left.
    is_over: bool,
}

impl Packets {
    /// No packets, for at most `markers` markers. Their memory is charged to the heap.
    pub fn new(heap: &Heap, markers: usize) -> Self {
        let packets: Vec<Packet> = Vec::with_capacity(markers.saturating_sub(1));
        let metadata_bytes = (packets.capacity() * size_of::<Packet>()) as u64;
        heap.budget().charge(metadata_bytes);
        let shared = Shared { packets, idle: 0, markers: 0, unstarted: 0, is_over: true };
        Self {
            shared: Mutex::new(shared),
            wake: Condvar::new(),
            wanted: AtomicU64::new(0),
            heap: heap.clone(),
            metadata_bytes,
        }
    }

    /// Begins with `markers` markers, of which one has edges. The others count as idle from now on, even
    /// those whose threads have not started yet.
    pub fn begin(&self, markers: usize) {
        let mut shared = sync::lock(&self.shared);
        shared.packets.clear();
        (shared.idle, shared.markers, shared.is_over) = (markers - 1, markers, false);
        shared.unstarted = markers - 1;
        self.hint(&shared);
    }

    /// Whether a marker waits for a packet.
    #[inline(always)]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed) > 0
    }

    /// Offers a packet; returns false if no marker is waiting.
    pub fn offer(&self, packet: &Packet) -> bool {
        let mut shared = sync::lock(&self.shared);
        let is_wanted = shared.packets.len() < shared.idle;
        if is_wanted {
            shared.packets.push(*packet);
            self.hint(&shared);
            drop(shared);
            self.wake.notify_one();
        }
        is_wanted
    }

    /// A packet for a marker that has no edges left; sleeps until there is one. `None` when no marker
    /// has edges.
    pub fn take(&self) -> Option<Packet> {
        let mut shared = sync::lock(&self.shared);
        shared.idle += 1;
        self.wait(shared)
    }

    /// The first packet of a marker that [`Packets::begin`] has counted idle.
    pub fn take_first(&self) -> Option<Packet> {
        let mut shared = sync::lock(&self.shared);
        shared.unstarted -= 1;
        self.wait(shared)
    }

    fn wait<'a>(&'a self, mut shared: MutexGuard<'a, Shared>) -> Option<Packet> {
        let early = usize::from(mutant!(self.heap.memory(), "markers end one too early"));
        loop {
            let reserved = if IS_PATIENT { shared.unstarted } else { 0 };
            if shared.packets.len() > reserved
                && let Some(packet) = shared.packets.pop()
            {
                shared.idle -= 1;
                self.hint(&shared);
                return Some(packet);
            }
            let is_last = shared.packets.is_empty() && shared.idle + early >= shared.markers;
            if shared.is_over || is_last {
                self.end(&mut shared);
                return None;
            }
            self.hint(&shared);
            shared = sync::wait(&self.wake, &self.shared, shared);
        }
    }

    /// Removes a marker that [`Packets::begin`] has counted idle and whose thread did not start.
    pub fn withdraw(&self) {
        let mut shared = sync::lock(&self.shared);
        shared.idle -= 1;
        shared.markers -= 1;
        shared.unstarted -= 1;
        self.hint(&shared);
    }

    /// Ends the trace when a marker's thread panics, so that no marker waits for it.
    pub fn abandon(&self) {
        self.end(&mut sync::lock(&self.shared));
    }

    fn end(&self, shared: &mut Shared) {
        shared.is_over = true;
        self.wanted.store(0, Relaxed);
        self.wake.notify_all();
    }

    fn hint(&self, shared: &Shared) {
        self.wanted.store((shared.idle - shared.packets.len()) as u64, Relaxed);
    }

    /// Bytes of the packets.
    pub fn metadata_bytes(&self) -> u64 {
        self.metadata_bytes
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.heap.budget().discharge(self.metadata_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::tests::heap;
    use std::thread;

    fn packets(markers: usize) -> Packets {
        Packets::new(&heap(), markers)
    }

    #[test]
    fn a_packet_is_accepted_only_if_a_marker_waits() {
        let packets = packets(2);
        packets.begin(2);
        assert!(packets.is_wanted());
        assert!(packets.offer(&Packet::of([2, 4])));
        assert!(!packets.is_wanted() && !packets.offer(&Packet::of([6])));
        assert_eq!(packets.take_first().unwrap().words(), [2, 4]);
        assert!(!packets.is_wanted() && !packets.offer(&Packet::of([6])));
    }

    #[test]
    fn a_packet_takes_the_words_that_fit() {
        let packet = Packet::of(0..2 * PACKET_EDGES as u32);
        assert_eq!(packet.words().len(), PACKET_EDGES);
    }

    #[test]
    fn the_trace_ends_when_the_last_marker_is_idle() {
        let packets = packets(3);
        packets.begin(3);
        assert!(packets.offer(&Packet::of([2])));
        thread::scope(|scope| {
            let helpers = [0, 1].map(|_| {
                scope.spawn(|| {
                    let mut packet = packets.take_first();
                    while packet.is_some() {
                        packet = packets.take();
                    }
                })
            });
            assert!(packets.take().is_none_or(|_| packets.take().is_none()));
            helpers.into_iter().for_each(|helper| helper.join().expect("it ends"));
        });
    }

    #[test]
    fn no_marker_waits_for_one_that_did_not_start_or_panicked() {
        let packets = packets(2);
        packets.begin(2);
        packets.withdraw();
        assert!(packets.take().is_none());
        packets.begin(2);
        thread::scope(|scope| {
            let other = scope.spawn(|| assert!(packets.take_first().is_none()));
            packets.abandon();
            other.join().expect("it does not wait");
        });
    }

    #[test]
    fn packets_are_charged_to_their_heap() {
        let heap = heap();
        let before = heap.budget().committed_bytes();
        let packets = Packets::new(&heap, 4);
        assert_eq!(heap.budget().committed_bytes(), before + packets.metadata_bytes());
        drop(packets);
        assert_eq!(heap.budget().committed_bytes(), before);
    }
}
