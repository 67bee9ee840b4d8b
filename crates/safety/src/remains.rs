//! What lies in the cells: a copy of what the program wrote, which outlives the objects.
//!
//! Every allocator here zeroes what it hands out. To show what one would do that does not, a new
//! object gets back what the last one of its layout left in its cell; and of an object that its author
//! did not initialise, every word is known that is read before it is written.

use heap::{HEADER_BYTES, Heap, Layout, ObjectReference, Offset32};
use std::collections::HashMap;

/// The 32-bit words of a cell, from its header on.
#[derive(Debug, Default)]
struct Cell {
    bits: Vec<u32>,
    /// Which of them nobody has written since; empty unless that is of interest.
    unwritten: Vec<bool>,
}

/// The contents of all cells, as far as the program wrote them.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    cells: HashMap<ObjectReference, Cell>,
}

impl Remains {
    /// A new object moves in, and its author initialises it before anything is read.
    pub(crate) fn clear(&mut self, object: ObjectReference, layout: Layout) {
        let bits = vec![0; words(layout)];
        self.cells.insert(object, Cell { bits, unwritten: Vec::new() });
    }

    /// A new object moves in, and its author does not initialise it: it shows what its memory holds.
    pub(crate) fn expose(&mut self, heap: &Heap, object: ObjectReference, layout: Layout) {
        let words = words(layout);
        let bits = |word| heap.memory().read(object, Offset32::word(word as u32));
        let bits = (0..words).map(bits).collect();
        self.cells.insert(object, Cell { bits, unwritten: vec![true; words] });
    }

    /// The same, but it shows what an object of its layout has left there: given by word.
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

    /// An object moves, contents and all.
    pub(crate) fn relocate(&mut self, from: ObjectReference, to: ObjectReference) {
        if let Some(cell) = self.cells.remove(&from) {
            self.cells.insert(to, cell);
        }
    }

    /// Words of an object are written, from a byte offset on.
    pub(crate) fn write<const N: usize>(
        &mut self,
        object: ObjectReference,
        at_bytes: u32,
        bits: [u32; N],
    ) {
        debug_assert!(at_bytes >= HEADER_BYTES);
        let Some(cell) = self.cells.get_mut(&object) else { return };
        for (word, bits) in (at_bytes as usize / 4..).zip(bits) {
            // What is written through a stale reference may lie beyond the object that is there now.
            if let Some(known) = cell.bits.get_mut(word) {
                *known = bits;
            }
            if let Some(unwritten) = cell.unwritten.get_mut(word) {
                *unwritten = false;
            }
        }
    }

    /// What so many words show, if any of them is read before it was written.
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
    fn what_was_left_is_shown_until_it_is_written() {
        let object = somewhere();
        let mut remains = Remains::default();
        remains.clear(object, NODE);
        remains.write(object, 8, [7]);
        remains.write(object, 16, [1, 2]);
        assert_eq!(remains.uninitialised(object, 8, 1), None, "its author initialises it");
        let shown = remains.restore(object, NODE);
        let word = |index, bits| (Offset32::word(index), bits);
        assert_eq!(shown, [word(2, 7), word(3, 0), word(4, 1), word(5, 2)]);
        assert_eq!(remains.uninitialised(object, 8, 1), Some(7));
        assert_eq!(remains.uninitialised(object, 12, 1), Some(0));
        assert_eq!(remains.uninitialised(object, 16, 2), Some(2 << 32 | 1));
        remains.write(object, 8, [9]);
        assert_eq!(remains.uninitialised(object, 8, 1), None);
        remains.clear(object, NODE);
        assert!(remains.restore(object, NODE).iter().all(|&(_, bits)| bits == 0));
    }

    #[test]
    fn memory_that_was_never_used_shows_zeros() {
        let heap = Heap::new(HeapConfig::default()).expect("address space");
        let object = somewhere();
        let mut remains = Remains::default();
        remains.expose(&heap, object, NODE);
        assert_eq!(remains.uninitialised(object, 16, 2), Some(0));
    }
}
