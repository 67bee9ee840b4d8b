//! The footprint of a heap, in parts that are each counted and never derived, and the bytes that objects
//! occupy.

/// Committed bytes, by part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Footprint {
    /// Blocks and runs of blocks in spaces, with or without an object in them.
    pub reserved_bytes: u64,
    /// Free blocks that stay committed.
    pub retained_bytes: u64,
    /// Side tables, root stacks, mark queues and logs.
    pub metadata_bytes: u64,
}

impl Footprint {
    /// The sum of the parts.
    pub fn total_bytes(self) -> u64 {
        self.reserved_bytes + self.retained_bytes + self.metadata_bytes
    }

    /// The sum of two footprints, part by part.
    pub fn plus(self, other: Self) -> Self {
        Self {
            reserved_bytes: self.reserved_bytes + other.reserved_bytes,
            retained_bytes: self.retained_bytes + other.retained_bytes,
            metadata_bytes: self.metadata_bytes + other.metadata_bytes,
        }
    }
}

/// The footprint at one moment, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FootprintSample {
    /// Bytes allocated so far.
    pub allocated_bytes: u64,
    /// Wall time since the start of the run, ns.
    pub at_ns: u64,
    /// The footprint.
    pub footprint: Footprint,
}

/// Exact live bytes at one moment, on both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveSample {
    /// Bytes allocated so far.
    pub allocated_bytes: u64,
    /// Wall time since the start of the run, ns.
    pub at_ns: u64,
    /// Bytes of reachable objects, headers included, before rounding to cells.
    pub live_bytes: u64,
}

/// Objects and the bytes of their cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Occupancy {
    /// Number of objects.
    pub objects: u64,
    /// Bytes of the cells (or runs of blocks, or chunks) that hold them.
    pub bytes: u64,
}

impl Occupancy {
    /// Adds `objects` of `bytes_each`.
    pub fn add(&mut self, objects: u64, bytes_each: u32) {
        self.objects += objects;
        self.bytes += objects * u64::from(bytes_each);
    }

    /// The sum of two spaces.
    pub fn plus(self, other: Self) -> Self {
        Self { objects: self.objects + other.objects, bytes: self.bytes + other.bytes }
    }
}
