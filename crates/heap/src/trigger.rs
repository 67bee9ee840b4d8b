//! When a heap that is collected as a whole may grow instead, and when it counts as too small.

use crate::collector::Config;
use crate::heap::Heap;

/// The heap may always grow to this, whatever was live.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

/// After so many collections in a row that each made room for less than this share of the heap, the
/// heap counts as too small.
const FUTILE_COLLECTIONS: u32 = 8;
const FUTILE_SHARE: u64 = 500;

/// The sizing of a heap: by its limit alone where there is one, otherwise by a factor over what lived at
/// the last collection.
#[derive(Debug)]
pub struct Trigger {
    /// `None` where the limit decides.
    growth: Option<f64>,
    collect_at_bytes: u64,
    survived_bytes: u64,
    futile_collections: u32,
}

impl Trigger {
    /// The trigger of an empty heap.
    pub fn new(heap: &Heap, config: &Config) -> Self {
        let is_limited = heap.budget().limit_bytes() != u64::MAX;
        Self {
            growth: (!is_limited).then_some(config.growth),
            collect_at_bytes: if is_limited { u64::MAX } else { SMALLEST_HEAP_BYTES },
            survived_bytes: 0,
            futile_collections: 0,
        }
    }

    /// Whether a heap whose objects have so many bytes may grow without being collected first.
    pub fn may_grow(&self, filled_bytes: u64) -> bool {
        filled_bytes < self.collect_at_bytes
    }

    /// Before a collection of a heap with no room left: whether the last ones each made room for next to
    /// nothing, so that the program would spend its time collecting. Such a heap is too small, as it is
    /// if nothing is reclaimed.
    pub fn is_futile(&mut self, filled_bytes: u64) -> bool {
        let allocated_bytes = filled_bytes.saturating_sub(self.survived_bytes);
        let is_next_to_nothing = allocated_bytes < filled_bytes / FUTILE_SHARE;
        self.futile_collections = if is_next_to_nothing { self.futile_collections + 1 } else { 0 };
        self.futile_collections > FUTILE_COLLECTIONS
    }

    /// After a collection that left so many bytes of objects.
    pub fn collected(&mut self, survived_bytes: u64) {
        self.survived_bytes = survived_bytes;
        if let Some(growth) = self.growth {
            let room_bytes = survived_bytes as f64 * (growth - 1.0).max(0.0);
            self.collect_at_bytes = (survived_bytes + room_bytes as u64).max(SMALLEST_HEAP_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::HeapConfig;

    fn trigger(limit_bytes: Option<u64>) -> Trigger {
        let config = HeapConfig { limit_bytes, ..HeapConfig::default() };
        Trigger::new(&Heap::new(config).unwrap(), &Config { growth: 2.5, ..Config::default() })
    }

    #[test]
    fn without_a_limit_the_heap_grows_by_a_factor_of_what_survived() {
        let mut trigger = trigger(None);
        assert!(
            trigger.may_grow(SMALLEST_HEAP_BYTES - 1) && !trigger.may_grow(SMALLEST_HEAP_BYTES)
        );
        trigger.collected(10 << 20);
        assert!(trigger.may_grow((25 << 20) - 1) && !trigger.may_grow(25 << 20));
        trigger.collected(0);
        assert!(trigger.may_grow(SMALLEST_HEAP_BYTES - 1), "it never shrinks below the smallest");
    }

    #[test]
    fn with_a_limit_only_the_limit_stops_it() {
        let mut trigger = trigger(Some(1 << 20));
        trigger.collected(1);
        assert!(trigger.may_grow(u64::MAX - 1));
    }

    #[test]
    fn a_heap_that_hardly_gets_any_room_is_too_small_after_a_while() {
        let mut trigger = trigger(Some(1 << 20));
        for _ in 0..FUTILE_COLLECTIONS {
            trigger.collected(1_000_000);
            assert!(!trigger.is_futile(1_000_100));
        }
        assert!(trigger.is_futile(1_000_100));
        assert!(!trigger.is_futile(1_010_000), "there was room again");
    }
}
