//! The null block, where no object lies: the mutant of a heap, and the switches that were executed (see
//! [`super::mutant`]).

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const BITS: u32 = 16_384;

/// The layout of the start of the null block.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct NullBlock {
    chosen: AtomicU32,
    passed: [AtomicU32; (BITS / 32) as usize],
}

impl NullBlock {
    /// Two bits for each switch, at places given by its hash, so that two switches rarely share both.
    fn places(&self, mutant: u32) -> [(&AtomicU32, u32); 2] {
        let place = |bit: u32| (&self.passed[(bit % BITS / 32) as usize], 1 << (bit % 32));
        [place(mutant), place(mutant.rotate_left(16))]
    }

    #[inline(always)]
    pub(super) fn pass(&self, mutant: u32) -> bool {
        for (word, bit) in self.places(mutant) {
            word.fetch_or(bit, Relaxed);
        }
        self.chosen.load(Relaxed) == mutant
    }

    pub(crate) fn infect(&self, mutant: u32) {
        self.chosen.store(mutant, Relaxed);
    }

    pub(crate) fn has_passed(&self, mutant: u32) -> bool {
        self.places(mutant).iter().all(|(word, bit)| word.load(Relaxed) & bit != 0)
    }
}
