//! Setting a mark: bits, 64 objects to a word, or a byte for each object.
//!
//! `Bitmap::set` is a load and a store, for one marker. Two markers need a read-modify-write on bits;
//! on bytes a store is enough, if an object may be scanned twice.

use crate::{holds, is_refuted, on_two_threads};
use loom::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// Sets a bit; returns whether it was clear.
type SetBit = fn(&AtomicU64, u64) -> bool;

/// As `Bitmap::set`.
fn bit_by_load_and_store(word: &AtomicU64, bit: u64) -> bool {
    let old = word.load(Relaxed);
    if old & bit != 0 {
        return false;
    }
    word.store(old | bit, Relaxed);
    true
}

fn bit_by_fetch_or(word: &AtomicU64, bit: u64) -> bool {
    word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Relaxed) & bit == 0
}

/// Three neighbours: each marker reaches one of its own, and both reach the third.
fn two_markers_on_bits(set: SetBit) {
    let mark = |(word, set): &(AtomicU64, SetBit), marker: usize| {
        u32::from(set(word, 1 << marker)) + u32::from(set(word, 1 << 2))
    };
    let (shared, won) = on_two_threads((AtomicU64::new(0), set), mark);
    assert_eq!(shared.0.load(Relaxed), 0b111, "a mark is lost");
    assert_eq!(won[0] + won[1], 3, "an object is scanned twice");
}

#[test]
fn one_marker_needs_no_read_modify_write() {
    holds(|| {
        let word = AtomicU64::new(0);
        assert!((0..3).all(|object| bit_by_load_and_store(&word, 1 << object)));
        assert!((0..3).all(|object| !bit_by_load_and_store(&word, 1 << object)));
        assert_eq!(word.load(Relaxed), 0b111, "a mark is lost");
    });
}

#[test]
fn two_markers_set_bits_by_fetch_or() {
    holds(|| two_markers_on_bits(bit_by_fetch_or));
}

#[test]
fn two_markers_that_load_and_store_lose_a_neighbours_mark() {
    is_refuted("a mark is lost", || two_markers_on_bits(bit_by_load_and_store));
}

/// Sets a byte; returns whether it was clear.
type SetByte = fn(&AtomicU8) -> bool;

fn byte_by_store(byte: &AtomicU8) -> bool {
    let was_clear = byte.load(Relaxed) == 0;
    byte.store(1, Relaxed);
    was_clear
}

fn byte_by_swap(byte: &AtomicU8) -> bool {
    byte.load(Relaxed) == 0 && byte.swap(1, Relaxed) == 0
}

/// The same three neighbours. Returns the number of scans.
fn two_markers_on_bytes(set: SetByte) -> u32 {
    let mark = |(bytes, set): &([AtomicU8; 3], SetByte), marker: usize| {
        u32::from(set(&bytes[marker])) + u32::from(set(&bytes[2]))
    };
    let bytes = [AtomicU8::new(0), AtomicU8::new(0), AtomicU8::new(0)];
    let (shared, won) = on_two_threads((bytes, set), mark);
    assert!(shared.0.iter().all(|byte| byte.load(Relaxed) == 1), "a mark is lost");
    won[0] + won[1]
}

#[test]
fn two_markers_that_store_bytes_lose_no_mark() {
    holds(|| assert!((3..=4).contains(&two_markers_on_bytes(byte_by_store))));
}

#[test]
fn two_markers_that_store_bytes_may_scan_an_object_twice() {
    is_refuted("an object is scanned twice", || {
        assert_eq!(two_markers_on_bytes(byte_by_store), 3, "an object is scanned twice");
    });
}

#[test]
fn two_markers_that_swap_bytes_scan_each_object_once() {
    holds(|| assert_eq!(two_markers_on_bytes(byte_by_swap), 3));
}
