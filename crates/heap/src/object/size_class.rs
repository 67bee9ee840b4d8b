//! Cell sizes, and the pattern of cell starts in a block of each size.
//!
//! Up to 128 bytes every multiple of 8, then steps of at most an eighth, then block fractions: a
//! cell wastes at most 20 %, a block's tail less than a cell. Objects above half a block are large.

use crate::memory::units::{BLOCK_BYTES, BLOCK_GRANULES, BLOCK_WORDS, GRANULE_BYTES};

/// The smallest cell: a header and two slots.
pub(crate) const MIN_CELL_BYTES: u32 = 16;
/// The largest cell; anything bigger is a large object.
pub(crate) const MAX_CELL_BYTES: u32 = BLOCK_BYTES / 2;
/// Number of size classes.
pub(crate) const CLASSES: usize = CELL_BYTES.len();
/// The class of layouts that fit no cell.
pub(crate) const LARGE_CLASS: u8 = u8::MAX;

/// Cell size of each class, in bytes.
#[cfg(not(tiny))]
pub(crate) const CELL_BYTES: [u32; 44] = [
    16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, //
    144, 160, 176, 192, 208, 224, 240, 256, //
    288, 320, 352, 392, 448, 512, 584, 680, 776, 904, 1056, 1256, 1488, //
    1816, 2184, 2728, 3272, 4096, 5456, 8192, 16384,
];

/// Cell size of each class, in bytes, for a block of 4 KiB.
#[cfg(tiny)]
pub(crate) const CELL_BYTES: [u32; 34] = [
    16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, //
    144, 168, 184, 200, 224, 256, 288, 312, 336, 368, 408, 448, 512, 584, 680, 816, 1024, 1360,
    2048,
];

const GRANULES: usize = GRANULE_BYTES;

const CLASS_OF: [u8; MAX_CELL_BYTES as usize / GRANULES + 1] = {
    let mut table = [0; MAX_CELL_BYTES as usize / GRANULES + 1];
    let mut class = 0;
    let mut granules = 0;
    while granules < table.len() {
        if (granules * GRANULES) as u32 > CELL_BYTES[class] {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
};

/// The class of the smallest cells that hold `bytes`, or [`LARGE_CLASS`].
#[inline(always)]
pub(crate) const fn class_of(bytes: u32) -> u8 {
    if bytes > MAX_CELL_BYTES {
        LARGE_CLASS
    } else {
        CLASS_OF[bytes.div_ceil(GRANULES as u32) as usize]
    }
}

/// Number of cells in a block of this class.
#[inline]
pub(crate) const fn cells_per_block(class: usize) -> u32 {
    BLOCK_BYTES / CELL_BYTES[class]
}

/// One bit per granule of a block, set where a cell of the class starts.
pub(crate) static CELL_STARTS: [[u64; BLOCK_WORDS]; CLASSES] = {
    let mut patterns = [[0; BLOCK_WORDS]; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        let stride = CELL_BYTES[class] as usize / GRANULES;
        let mut granule = 0;
        while granule + stride <= BLOCK_GRANULES as usize {
            patterns[class][granule / 64] |= 1 << (granule % 64);
            granule += stride;
        }
        class += 1;
    }
    patterns
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_cell_that_holds_it() {
        for bytes in 0..=MAX_CELL_BYTES {
            let class = class_of(bytes) as usize;
            assert!(CELL_BYTES[class] >= bytes);
            assert!(class == 0 || CELL_BYTES[class - 1] < bytes);
        }
        assert_eq!(class_of(MAX_CELL_BYTES + 1), LARGE_CLASS);
    }

    #[test]
    fn cells_are_granular_and_waste_little() {
        for (class, &bytes) in CELL_BYTES.iter().enumerate() {
            assert_eq!(bytes as usize % GRANULE_BYTES, 0);
            let starts: u32 = CELL_STARTS[class].iter().map(|w| w.count_ones()).sum();
            assert_eq!(starts, cells_per_block(class));
            let tail = BLOCK_BYTES - starts * bytes;
            assert!(tail * 25 <= BLOCK_BYTES, "class of {bytes} bytes wastes a tail of {tail}");
        }
        for pair in CELL_BYTES.windows(2).filter(|pair| pair[0] <= BLOCK_BYTES / 10) {
            assert!(pair[1] * 4 <= pair[0] * 6, "{pair:?}");
        }
    }
}
