//! Units of the heap: granule, reference unit, block, address range.

use super::os::PAGE_BYTES;

/// Bytes of a granule, the unit in which objects are placed.
pub const GRANULE_BYTES: usize = 8;

/// Bytes per unit of a reference: a reference is the byte offset of its object divided by this.
pub(crate) const UNIT_BYTES: usize = GRANULE_BYTES / 2;

/// Bytes that references can address: 16 GiB.
pub(crate) const ADDRESSABLE_BYTES: u64 = 1 << 34;

/// Bytes of a block.
pub const BLOCK_BYTES: u32 = if cfg!(tiny) { PAGE_BYTES as u32 } else { 32 * 1024 };
/// Granules of a block.
pub(crate) const BLOCK_GRANULES: u32 = BLOCK_BYTES / GRANULE_BYTES as u32;
/// Units of a block.
pub(crate) const BLOCK_UNITS: u32 = BLOCK_BYTES / UNIT_BYTES as u32;
/// 64-bit words of a block's part of a bitmap.
pub(crate) const BLOCK_WORDS: usize = BLOCK_GRANULES as usize / 64;
