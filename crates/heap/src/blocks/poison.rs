//! Poisons the parts of a block without objects for the address sanitizer: see [`crate::memory::asan`].

use crate::blocks::bitmap::Bitmap;
use crate::blocks::block::Block;
use crate::memory::Memory;
use crate::memory::asan::poison;
use crate::memory::units::{BLOCK_BYTES, BLOCK_GRANULES, GRANULE_BYTES, UNIT_BYTES};
use crate::memory::value::ObjectReference;
use crate::object::header::Extent;
use crate::object::size_class::CELL_BYTES;
use std::sync::atomic::Ordering::Relaxed;

/// Poisons blocks without objects.
#[inline(always)]
pub(crate) fn poison_blocks(memory: Memory<'_>, start: Block, count: u32) {
    let first = ObjectReference::from_granule(start.first_granule());
    poison(memory, first, u64::from(count) * u64::from(BLOCK_BYTES));
}

/// Poisons the freed cells of a size class that begin at the bits of `cells`, a part of word number `word`
/// of a bitmap.
#[inline(always)]
pub(crate) fn poison_cells(memory: Memory<'_>, word: u32, cells: u64, class: u8) {
    if cfg!(gcw_asan) {
        for bit in (0..u64::BITS).filter(|bit| cells >> bit & 1 == 1) {
            let cell = ObjectReference::from_granule(word * u64::BITS + bit);
            poison(memory, cell, u64::from(CELL_BYTES[usize::from(class)]));
        }
    }
}

/// Poisons a freed cell of a size class.
#[inline(always)]
pub(crate) fn poison_cell(memory: Memory<'_>, cell: ObjectReference, class: u8) {
    let granule = cell.granule();
    poison_cells(memory, granule / u64::BITS, 1 << (granule % u64::BITS), class);
}

/// Poisons the cells of a block that were allocated `before` a sweep and are not `after` it.
#[inline(always)]
pub(crate) fn poison_swept(
    memory: Memory<'_>,
    block: Block,
    [before, after]: [&Bitmap; 2],
    class: u8,
) {
    if cfg!(gcw_asan) {
        let words = before.block(block).iter().zip(after.block(block));
        for (word, (before, after)) in (block.first_granule() / u64::BITS..).zip(words) {
            let dead = before.load(Relaxed) & !after.load(Relaxed);
            poison_cells(memory, word, dead, class);
        }
    }
}

/// Poisons all of a block but the objects that begin at the bits of `kept`. Reads their headers.
#[inline(always)]
pub(crate) fn poison_between(memory: Memory<'_>, block: Block, kept: &Bitmap) {
    if cfg!(gcw_asan) {
        let mut freed = block.first_granule();
        let poison_to = |freed: u32, end: u32| {
            let bytes = u64::from(end - freed) * GRANULE_BYTES as u64;
            poison(memory, ObjectReference::from_granule(freed), bytes);
        };
        for object in kept.objects_in(block) {
            poison_to(freed, object.granule());
            let bytes = Extent::of(memory, object).bytes();
            freed = object.granule() + (bytes / GRANULE_BYTES as u64) as u32;
        }
        poison_to(freed, block.first_granule() + BLOCK_GRANULES);
    }
}

/// Poisons a block from `end`, the end of its last object as reference bits, on.
#[inline(always)]
pub(crate) fn poison_behind(memory: Memory<'_>, block: Block, end: u32) {
    let allocated_bytes = u64::from(end - (block.first_granule() << 1)) * UNIT_BYTES as u64;
    if let Some(end) = ObjectReference::from_bits(end) {
        poison(memory, end, u64::from(BLOCK_BYTES) - allocated_bytes);
    }
}
