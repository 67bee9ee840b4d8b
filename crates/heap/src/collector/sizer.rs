//! When a tracing collector collects, and how far its heap may grow: the heap sizing policies.
//!
//! 1. *Fixed*: the heap limit decides. Where there is none, proportional.
//! 2. *Proportional*: the heap may grow by a factor of the bytes that survived (`growth`).
//! 3. *MemBalancer* (Kirisame, Shenoy and Panchekha, "Optimal Heap Limits for Reducing Browser Memory
//!    Use", OOPSLA 2022): L live bytes get a limit of L + sqrt(L g / (c s)), where g is the rate of
//!    allocation, s the speed of collection, and c the price of memory (`price`). There the sum of
//!    L g / (s E), the time of collections relative to that of the program, and c E, for the room E between
//!    collections, is least. g and s are smoothed: amounts and times each by an exponential
//!    mean with the weights of the paper, but once per collection, for there is no heartbeat here.
//!
//! A limit, where there is one, binds under all of them. Two rules keep a full heap usable: some room is
//! left for sizes that were never allocated and for the mark queue ([`Sizer::may_grow`]), and a heap
//! whose collections reclaim next to nothing is too small ([`Sizer::overhead_limit_exceeded`]).
//!
//! Growth is counted in blocks, on top of those that a collection leaves: in a fragmented heap they
//! exceed the live bytes. No clock is read here; times come from the event log.

use crate::blocks::heap::Heap;
use crate::collector::config::Config;
use crate::context::events::{Cause, EventLog};
use crate::memory::parameter::{Parameter, Values};
use crate::memory::units::BLOCK_BYTES;
use crate::space::CollectedSpace;

/// Which policy sizes the heap.
pub const SIZER: Parameter = Parameter {
    key: "sizer",
    values: Values::Words(&["fixed", "proportional", "membalancer"]),
    default: 0.0,
    summary: "when to collect: at the heap limit (without one, as proportional), at a multiple of \
              the live size, or by the MemBalancer rule",
};

/// How far a heap grows under the proportional policy.
pub const GROWTH: Parameter = Parameter {
    key: "growth",
    values: Values::Real(1.1, 16.0),
    default: 2.0,
    summary: "collect when the heap is this multiple of the live size after the last collection; \
              implies sizer-proportional",
};

/// The price of memory under MemBalancer.
pub const PRICE: Parameter = Parameter {
    key: "price",
    values: Values::Real(0.001, 1e6),
    default: 32.0,
    summary: "price of a GiB of heap, as a multiple of the program's time; implies \
              sizer-membalancer",
};

/// The heap may always grow to this size.
const SMALLEST_HEAP_BYTES: u64 = 4 << 20;

/// Room left for objects for which a collection frees no cell, such as the first of their size.
/// Without it, the sizes that a program allocates first would take the whole heap.
const RESERVE_BYTES: u64 = 2 * BLOCK_BYTES as u64;

/// The heap is too small after more collections in a row than this that each made room for less than a
/// `FUTILE_SHARE`th of it.
const FUTILE_COLLECTIONS: u32 = 8;
const FUTILE_SHARE: u64 = 500;

/// Weights of the past in the smoothed rates (section 5 of the paper).
const ALLOCATION_INERTIA: f64 = 0.95;
const COLLECTION_INERTIA: f64 = 0.5;

const BYTES_PER_GIB: f64 = (1u64 << 30) as f64;

/// Decides when a collector collects.
#[derive(Debug)]
pub struct Sizer {
    policy: Policy,
    /// Bytes of blocks up to which spaces grow without collecting first.
    collect_at_bytes: u64,
    /// Peak of the mark queue: kept free, for marking cannot be refused memory.
    queue_peak_bytes: u64,
    /// Bytes of cells that survived the last collection.
    survived_bytes: u64,
    /// Bytes allocated between the last collection for want of room and the last one of any cause.
    fresh_bytes: u64,
    /// Collections in a row that made room for next to nothing.
    futile_collections: u32,
    /// When the last collection ended, and the time spent in collections until then, ns.
    ended_ns: u64,
    collecting_ns: u64,
}

/// A policy and its state.
#[derive(Debug)]
enum Policy {
    Fixed,
    /// As a multiple of the live size.
    Proportional {
        growth: f64,
    },
    /// The price is c, per byte.
    MemBalancer {
        price: f64,
        allocation: Rate,
        collection: Rate,
    },
}

/// A collection that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// Why it happened.
    pub cause: Cause,
    /// Bytes of cells that were allocated when it began.
    pub allocated_bytes: u64,
    /// Bytes of cells that survived it.
    pub survived_bytes: u64,
    /// Bytes of blocks that are left.
    pub reserved_bytes: u64,
    /// Its end, ns since the start of the run.
    pub ended_ns: u64,
    /// Time spent in collections since the start of the run, this one included, ns.
    pub collecting_ns: u64,
}

impl Cycle {
    /// A collection that ends now and began with `allocated_bytes`, of a collector whose time is that of its
    /// pauses.
    pub fn ended(
        cause: Cause,
        allocated_bytes: u64,
        space: &dyn CollectedSpace,
        log: &EventLog,
    ) -> Self {
        Self {
            cause,
            allocated_bytes,
            survived_bytes: space.allocated_bytes(),
            reserved_bytes: space.sized_bytes(),
            ended_ns: log.now_ns(),
            collecting_ns: log.collecting_ns(),
        }
    }
}

impl Sizer {
    /// The parameters that a collector with a sizer has in addition to its own.
    pub const PARAMETERS: [Parameter; 3] = [SIZER, GROWTH, PRICE];

    /// A sizer for an empty heap.
    pub fn new(heap: &Heap, config: &Config) -> Self {
        Self::of(config, heap.budget().limit_bytes() != u64::MAX)
    }

    fn of(config: &Config, is_limited: bool) -> Self {
        let word = match config.gives(&SIZER) {
            true => config.whole(&SIZER),
            false if config.gives(&PRICE) => 2,
            false => usize::from(config.gives(&GROWTH)),
        };
        let policy = match word {
            0 if is_limited => Policy::Fixed,
            0 | 1 => Policy::Proportional { growth: config.real(&GROWTH) },
            _ => Policy::MemBalancer {
                price: config.real(&PRICE) / BYTES_PER_GIB,
                allocation: Rate::new(ALLOCATION_INERTIA),
                collection: Rate::new(COLLECTION_INERTIA),
            },
        };
        Self {
            collect_at_bytes: match policy {
                Policy::Fixed => u64::MAX,
                _ => SMALLEST_HEAP_BYTES,
            },
            policy,
            queue_peak_bytes: 0,
            survived_bytes: 0,
            fresh_bytes: 0,
            futile_collections: 0,
            ended_ns: 0,
            collecting_ns: 0,
        }
    }

    /// Whether spaces that hold blocks of `reserved_bytes` may take another one without collecting, with
    /// `available_bytes` left under the limit.
    pub fn may_grow(&self, reserved_bytes: u64, available_bytes: u64) -> bool {
        self.growth_bytes(reserved_bytes, available_bytes) > 0
    }

    /// Bytes of blocks that such spaces may still take before a collection.
    pub fn growth_bytes(&self, reserved_bytes: u64, available_bytes: u64) -> u64 {
        self.collect_at_bytes
            .saturating_sub(reserved_bytes)
            .min(self.unreserved_bytes(available_bytes))
    }

    /// `available_bytes` without the room for the mark queue and for sizes never allocated.
    pub fn unreserved_bytes(&self, available_bytes: u64) -> u64 {
        available_bytes.saturating_sub(RESERVE_BYTES + self.queue_peak_bytes)
    }

    /// The cause of a collection that an allocation needs.
    pub fn cause(&self, reserved_bytes: u64) -> Cause {
        match reserved_bytes < self.collect_at_bytes {
            true => Cause::Exhausted,
            false => Cause::Growth,
        }
    }

    /// The mark queue has held `queue_bytes`: they are kept free from now on.
    pub fn reserve_queue(&mut self, queue_bytes: u64) {
        self.queue_peak_bytes = self.queue_peak_bytes.max(queue_bytes);
    }

    /// A collection has ended: decides how far the heap may grow until the next one.
    pub fn collected(&mut self, cycle: Cycle) {
        let Cycle { cause, survived_bytes, reserved_bytes, .. } = cycle;
        let fresh_bytes = cycle.allocated_bytes.saturating_sub(self.survived_bytes);
        let collecting_ns = cycle.collecting_ns.saturating_sub(self.collecting_ns);
        let elapsed_ns = cycle.ended_ns.saturating_sub(self.ended_ns);
        let available_bytes = match &mut self.policy {
            Policy::Fixed => None,
            Policy::Proportional { growth } => Some(survived_bytes as f64 * (*growth - 1.0)),
            Policy::MemBalancer { price, allocation, collection } => {
                allocation.add(fresh_bytes, elapsed_ns.saturating_sub(collecting_ns));
                collection.add(survived_bytes, collecting_ns);
                let ratio = allocation.per_ns() / (*price * collection.per_ns());
                // A rate is unknown before its first time that is not 0.
                Some((survived_bytes as f64 * ratio).sqrt()).filter(|room| room.is_finite())
            }
        };
        if !matches!(self.policy, Policy::Fixed) {
            let available_bytes = available_bytes.unwrap_or(0.0) as u64;
            self.collect_at_bytes = (reserved_bytes + available_bytes).max(SMALLEST_HEAP_BYTES);
        }
        self.fresh_bytes = match cause {
            Cause::Exhausted | Cause::Growth => 0,
            _ => self.fresh_bytes + fresh_bytes,
        };
        self.survived_bytes = survived_bytes;
        (self.ended_ns, self.collecting_ns) = (cycle.ended_ns, cycle.collecting_ns);
    }

    /// Whether the last collections each made room for next to nothing, so that the program would spend
    /// its time collecting: then the heap is too small, as it is if nothing was reclaimed. Called once
    /// before each collection that an allocation needs.
    pub fn overhead_limit_exceeded(&mut self, allocated_bytes: u64, reserved_bytes: u64) -> bool {
        let fresh_bytes = self.fresh_bytes + allocated_bytes.saturating_sub(self.survived_bytes);
        // A policy may want many collections. They are futile only where there is no room.
        let is_futile = self.cause(reserved_bytes) == Cause::Exhausted
            && is_next_to_nothing(fresh_bytes, reserved_bytes);
        self.futile_collections = if is_futile { self.futile_collections + 1 } else { 0 };
        self.futile_collections > FUTILE_COLLECTIONS
    }
}

/// Whether a collection that makes room for `bytes` in a heap of `reserved_bytes` is futile.
pub(crate) fn is_next_to_nothing(bytes: u64, reserved_bytes: u64) -> bool {
    bytes < reserved_bytes / FUTILE_SHARE
}

/// An exponential mean of an amount over an exponential mean of the time that it took.
#[derive(Debug)]
struct Rate {
    inertia: f64,
    bytes: f64,
    ns: f64,
}

impl Rate {
    fn new(inertia: f64) -> Self {
        Self { inertia, bytes: 0.0, ns: 0.0 }
    }

    fn add(&mut self, bytes: u64, ns: u64) {
        // The first one has no past.
        let past = if self.ns == 0.0 { 0.0 } else { self.inertia };
        self.bytes = past * self.bytes + (1.0 - past) * bytes as f64;
        self.ns = past * self.ns + (1.0 - past) * ns as f64;
    }

    fn per_ns(&self) -> f64 {
        self.bytes / self.ns
    }
}

#[cfg(test)]
mod tests;
