//! The event log: pauses, phases and the footprint timeline, recorded by collectors in cold paths.
//!
//! The log's own memory is allocated and touched before the run starts, so it is in no footprint and in
//! no growth of the resident set. **Invariant:** nothing but this log reads a clock.

use crate::memory::footprint::{Footprint, FootprintSample, LiveSample};
use crate::memory::os;
use hdrhistogram::Histogram;

/// The reason why a mutator did not run its own code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PauseKind {
    /// Time to safepoint: from the request to stop until the mutator is parked.
    Ttsp,
    /// Stop the world: all mutators are parked until released.
    Stw,
    /// Collection work done inside an allocation or barrier.
    Increment,
    /// Waiting for memory while a collection is in progress.
    AllocStall,
    /// Recursive drop, decrement, free or region release. Without this kind, `Box`, `Rc` and regions
    /// would appear free of pauses.
    Cascade,
}

/// One pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pause {
    /// Start, ns since the start of the run.
    pub start_ns: u64,
    /// Wall time in ns.
    pub wall_ns: u64,
    /// CPU time of the pausing thread in ns; `None` for cascades too short to read that clock.
    pub cpu_ns: Option<u64>,
    /// Kind.
    pub kind: PauseKind,
}

/// A stop-the-world pause or increment that has begun.
#[derive(Clone, Copy, Debug)]
#[must_use = "a pause that is not ended is not recorded"]
pub struct PauseStart {
    wall_ns: u64,
    cpu_ns: u64,
}

impl PauseStart {
    /// The same pause, as if its first half were none: for a mutant.
    pub(crate) fn later_half(self) -> Self {
        let elapsed_ns = os::monotonic_ns() - self.wall_ns;
        Self { wall_ns: self.wall_ns + elapsed_ns / 2, ..self }
    }
}

/// The clock of a cascade. The monotonic clock is read only after 32 objects, the thread-CPU clock only
/// after 4,096 (some tens of microseconds).
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a cascade that is not ended is not recorded"]
pub struct CascadeClock {
    objects: u32,
    readings: Readings,
}

/// Monotonic time of the first reading; monotonic and CPU time of the second. 0 before it.
#[derive(Clone, Copy, Debug, Default)]
struct Readings {
    wall_ns: u64,
    second_wall_ns: u64,
    second_cpu_ns: u64,
}

const CASCADE_WALL_OBJECTS: u32 = 32;
const CASCADE_CPU_OBJECTS: u32 = 4096;

impl CascadeClock {
    /// Counts `objects` reclaimed objects.
    #[inline(always)]
    pub fn tick(&mut self, objects: u32) {
        let before = self.objects / CASCADE_WALL_OBJECTS;
        self.objects = self.objects.wrapping_add(objects);
        if self.objects / CASCADE_WALL_OBJECTS != before {
            // Out of line, so that the count stays in a register.
            self.readings = read_clocks(self.readings, self.objects);
        }
    }
}

#[cold]
#[inline(never)]
fn read_clocks(before: Readings, objects: u32) -> Readings {
    if before.wall_ns == 0 {
        Readings { wall_ns: os::monotonic_ns(), ..before }
    } else if before.second_wall_ns == 0 && objects >= CASCADE_CPU_OBJECTS {
        Readings {
            second_wall_ns: os::monotonic_ns(),
            second_cpu_ns: os::thread_cpu_ns(),
            ..before
        }
    } else {
        before
    }
}

/// Maximum pauses kept one by one: the longest ones. The histogram covers all.
const LISTED_PAUSES: usize = 1 << 12;
const SAMPLES: usize = 1 << 10;
const FIRST_STEP_BYTES: u64 = 16 * 1024;
/// Footprint samples per reading of the resident set.
const RESIDENT_EVERY: u64 = 8;

/// The events of one mutator's run.
#[derive(Debug)]
pub struct EventLog {
    /// Monotonic time of the start of the run.
    origin_ns: u64,
    pauses: Vec<Pause>,
    /// Pauses shorter than this have been dropped from the list (never from the histogram).
    listed_from_ns: u64,
    histogram: Histogram<u64>,
    pause_total_ns: u64,
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
        let untouched = Pause { start_ns: 1, wall_ns: 1, cpu_ns: Some(1), kind: PauseKind::Stw };
        let mut pauses = vec![untouched; LISTED_PAUSES];
        pauses.clear();
        let mut footprint = vec![FootprintSample::default(); SAMPLES];
        footprint.clear();
        let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000_000, 3)
            .expect("an hour at three digits is a valid range");
        histogram.auto(false);
        Self {
            origin_ns: os::monotonic_ns(),
            pauses,
            listed_from_ns: 0,
            histogram,
            pause_total_ns: 0,
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
        self.origin_ns = os::monotonic_ns();
    }

    /// Time since the start of the run, in ns.
    pub fn now_ns(&self) -> u64 {
        os::monotonic_ns() - self.origin_ns
    }

    /// Counts a collection that begins now.
    pub fn collects(&mut self, cause: Cause) {
        self.collections[cause as usize] += 1;
    }

    /// Begins a pause.
    pub fn begin_pause(&self) -> PauseStart {
        PauseStart { wall_ns: os::monotonic_ns(), cpu_ns: os::thread_cpu_ns() }
    }

    /// Ends a pause and records it.
    pub fn end_pause(&mut self, start: PauseStart, kind: PauseKind) {
        let wall_ns = os::monotonic_ns() - start.wall_ns;
        let cpu_ns = Some(os::thread_cpu_ns().saturating_sub(start.cpu_ns));
        let start_ns = start.wall_ns.saturating_sub(self.origin_ns);
        self.record(Pause { start_ns, wall_ns, cpu_ns, kind });
    }

    /// Ends a cascade, and records it if it was long enough to read its clock.
    #[inline(always)]
    pub fn end_cascade(&mut self, clock: CascadeClock) {
        if clock.readings.wall_ns != 0 {
            self.record_cascade(clock.readings);
        }
    }

    #[cold]
    #[inline(never)]
    fn record_cascade(&mut self, readings: Readings) {
        let wall_ns = os::monotonic_ns() - readings.wall_ns;
        // Assumes that the thread ran undisturbed until the first reading of the CPU clock.
        let cpu_ns = (readings.second_wall_ns != 0).then(|| {
            let undisturbed = readings.second_wall_ns - readings.wall_ns;
            undisturbed + os::thread_cpu_ns().saturating_sub(readings.second_cpu_ns)
        });
        let start_ns = readings.wall_ns.saturating_sub(self.origin_ns);
        self.record(Pause { start_ns, wall_ns, cpu_ns, kind: PauseKind::Cascade });
    }

    fn record(&mut self, pause: Pause) {
        self.histogram.saturating_record(pause.wall_ns.max(1));
        self.pause_total_ns += pause.wall_ns;
        if pause.wall_ns < self.listed_from_ns {
            return;
        }
        if self.pauses.len() == LISTED_PAUSES {
            self.drop_shorter_half();
        }
        self.pauses.push(pause);
    }

    /// Keeps the longer half of the full list, in order.
    fn drop_shorter_half(&mut self) {
        let mut lengths: Vec<u64> = self.pauses.iter().map(|pause| pause.wall_ns).collect();
        let (_, &mut median, _) = lengths.select_nth_unstable(LISTED_PAUSES / 2);
        self.listed_from_ns = median + 1;
        self.pauses.retain(|pause| pause.wall_ns > median);
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

    /// The pauses in order of their end: all, or the longest if there were more than fit the list.
    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// All pauses, by wall time to three digits: (upper bound in ns, count).
    pub fn pause_histogram(&self) -> Vec<(u64, u64)> {
        let counts = self.histogram.iter_recorded();
        counts.map(|v| (v.value_iterated_to(), v.count_at_value())).collect()
    }

    /// Sum of the wall time of all pauses, in ns.
    pub fn pause_total_ns(&self) -> u64 {
        self.pause_total_ns
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
    fn the_list_keeps_the_longest_pauses_and_the_histogram_all() {
        let mut log = EventLog::new();
        let total = LISTED_PAUSES as u64 * 3;
        for n in 0..total {
            let wall_ns = 1 + n * 7919 % total;
            log.record(Pause { start_ns: n, wall_ns, cpu_ns: None, kind: PauseKind::Cascade });
        }
        assert!(log.pauses().len() <= LISTED_PAUSES);
        let count: u64 = log.pause_histogram().iter().map(|&(_, count)| count).sum();
        assert_eq!(count, total);
        assert_eq!(log.pauses().iter().map(|p| p.wall_ns).max(), Some(total));
        let listed_long = log.pauses().iter().filter(|p| p.wall_ns > total - 100).count();
        assert_eq!(listed_long, 100, "none of the longest may be dropped");
        assert!(log.pauses().is_sorted_by_key(|p| p.start_ns));
    }

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
    fn short_cascades_read_no_clock() {
        let mut log = EventLog::new();
        let mut clock = CascadeClock::default();
        (0..31).for_each(|_| clock.tick(1));
        log.end_cascade(clock);
        assert!(log.pauses().is_empty());
        let mut clock = CascadeClock::default();
        (0..5000).for_each(|_| clock.tick(1));
        log.end_cascade(clock);
        assert_eq!(log.pauses().len(), 1);
        assert!(log.pauses()[0].cpu_ns.is_some());
    }
}
