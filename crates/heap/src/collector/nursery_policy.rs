//! When a generational collector does a minor or a major collection, and the size of its nursery.
//!
//! A minor collection is worth its time if few objects survive it. Where most do, minor collections are
//! omitted for a number of cycles (from one major collection to the next): one, then two, then four, until
//! a cycle's minor collections are worth their time again.

use crate::collector::sizer::Sizer;
use crate::context::events::Cause;
use crate::memory::units::BLOCK_BYTES;
use crate::reclaim::nursery::WithNursery;
use crate::space::Space;

/// Maximum number of cycles without minor collections after a futile one.
const MAX_SKIPPED: u32 = 4;

/// A nursery takes at most one `ROOM_SHARE`th of the free memory: as much again is reserved for its copies.
const ROOM_SHARE: u64 = 2;

/// Without moving: a major collection is due when the bytes allocated since the last collection are less
/// than this share of those allocated after the last major one. With a nursery: when less than this share
/// of it was filled; a nursery below this share of its wanted size is not used, for many of its objects
/// would survive.
const MAJOR_SHARE: f64 = 0.5;

/// Minor collections that more than this share of the young bytes survive are futile.
const FUTILE_SURVIVAL: f64 = 0.8;

/// Cycles without minor collections.
#[derive(Debug, Default)]
struct Backoff {
    cycles_to_skip: u32,
    /// Cycles skipped after the last futile one.
    skipped: u32,
}

impl Backoff {
    /// A cycle has ended; `was_futile` is of its minor collections, `None` if it had none.
    fn cycle_ended(&mut self, was_futile: Option<bool>) {
        match was_futile {
            None => self.cycles_to_skip = self.cycles_to_skip.saturating_sub(1),
            Some(true) => {
                self.skipped = (self.skipped * 2).clamp(1, MAX_SKIPPED);
                self.cycles_to_skip = self.skipped;
            }
            Some(false) => self.skipped = 0,
        }
    }
}

/// The policy without a nursery: marked objects are old.
#[derive(Debug, Default)]
pub struct StickyPolicy {
    /// Bytes that survived the last collection.
    survived_bytes: u64,
    /// Bytes allocated between the last major collection and the one after it; `None` until then.
    available_bytes: Option<u64>,
    /// Minor collections since the last major one.
    minors: u32,
    backoff: Backoff,
}

impl StickyPolicy {
    /// Whether a minor collection would make too little room, with `allocated_bytes` allocated now.
    pub fn is_major_due(&mut self, allocated_bytes: u64) -> bool {
        let fresh_bytes = allocated_bytes.saturating_sub(self.survived_bytes);
        let available_bytes = *self.available_bytes.get_or_insert(fresh_bytes);
        self.backoff.cycles_to_skip > 0
            || (fresh_bytes as f64) < available_bytes as f64 * MAJOR_SHARE
    }

    /// A major collection is due. If a single minor one preceded it, that was futile: it made too little
    /// room for a second one.
    pub fn cycle_ends(&mut self) {
        self.backoff.cycle_ended((self.minors > 0).then_some(self.minors == 1));
    }

    /// A collection has ended, which `survived_bytes` survived.
    pub fn ended(&mut self, cause: Cause, survived_bytes: u64) {
        self.survived_bytes = survived_bytes;
        match cause {
            Cause::Young => self.minors += 1,
            _ => (self.available_bytes, self.minors) = (None, 0),
        }
    }
}

/// The policy of a nursery whose survivors are copied.
#[derive(Debug)]
pub struct NurseryPolicy {
    /// Maximum size of the nursery.
    nursery_bytes: u64,
    /// Bytes of the objects that were young since the last major collection, and of those that survived.
    young_bytes: u64,
    promoted_bytes: u64,
    backoff: Backoff,
}

impl NurseryPolicy {
    /// For a nursery of `nursery_bytes`, where twice that is free.
    pub fn new(nursery_bytes: u64) -> Self {
        Self { nursery_bytes, young_bytes: 0, promoted_bytes: 0, backoff: Backoff::default() }
    }

    /// Whether a minor collection would make too little room.
    pub fn is_major_due(&self, objects: &WithNursery) -> bool {
        let least_bytes = objects.nursery.reserved_bytes() as f64 * MAJOR_SHARE;
        (objects.nursery.allocated_bytes() as f64) < least_bytes.max(1.0)
    }

    /// A minor collection has copied `promoted_bytes` of `young_bytes`.
    pub fn minor_ended(&mut self, young_bytes: u64, promoted_bytes: u64) {
        self.young_bytes += young_bytes;
        self.promoted_bytes += promoted_bytes;
    }

    /// A major collection has ended a cycle: gives the empty nursery its share of the free memory.
    pub fn cycle_ended(&mut self, objects: &mut WithNursery, sizer: &Sizer) {
        let survived_share = self.promoted_bytes as f64 / self.young_bytes as f64;
        let was_futile = (self.young_bytes > 0).then_some(survived_share > FUTILE_SURVIVAL);
        self.backoff.cycle_ended(was_futile);
        (self.young_bytes, self.promoted_bytes) = (0, 0);
        self.size_nursery(objects, sizer);
    }

    /// Gives the empty nursery its share of the free memory, or none.
    pub fn size_nursery(&self, objects: &mut WithNursery, sizer: &Sizer) {
        let WithNursery { nursery, old } = objects;
        if self.backoff.cycles_to_skip > 0 {
            return nursery.resize(0, old);
        }
        let (before_bytes, reserved_bytes) = (nursery.reserved_bytes(), old.reserved_bytes());
        let available_bytes = old.heap().available_bytes() + before_bytes;
        let available_bytes = sizer.growth_bytes(reserved_bytes, available_bytes);
        let holes_bytes = reserved_bytes - old.allocated_bytes();
        // Cells are reserved by blocks, the last one of each class in part for nothing.
        let rounding_bytes = old.small.usable_classes() * u64::from(BLOCK_BYTES);
        let room_bytes = (available_bytes + holes_bytes).saturating_sub(rounding_bytes);
        let wanted_bytes = self.nursery_bytes.min(room_bytes / ROOM_SHARE);
        let bytes = wanted_bytes.min(available_bytes.max(before_bytes));
        let is_worth_having = bytes as f64 >= wanted_bytes as f64 * MAJOR_SHARE;
        nursery.resize(if is_worth_having { bytes } else { 0 }, old);
    }
}
