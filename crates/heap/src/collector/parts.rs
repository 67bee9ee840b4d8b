//! The parts of a collector: its spaces and its queues. Every account of it follows from them.

use crate::memory::footprint::{Footprint, Occupancy};
use crate::memory::value::ObjectReference;
use crate::space::Space;

/// Maximum number of spaces of a collector.
const MAX_SPACES: usize = 2;

/// The spaces of a collector, and the bytes of its queues and logs.
#[derive(Clone, Copy)]
pub struct Parts<'c> {
    spaces: [Option<&'c dyn Space>; MAX_SPACES],
    queue_bytes: u64,
}

impl<'c> Parts<'c> {
    /// These spaces, and queues and logs of `queue_bytes`.
    pub fn of<const N: usize>(spaces: [&'c dyn Space; N], queue_bytes: u64) -> Self {
        const { assert!(N <= MAX_SPACES) };
        Self { spaces: std::array::from_fn(|place| spaces.get(place).copied()), queue_bytes }
    }

    fn spaces(self) -> impl Iterator<Item = &'c dyn Space> {
        self.spaces.into_iter().flatten()
    }

    /// The parts of the footprint that the collector holds.
    pub fn footprint(self) -> Footprint {
        let metadata_bytes: u64 = self.spaces().map(|space| space.metadata_bytes()).sum();
        Footprint {
            reserved_bytes: self.spaces().map(|space| space.reserved_bytes()).sum(),
            retained_bytes: 0,
            metadata_bytes: metadata_bytes + self.queue_bytes,
        }
    }

    /// Objects not reclaimed, and the bytes that hold them.
    pub fn allocated(self) -> Occupancy {
        self.spaces().map(|space| space.allocated()).fold(Occupancy::default(), Occupancy::plus)
    }

    /// The bytes of [`Parts::allocated`], without counting the objects.
    pub fn allocated_bytes(self) -> u64 {
        self.spaces().map(|space| space.allocated_bytes()).sum()
    }

    /// Whether the object's memory is allocated to an object now.
    pub fn is_allocated(self, object: ObjectReference) -> bool {
        self.spaces().any(|space| space.is_allocated(object))
    }

    /// Checks the tables of every space. Slow: for tests.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn verify(self) -> Result<(), String> {
        self.spaces().try_for_each(|space| space.verify())
    }
}
