//! Pacing of a cycle while the program runs: its start, and the share of its work that allocation does, so
//! that the cycle ends before the free memory is used up (after the pacers of Go, `mgcpacer.go`, and gc-arena).
//!
//! 1. *Credit*: the bytes of blocks that allocation may enter before it polls the collector. Between cycles
//!    it is the free memory but for the share with which the next one begins; in a cycle it is a slice.
//! 2. *Start*: the memory left then is a fixed share; or, beside a thread, a multiple of the bytes that
//!    the program would have allocated during the last cycle had the thread done all its work, within
//!    bounds. After an allocation stall it is the upper bound, and decays with the next cycles; and memory
//!    that was free at the stall, in cells of other sizes, does not count as free for some time.
//! 3. *Assist*: the expected work, by that of the last cycle, spread over the memory that is free when the
//!    cycle begins, gives the work to do for each byte allocated. Beside a thread, the program does that by
//!    which both together are late.

use crate::blocks::heap::Heap;
use crate::collector::config::Config;
use crate::collector::sizer::{Cycle, Sizer};
use crate::context::Context;
use crate::context::events::Cause;
use crate::memory::units::BLOCK_BYTES;
use crate::space::Space;
use crate::space::mark_tables::MarkTables;
use crate::space::non_moving::NonMovingSpace;

/// Slices of work that the program does at a time beside a thread, at most.
const MAX_LATE_SLICES: u64 = 6;

/// How a collector paces its cycles.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Lower bound of the share of the free memory that is left when a cycle begins.
    pub least_left: f64,
    /// Upper bound of it. The first cycle begins there.
    pub most_left: f64,
    /// Between the bounds, this multiple of the bytes that the last cycle needed without assistance is left.
    pub needed_factor: f64,
    /// Factor by which the work is expected to grow from one cycle to the next; `None` for the growth of
    /// the allocated bytes.
    pub expected_growth: Option<f64>,
    /// Marking must be done when this share of the memory free at the start of the cycle has been used.
    pub pace_share: f64,
    /// Beside a thread: no work is due before this part of that share has been used.
    pub unaided_share: f64,
    /// Whether a thread marks beside the program. Then the time of a cycle is that from its start to its end.
    pub is_concurrent: bool,
}

/// Decides when cycles begin, and how much the program contributes.
#[derive(Debug)]
pub struct Pacer {
    pace: Pace,
    /// Its policy decides which memory counts as free.
    pub sizer: Sizer,
    /// The cause of the cycle under way, the bytes allocated when it began, and its start in ns.
    cause: Cause,
    allocated_bytes: u64,
    began_ns: u64,
    /// The time of all cycles so far, ns; for concurrent ones.
    collecting_ns: u64,
    /// The last credit.
    credit_bytes: u64,
    /// Bytes allocated whose work no assist has done yet.
    debt_bytes: u64,
    /// Bytes allocated in this cycle, and the part of its work that the program did for them.
    spent_bytes: u64,
    assisted_work: u64,
    /// Bytes that cycles need without assistance: a mean of the last ones, to which it rises at once.
    needed_bytes: Option<f64>,
    /// Bytes that counted as free and were of no use at allocation stalls; fewer with each cycle.
    unusable_bytes: u64,
    /// Bytes free when the cycle under way began.
    left_bytes: u64,
    /// Work to be done for each byte allocated in this cycle, and the bytes for which all is done.
    work_per_byte: f64,
    paced_bytes: u64,
    /// Marking that the last cycle took, in objects and slots.
    last_work: u64,
}

impl Pacer {
    /// A pacer for an empty space, with credit until the first cycle.
    pub fn new<M: MarkTables>(config: &Config, pace: Pace, space: &mut NonMovingSpace<M>) -> Self {
        let mut pacer = Self {
            pace,
            sizer: Sizer::new(space.heap(), config),
            cause: Cause::Requested,
            allocated_bytes: 0,
            began_ns: 0,
            collecting_ns: 0,
            credit_bytes: 0,
            debt_bytes: 0,
            spent_bytes: 0,
            assisted_work: 0,
            needed_bytes: None,
            unusable_bytes: 0,
            left_bytes: 0,
            work_per_byte: 0.0,
            paced_bytes: 0,
            last_work: 0,
        };
        pacer.schedule_next_cycle(space, 0);
        pacer
    }

    /// A cycle begins.
    pub fn cycle_began<M: MarkTables>(
        &mut self,
        cx: &mut Context,
        space: &NonMovingSpace<M>,
        cause: Cause,
    ) {
        cx.log.collects(cause);
        let allocated_bytes = space.allocated_bytes();
        let growth = (allocated_bytes as f64 / self.allocated_bytes.max(1) as f64).max(1.0);
        (self.cause, self.allocated_bytes) = (cause, allocated_bytes);
        (self.began_ns, self.spent_bytes, self.assisted_work) = (cx.log.now_ns(), 0, 0);
        let free_bytes = self.free_bytes(space, allocated_bytes).max(u64::from(BLOCK_BYTES));
        // No object has more slots than its bytes divided by four.
        let max_work = allocated_bytes as f64 / 4.0;
        // Beside a thread too little is expected rather than too much: it is noticed.
        let first_work = if self.pace.is_concurrent { max_work / 4.0 } else { max_work };
        let expected = if self.last_work == 0 { first_work } else { self.last_work as f64 };
        let expected = (expected * self.pace.expected_growth.unwrap_or(growth)).min(max_work);
        self.left_bytes = free_bytes;
        let paced_bytes = free_bytes as f64 * self.pace.pace_share;
        (self.work_per_byte, self.paced_bytes) = (expected / paced_bytes, paced_bytes as u64);
    }

    /// Sets the credit of allocation to `bytes`.
    pub fn set_credit<M: MarkTables>(&mut self, space: &mut NonMovingSpace<M>, bytes: u64) {
        self.credit_bytes = bytes;
        space.small.set_credit(bytes);
    }

    /// Counts the bytes allocated since the credit was set, and sets it to 0. Returns those bytes.
    pub fn count_spent<M: MarkTables>(&mut self, space: &mut NonMovingSpace<M>) -> u64 {
        let spent_bytes = (self.credit_bytes as i64 - space.small.credit_bytes()).max(0) as u64;
        self.spent_bytes += spent_bytes;
        self.set_credit(space, 0);
        spent_bytes
    }

    /// The work to do for `spent_bytes`, at least one unit and at most `max_work`, which is not 0. The rest is
    /// left to the next assist.
    pub fn assist(&mut self, spent_bytes: u64, max_work: u64) -> u64 {
        let work = ((self.debt_bytes + spent_bytes) as f64 * self.work_per_byte) as u64;
        let unpaid = work.saturating_sub(max_work) as f64 / self.work_per_byte.max(1e-9);
        self.debt_bytes = unpaid as u64;
        work.clamp(1, max_work)
    }

    /// Beside a thread: the work to do, since of the work due for the bytes allocated in this cycle only
    /// `done` is done; 0 below a `slice` of it.
    pub fn late_work(&mut self, done: u64, slice: u64) -> u64 {
        let unaided_bytes = self.paced_bytes as f64 * self.pace.unaided_share;
        let aided_bytes = (self.spent_bytes as f64 - unaided_bytes).max(0.0);
        let due = match self.spent_bytes < self.paced_bytes {
            true => (aided_bytes * self.work_per_byte / (1.0 - self.pace.unaided_share)) as u64,
            // More than was expected.
            false => u64::MAX,
        };
        let late = due.saturating_sub(done).min(MAX_LATE_SLICES * slice);
        let late = if late < slice { 0 } else { late };
        self.assisted_work = self.assisted_work.saturating_add(late);
        late
    }

    /// An allocation finds no memory: it finishes the cycle under way, or does a whole one.
    pub fn stalled<M: MarkTables>(&mut self, space: &NonMovingSpace<M>) {
        if self.pace.is_concurrent {
            let free_bytes = self.free_bytes(space, space.allocated_bytes());
            let missing_bytes = self.left_bytes.saturating_sub(self.spent_bytes).max(free_bytes);
            let unusable_bytes = self.unusable_bytes + missing_bytes;
            self.unusable_bytes = unusable_bytes.min(space.reserved_bytes() / 2);
            self.assisted_work = u64::MAX;
        }
    }

    /// All objects are marked, by `work` objects and slots.
    pub fn marked(&mut self, work: u64) {
        if self.cause == Cause::Growth {
            // While the program assists, the thread does as much.
            let unaided_share = 1.0 - 2.0 * self.assisted_work as f64 / work.max(1) as f64;
            let needed_bytes = self.spent_bytes as f64 / unaided_share.max(0.1);
            let last_bytes = self.needed_bytes.unwrap_or(needed_bytes);
            self.needed_bytes = Some(needed_bytes.max((last_bytes + needed_bytes) / 2.0));
        }
    }

    /// The cycle has ended, and has marked `work` objects and slots.
    pub fn cycle_ended<M: MarkTables>(
        &mut self,
        cx: &Context,
        space: &mut NonMovingSpace<M>,
        work: u64,
    ) {
        self.count_spent(space);
        self.last_work = work;
        self.left_bytes = 0;
        self.unusable_bytes -= self.unusable_bytes.div_ceil(64);
        let mut cycle = Cycle::ended(self.cause, self.allocated_bytes, space, &cx.log);
        self.collecting_ns += cycle.ended_ns - self.began_ns;
        if self.pace.is_concurrent {
            cycle.collecting_ns = self.collecting_ns;
        }
        self.sizer.collected(cycle);
        self.schedule_next_cycle(space, cycle.survived_bytes);
    }

    /// Sets the credit until the next cycle begins.
    fn schedule_next_cycle<M: MarkTables>(
        &mut self,
        space: &mut NonMovingSpace<M>,
        allocated_bytes: u64,
    ) {
        let Pace { least_left, most_left, needed_factor, .. } = self.pace;
        let free_bytes = self.free_bytes(space, allocated_bytes) as f64;
        let needed_bytes = self.needed_bytes.map_or(f64::MAX, |bytes| bytes * needed_factor);
        let left_bytes = needed_bytes.clamp(free_bytes * least_left, free_bytes * most_left);
        self.set_credit(space, (free_bytes - left_bytes) as u64);
        self.debt_bytes = 0;
    }

    /// Bytes that can be allocated without reclaiming any: free cells and blocks.
    fn free_bytes<M: MarkTables>(&self, space: &NonMovingSpace<M>, allocated_bytes: u64) -> u64 {
        let reserved_bytes = space.reserved_bytes();
        let growth_bytes = self.sizer.growth_bytes(reserved_bytes, space.heap().available_bytes());
        let free_bytes =
            growth_bytes.saturating_add(reserved_bytes.saturating_sub(allocated_bytes));
        free_bytes.saturating_sub(self.unusable_bytes)
    }

    /// Whether the space may take another block: up to the limit, under every sizing policy.
    pub fn may_grow(&self, heap: &Heap) -> bool {
        self.sizer.unreserved_bytes(heap.available_bytes()) > 0
    }
}
