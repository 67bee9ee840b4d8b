//! Work sharing and termination of marking: the heap's own code (`Packets`), on two markers. The twins
//! count idle markers apart from packets, or end when one is idle.

use crate::{Plain, holds, is_refuted, on_two_threads};
use heap::{Heap, HeapConfig, Packet, Packets};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Node 1 refers to 2 and 3, node 2 to 4 and 5.
const CHILDREN: [&[u32]; 6] = [&[], &[2, 3], &[4, 5], &[], &[], &[]];

struct Marking {
    packets: Packets,
    marks: [Plain; CHILDREN.len()],
}

/// Marks from `edges` on, and offers the lowest if another marker waits.
fn mark(marking: &Marking, mut edges: Vec<u32>) {
    loop {
        if edges.len() > 1 && marking.packets.is_wanted() {
            let lowest = edges[0];
            if marking.packets.offer(&Packet::of([lowest])) {
                edges.remove(0);
            }
        }
        let Some(edge) = edges.pop() else { return };
        let node = edge as usize;
        assert_eq!(marking.marks[node].get(), 0, "an edge is traced twice");
        marking.marks[node].set(1);
        edges.extend(CHILDREN[node]);
    }
}

/// The packets of two markers that begin to trace.
fn begun() -> Packets {
    let packets = Packets::new(&Heap::new(HeapConfig::default()).expect("address space"), 2);
    packets.begin(2);
    packets
}

/// A marker that returns from the end of the trace must see all marks, since it reads them next.
fn see_all_marks(marking: &Marking) {
    let unmarked = marking.marks[1..].iter().filter(|mark| mark.get() == 0).count();
    assert_eq!(unmarked, 0, "the trace ends too early");
}

#[test]
fn two_markers_mark_everything_and_see_all_marks_at_the_end() {
    holds(|| {
        let marking = Marking { packets: begun(), marks: Default::default() };
        on_two_threads(marking, |marking, marker| {
            let mut packet = match marker {
                0 => Some(Packet::of([1])),
                _ => marking.packets.take_first(),
            };
            while let Some(edges) = packet {
                mark(marking, edges.words().to_vec());
                packet = marking.packets.take();
            }
            see_all_marks(marking);
        });
    });
}

/// A marker with edges that abandons the trace ends the other's wait.
#[test]
fn no_marker_waits_for_ever_when_another_panics() {
    holds(|| {
        on_two_threads(begun(), |packets, marker| match marker {
            0 => packets.abandon(),
            _ => assert!(packets.take_first().is_none()),
        });
    });
}

/// Checks for a packet under the lock, and counts itself idle after releasing it.
#[test]
fn idle_markers_counted_apart_from_packets_end_too_early() {
    is_refuted("an edge is left", || {
        let shared = (Mutex::new(None), AtomicU32::new(0));
        let (shared, ends) = on_two_threads(shared, |(packet, idle), marker| {
            if marker == 0 {
                *packet.lock().expect("not poisoned") = Some(1);
            } else if packet.lock().expect("not poisoned").take().is_some() {
                return false;
            }
            idle.fetch_add(1, SeqCst) == 1
        });
        let has_ended = ends[0] || ends[1];
        let left = shared.0.lock().expect("not poisoned").is_some();
        assert!(!(has_ended && left), "the trace has ended, and an edge is left");
    });
}
