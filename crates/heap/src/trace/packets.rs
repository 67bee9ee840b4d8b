//! Handing edges from one marker to another, and knowing when there are none left.
//!
//! 1. *Ask*: a marker that has run out of edges counts itself idle and sleeps. So a marker that has
//!    plenty sees, by one word that is mostly in its cache, that somebody wants some.
//! 2. *Offer*: it puts a packet of them here (work packets: Ossia and others, "A parallel, incremental
//!    and concurrent GC for servers", PLDI 2002). There are never more packets than idle markers, so
//!    what is handed over takes bounded memory, however large the graph.
//! 3. *End*: an idle marker has no edges. When all are idle and no packet is here, there are no edges
//!    anywhere, and all wake up. Idle markers and packets are counted under one lock, so nobody can see
//!    a packet that is on its way in neither place; and whoever has passed that lock at the end sees
//!    all that the others have marked.
//!
//! A lock-free deque of each marker's own (`crossbeam-deque`, say) would have its memory charged to no
//! heap, and a protocol of its own for the end. Here the lock is taken once per packet, not per edge.

use crate::blocks::heap::Heap;
use crate::memory::sync::{self, AtomicU64, Condvar, Mutex, MutexGuard};
use crate::mutant;
use std::sync::atomic::Ordering::Relaxed;

/// The most edges of a packet: 2 KiB of them.
pub const PACKET_EDGES: usize = if cfg!(tiny) { 4 } else { 512 };

/// Edges on their way from one marker to another.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    words: [u32; PACKET_EDGES],
    len: usize,
}

impl Packet {
    /// A packet of these words, of which the first [`PACKET_EDGES`] count.
    pub fn of(words: impl IntoIterator<Item = u32>) -> Self {
        let mut packet = Self { words: [0; PACKET_EDGES], len: 0 };
        for (place, word) in packet.words.iter_mut().zip(words) {
            *place = word;
            packet.len += 1;
        }
        packet
    }

    /// What is in it.
    pub fn words(&self) -> &[u32] {
        &self.words[..self.len]
    }
}

/// The packets that a group of markers has on offer.
#[derive(Debug)]
pub struct Packets {
    shared: Mutex<Shared>,
    wake: Condvar,
    /// Idle markers for which no packet is here: a hint that may be out of date.
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
    /// There are no edges left.
    is_over: bool,
}

impl Packets {
    /// No packets, for at most so many markers. The memory for them is charged to the heap.
    pub fn new(heap: &Heap, markers: usize) -> Self {
        let packets: Vec<Packet> = Vec::with_capacity(markers.saturating_sub(1));
        let metadata_bytes = (packets.capacity() * size_of::<Packet>()) as u64;
        heap.budget().charge(metadata_bytes);
        let shared = Shared { packets, idle: 0, markers: 0, is_over: true };
        Self {
            shared: Mutex::new(shared),
            wake: Condvar::new(),
            wanted: AtomicU64::new(0),
            heap: heap.clone(),
            metadata_bytes,
        }
    }

    /// Begins with so many markers, of which one has edges. The others count as idle from now on, even
    /// those whose threads have not started yet.
    pub fn begin(&self, markers: usize) {
        let mut shared = sync::lock(&self.shared);
        shared.packets.clear();
        (shared.idle, shared.markers, shared.is_over) = (markers - 1, markers, false);
        self.hint(&shared);
    }

    /// Whether somebody wants a packet.
    #[inline(always)]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed) > 0
    }

    /// Offers a packet. Tells whether it was taken in: not if nobody wants it any more.
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
    /// has any.
    pub fn take(&self) -> Option<Packet> {
        let mut shared = sync::lock(&self.shared);
        shared.idle += 1;
        self.wait(shared)
    }

    /// The first packet of a marker that [`Packets::begin`] has counted idle.
    pub fn take_first(&self) -> Option<Packet> {
        self.wait(sync::lock(&self.shared))
    }

    fn wait<'a>(&'a self, mut shared: MutexGuard<'a, Shared>) -> Option<Packet> {
        let early = usize::from(mutant!(self.heap.memory(), "markers end one too early"));
        loop {
            if let Some(packet) = shared.packets.pop() {
                shared.idle -= 1;
                self.hint(&shared);
                return Some(packet);
            }
            if shared.is_over || shared.idle + early >= shared.markers {
                self.end(&mut shared);
                return None;
            }
            self.hint(&shared);
            shared = sync::wait(&self.wake, &self.shared, shared);
        }
    }

    /// One of those that [`Packets::begin`] has counted idle will not come.
    pub fn withdraw(&self) {
        let mut shared = sync::lock(&self.shared);
        shared.idle -= 1;
        shared.markers -= 1;
        self.hint(&shared);
    }

    /// A marker's thread panics: nobody must wait for it.
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
    use crate::blocks::heap::HeapConfig;
    use std::thread;

    fn packets(markers: usize) -> Packets {
        Packets::new(&Heap::new(HeapConfig::default()).unwrap(), markers)
    }

    #[test]
    fn a_packet_is_taken_in_only_if_somebody_wants_it() {
        let packets = packets(2);
        packets.begin(2);
        assert!(packets.is_wanted());
        assert!(packets.offer(&Packet::of([2, 4])));
        assert!(!packets.is_wanted() && !packets.offer(&Packet::of([6])));
        assert_eq!(packets.take_first().unwrap().words(), [2, 4]);
        assert!(!packets.is_wanted() && !packets.offer(&Packet::of([6])));
    }

    #[test]
    fn what_does_not_fit_is_not_in_a_packet() {
        let packet = Packet::of(0..2 * PACKET_EDGES as u32);
        assert_eq!(packet.words().len(), PACKET_EDGES);
    }

    #[test]
    fn it_is_over_when_the_last_one_has_nothing_left() {
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
    fn nobody_waits_for_a_marker_that_has_not_come_or_has_panicked() {
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
        let heap = Heap::new(HeapConfig::default()).unwrap();
        let before = heap.budget().committed_bytes();
        let packets = Packets::new(&heap, 4);
        assert_eq!(heap.budget().committed_bytes(), before + packets.metadata_bytes());
        drop(packets);
        assert_eq!(heap.budget().committed_bytes(), before);
    }
}
