//! The bytes that the program wrote to each cell: they outlive the object.
//!
//! Every allocator here zeroes the memory that it hands out. To show the effect of one that does not, a new
//! object gets back the bytes that the last object of its layout left in its cell. For an object that
//! is left uninitialised, each word that is read before it is written is detected.

use heap::{HEADER_BYTES, Heap, Layout, ObjectReference, Offset32};
use std::collections::HashMap;

/// The 32-bit words of a cell, from its header on.
#[derive(Debug, Default)]
struct Cell {
    bits: Vec<u32>,
    /// The words not written since the allocation; empty for an object that is initialised.
    unwritten: Vec<bool>,
}

/// The contents of all cells, as far as the program wrote them.
#[derive(Debug, Default)]
pub(crate) struct StaleBytes {
    cells: HashMap<ObjectReference, Cell>,
}

impl StaleBytes {
    /// A new object is initialised before it is read.
    pub(crate) fn clear(&mut self, object: ObjectReference, layout: Layout) {
        let bits = vec![0; words(layout)];
        self.cells.insert(object, Cell { bits, unwritten: Vec::new() });
    }

    /// A new object is left uninitialised and shows the contents of its memory.
    pub(crate) fn expose(&mut self, heap: &Heap, object: ObjectReference, layout: Layout) {
        let words = words(layout);
        let bits = |word| heap.memory().read(object, Offset32::word(word as u32));
        let bits = (0..words).map(bits).collect();
        self.cells.insert(object, Cell { bits, unwritten: vec![true; words] });
    }

    /// A new object is left uninitialised and shows the bytes that an object of its layout left there.
    /// Returns the words to restore.
    pub(crate) fn restore(
        &mut self,
        object: ObjectReference,
        layout: Layout,
    ) -> Vec<(Offset32, u32)> {
        let first = (layout.header_bytes() / 4) as usize;
        let Some(cell) = self.cells.get_mut(&object) else { return Vec::new() };
        cell.unwritten = vec![true; cell.bits.len()];
        let words = cell.bits.iter().enumerate().skip(first);
        words.map(|(word, &bits)| (Offset32::word(word as u32), bits)).collect()
    }

    /// An object has moved with its contents.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(cell) = self.cells.remove(&from) {
            self.cells.insert(to, cell);
        }
    }

    /// `N` words of an object are written, from byte `at_bytes` on.
    pub(crate) fn write<const N: usize>(
        &mut self,
        object: ObjectReference,
        at_bytes: u32,
        bits: [u32; N],
    ) {
        debug_assert!(at_bytes >= HEADER_BYTES);
        let Some(cell) = self.cells.get_mut(&object) else { return };
        for (word, bits) in (at_bytes as usize / 4..).zip(bits) {
            // A write through a stale reference may lie beyond the object that is there now.
            if let Some(known) = cell.bits.get_mut(word) {
                *known = bits;
            }
            if let Some(unwritten) = cell.unwritten.get_mut(word) {
                *unwritten = false;
            }
        }
    }

    /// The bits of `words` words (at most two), if any of them is read before it is written.
    pub(crate) fn uninitialised(
        &self,
        object: ObjectReference,
        at_bytes: u32,
        words: usize,
    ) -> Option<u64> {
        let cell = self.cells.get(&object)?;
        let word = at_bytes as usize / 4;
        let unwritten = cell.unwritten.get(word..word + words)?;
        let bits = cell.bits.get(word..word + words)?;
        let shown = bits.iter().rev().fold(0, |all, &bits| all << 32 | u64::from(bits));
        unwritten.contains(&true).then_some(shown)
    }
}

fn words(layout: Layout) -> usize {
    layout.bytes() as usize / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use heap::{HeapConfig, Value};

    const NODE: Layout = Layout::shape(2, 0, 0, 1);

    fn somewhere() -> ObjectReference {
        Value::from_bits(1 << 16).reference().expect("even bits are a reference")
    }

    #[test]
    fn stale_bytes_are_shown_until_they_are_overwritten() {
        let object = somewhere();
        let mut bytes = StaleBytes::default();
        bytes.clear(object, NODE);
        bytes.write(object, 8, [7]);
        bytes.write(object, 16, [1, 2]);
        assert_eq!(bytes.uninitialised(object, 8, 1), None, "the object is initialised");
        let shown = bytes.restore(object, NODE);
        let word = |index, bits| (Offset32::word(index), bits);
        assert_eq!(shown, [word(2, 7), word(3, 0), word(4, 1), word(5, 2)]);
        assert_eq!(bytes.uninitialised(object, 8, 1), Some(7));
        assert_eq!(bytes.uninitialised(object, 12, 1), Some(0));
        assert_eq!(bytes.uninitialised(object, 16, 2), Some(2 << 32 | 1));
        bytes.write(object, 8, [9]);
        assert_eq!(bytes.uninitialised(object, 8, 1), None);
        bytes.clear(object, NODE);
        assert!(bytes.restore(object, NODE).iter().all(|&(_, bits)| bits == 0));
    }

    #[test]
    fn fresh_memory_shows_zeros() {
        let heap = Heap::new(HeapConfig::default()).expect("address space");
        let object = somewhere();
        let mut bytes = StaleBytes::default();
        bytes.expose(&heap, object, NODE);
        assert_eq!(bytes.uninitialised(object, 16, 2), Some(0));
    }
}
