//! Bump allocation between two bounds, and the walk over the objects that it placed.

use crate::memory::Memory;
use crate::memory::units::UNIT_BYTES;
use crate::memory::value::ObjectReference;
use crate::object::header::Extent;

/// A stretch of memory that is being allocated from. Empty at first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bump {
    /// Reference bits of the next object.
    pub(crate) next: u32,
    /// Reference bits of the end of the stretch. **Invariant:** the stretch does not touch block 0.
    pub(crate) limit: u32,
}

impl Bump {
    /// The place of a new object of `bytes`; `None` if the stretch has no room for it.
    #[inline(always)]
    pub(crate) fn bump(&mut self, bytes: u32) -> Option<ObjectReference> {
        let units = bytes / UNIT_BYTES as u32;
        if self.limit - self.next < units {
            return None;
        }
        // SAFETY: there is a stretch (no object is of no bytes), it does not touch block 0, and objects
        // are granular.
        let object = unsafe { ObjectReference::from_bits_unchecked(self.next) };
        self.next += units;
        Some(object)
    }
}

/// Bytes between two places, given as reference bits.
pub(crate) fn bytes_between(start: u32, end: u32) -> u64 {
    u64::from(end - start) * UNIT_BYTES as u64
}

/// The objects that lie one behind the other from `start` to `end`, given as reference bits.
pub(crate) fn objects_between(
    memory: Memory<'_>,
    start: u32,
    end: u32,
) -> impl Iterator<Item = ObjectReference> {
    // The end is no object: not even a header may be read there.
    let object = move |bits| ObjectReference::from_bits(bits).filter(|_| bits < end);
    std::iter::successors(object(start), move |&before| {
        let units = Extent::of(memory, before).bytes() / UNIT_BYTES as u64;
        object(before.bits().saturating_add(units as u32))
    })
}
