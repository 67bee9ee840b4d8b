//! The event log: pauses, phases and the footprint timeline, recorded by collectors in cold paths.
//!
//! The log's own memory is allocated and touched before the run starts, so it is in no footprint and in
//! no growth of the resident set. **Invariant:** nothing but this log reads a clock.

mod pauses;
mod trace;

pub use pauses::{Pause, PauseKind, PauseStart};

use crate::memory::footprint::{Footprint, FootprintSample, LiveSample};
use crate::memory::os;
use pauses::PauseLog;

const SAMPLES: usize = 1 << 10;
const FIRST_STEP_BYTES: u64 = 16 * 1024;
/// Footprint samples per reading of the resident set.
const RESIDENT_EVERY: u64 = 8;

/// The events of one mutator's run.
#[derive(Debug)]
pub struct EventLog {
    pauses: PauseLog,
    /// By cause, in the order of [`Cause::ALL`].
    collections: [u64; Cause::ALL.len()],
    footprint: Vec<FootprintSample>,
    live: Vec<LiveSample>,
    phases: Vec<(&'static str, u64)>,
    step_bytes: u64,
    next_sample_bytes: u64,
    samples_taken: u64,
    resident_start_bytes: Option<u64>,
    resident_difference_bytes: Option<u64>,
    accounting_errors: u64,
}

impl EventLog {
    /// An empty log with its memory allocated and touched.
    #[expect(clippy::new_without_default, reason = "it allocates and touches memory: no default")]
    pub fn new() -> Self {
        let mut footprint = vec![FootprintSample::default(); SAMPLES];
        footprint.clear();
        Self {
            pauses: PauseLog::new(),
            collections: [0; Cause::ALL.len()],
            footprint,
            live: Vec::new(),
            phases: Vec::new(),
            step_bytes: FIRST_STEP_BYTES,
            next_sample_bytes: 0,
            samples_taken: 0,
            resident_start_bytes: None,
            resident_difference_bytes: None,
            accounting_errors: 0,
        }
    }

    /// Starts the clock. With `lazily` the heap's memory is committed on first touch, so that the resident
    /// set is comparable with the footprint.
    pub(crate) fn start(&mut self, footprint: Footprint, lazily: bool) {
        if lazily {
            // Resident bytes of the process before the heap's first byte.
            let resident = os::resident_bytes();
            self.resident_start_bytes =
                resident.map(|bytes| bytes.saturating_sub(footprint.total_bytes()));
        }
        self.pauses.start();
    }

    /// Logs every pause from now on, cascades included: the pause pass. There is room for `capacity` of them.
    pub(crate) fn log_every_pause(&mut self, capacity: usize) {
        self.pauses.log_every(capacity);
    }

    /// Ends the run that [`EventLog::start`] began.
    pub(crate) fn stop(&mut self) {
        self.pauses.stop();
    }

    /// Time since the start of the run, in ns.
    pub fn now_ns(&self) -> u64 {
        self.pauses.now_ns()
    }

    /// Counts a collection that begins now.
    pub fn collects(&mut self, cause: Cause) {
        self.collections[cause as usize] += 1;
    }

    /// Begins a pause of a collection.
    pub fn begin_pause(&mut self) -> PauseStart {
        self.pauses.begin()
    }

    /// Ends a pause of a collection and records it.
    pub fn end_pause(&mut self, start: PauseStart, kind: PauseKind) {
        self.pauses.end(start, kind);
    }

    /// Begins a drop, decrement, free or end of a region; without effect in the timed pass.
    #[inline(always)]
    pub fn begin_cascade(&mut self) {
        if self.pauses.logs_cascades() {
            self.pauses.begin_cascade();
        }
    }

    /// Ends what [`EventLog::begin_cascade`] began, and records it.
    #[inline(always)]
    pub fn end_cascade(&mut self) {
        if self.pauses.logs_cascades() {
            self.pauses.end_cascade();
        }
    }

    /// Whether the allocation clock has reached the next footprint sample.
    #[inline(always)]
    pub fn is_sample_due(&self, allocated_bytes: u64) -> bool {
        allocated_bytes >= self.next_sample_bytes
    }

    /// Records the footprint, and checks it: the parts against `committed_bytes`, and against the
    /// resident set where memory is committed lazily.
    pub(crate) fn sample(
        &mut self,
        allocated_bytes: u64,
        footprint: Footprint,
        committed_bytes: u64,
    ) {
        if footprint.total_bytes() != committed_bytes {
            self.accounting_errors += 1;
        }
        if let Some(start) = self.resident_start_bytes
            && self.samples_taken.is_multiple_of(RESIDENT_EVERY)
            && let Some(resident) = os::resident_bytes()
        {
            let difference = resident.saturating_sub(start).abs_diff(footprint.total_bytes());
            self.resident_difference_bytes =
                Some(self.resident_difference_bytes.unwrap_or(0).max(difference));
        }
        self.samples_taken += 1;
        if self.footprint.len() == SAMPLES {
            // Halves the resolution: drops every other sample.
            let mut index = 0;
            self.footprint.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.step_bytes *= 2;
        }
        let at_ns = self.now_ns();
        self.footprint.push(FootprintSample { allocated_bytes, at_ns, footprint });
        self.next_sample_bytes = allocated_bytes + self.step_bytes;
    }

    pub(crate) fn live(&mut self, allocated_bytes: u64, live_bytes: u64) {
        let at_ns = self.now_ns();
        self.live.push(LiveSample { allocated_bytes, at_ns, live_bytes });
    }

    pub(crate) fn phase(&mut self, name: &'static str) {
        let now_ns = self.now_ns();
        self.phases.push((name, now_ns));
    }

    /// The pauses in order: all, or the longest if there were more than fit the list.
    pub fn pauses(&self) -> &[Pause] {
        self.pauses.longest()
    }

    /// (start, length) of every pause in ns, on a time line without [`EventLog::overhead_ns`] and
    /// [`EventLog::preempted_ns`]. All of them, unless [`EventLog::pauses_lost`].
    pub fn pause_trace(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.pauses.trace().iter()
    }

    /// Length of the run on that time line, in ns; 0 before its end.
    pub fn run_ns(&self) -> u64 {
        self.pauses.run_ns()
    }

    /// The pauses of the trace, by wall time to three digits: (upper bound in ns, count).
    pub fn pause_histogram(&self) -> Vec<(u64, u64)> {
        self.pauses.histogram()
    }

    /// Number of pauses, those not in the trace included.
    pub fn pause_count(&self) -> u64 {
        self.pauses.count()
    }

    /// Number of pauses that are not in the trace, because it was full.
    pub fn pauses_lost(&self) -> u64 {
        self.pauses.trace().dropped()
    }

    /// Sum of the wall time of all pauses, in ns.
    pub fn pause_total_ns(&self) -> u64 {
        self.pauses.total_ns()
    }

    /// Sum of the wall time of the pauses of collections, in ns: the same in both passes.
    pub fn collecting_ns(&self) -> u64 {
        self.pauses.collecting_ns()
    }

    /// Time that logging took in the pause pass, in ns; subtracted from all pauses and gaps.
    pub fn overhead_ns(&self) -> u64 {
        self.pauses.overhead_ns()
    }

    /// Time in which the system ran another thread instead of the program, in ns, as far as noticed in the pause
    /// pass; subtracted from all pauses and gaps.
    pub fn preempted_ns(&self) -> u64 {
        self.pauses.preempted_ns()
    }

    /// Number of collections by cause, without causes that had none.
    pub fn collections(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        Cause::ALL.into_iter().zip(self.collections).filter(|&(_, count)| count > 0)
    }

    /// The footprint timeline.
    pub fn footprint(&self) -> &[FootprintSample] {
        &self.footprint
    }

    /// Exact live bytes over time, if a census recorded them.
    pub fn live_samples(&self) -> &[LiveSample] {
        &self.live
    }

    /// Named phases and the time of their start, in ns since the start of the run.
    pub fn phases(&self) -> &[(&'static str, u64)] {
        &self.phases
    }

    /// Largest difference between growth of the resident set and footprint, in bytes; `None` if not
    /// compared.
    pub fn resident_difference_bytes(&self) -> Option<u64> {
        self.resident_difference_bytes
    }

    /// Number of samples at which the footprint was not the sum of its parts.
    pub fn accounting_errors(&self) -> u64 {
        self.accounting_errors
    }
}

/// The reason for a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// An allocation found no room within the limit.
    Exhausted,
    /// The heap has grown to the size that its sizing policy allows.
    Growth,
    /// The program requested it.
    Requested,
    /// The program requested a young collection; without generations, a full one.
    Young,
    /// The run is over; survivors are never reclaimed.
    End,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 5] =
        [Self::Exhausted, Self::Growth, Self::Requested, Self::Young, Self::End];

    /// Its name in records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Growth => "growth",
            Self::Requested => "requested",
            Self::Young => "young",
            Self::End => "end",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_counted_by_cause() {
        let mut log = EventLog::new();
        assert_eq!(log.collections().count(), 0);
        Cause::ALL.into_iter().for_each(|cause| log.collects(cause));
        log.collects(Cause::Growth);
        let counts: Vec<_> = log.collections().map(|(cause, n)| (cause.word(), n)).collect();
        let expected =
            [("exhausted", 1), ("growth", 2), ("requested", 1), ("young", 1), ("end", 1)];
        assert_eq!(counts, expected);
    }

    #[test]
    fn cascades_are_pauses_in_the_pause_pass_only() {
        let mut log = EventLog::new();
        for logged in [0, 1] {
            log.begin_cascade();
            log.end_cascade();
            assert_eq!((log.pause_count(), log.pauses().len()), (logged, logged as usize));
            log.log_every_pause(16);
        }
    }
}
