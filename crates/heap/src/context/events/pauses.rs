//! Pauses: the intervals in which a mutator does not run its own code, on account of memory management.
//!
//! 1. *Timed pass*: only pauses of collections are logged, for the sizing policies need their time. A
//!    cascade, a drop or free and all that follows from it, reads no clock: it tests one flag.
//! 2. *Pause pass*: every pause is logged, a cascade from its first object on, and nested ones as a part
//!    of the outermost. The program and the collector are the very code of the timed pass.
//! 3. Reading clocks lengthens short pauses and the gaps between them several times. What an empty pause and
//!    an empty gap measure is determined before the run, and subtracted from each.
//! 4. Time in which the system ran another thread instead is neither a pause nor a gap: it is subtracted, too.
//!    It shows in the CPU clock, which is read where 50 us have passed since a pause began or ended; at most so
//!    much is missed.

use crate::context::events::trace::PauseTrace;
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
    /// Wall time in ns; in the pause pass without the time in which the system ran another thread instead.
    pub wall_ns: u64,
    /// CPU time of the pausing thread in ns: less than the wall time where it waited. `None` in the timed pass,
    /// and for pauses of less than 50 us.
    pub cpu_ns: Option<u64>,
    /// Kind.
    pub kind: PauseKind,
}

/// A pause of a collection that has begun.
#[derive(Clone, Copy, Debug)]
#[must_use = "a pause that is not ended is not recorded"]
pub struct PauseStart {
    wall_ns: u64,
}

impl PauseStart {
    /// The same pause, as if its first half were none: for a mutant.
    pub(crate) fn later_half(self) -> Self {
        let elapsed_ns = os::monotonic_ns() - self.wall_ns;
        Self { wall_ns: self.wall_ns + elapsed_ns / 2 }
    }
}

/// What the system says of the thread; half a microsecond to read.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    wall_ns: u64,
    cpu_ns: u64,
    /// Context switches in which the thread waited, and in which another ran instead.
    waits: u64,
    preemptions: u64,
}

impl Reading {
    fn now() -> Self {
        let (waits, preemptions) = os::context_switches();
        Self { wall_ns: os::monotonic_ns(), cpu_ns: os::thread_cpu_ns(), waits, preemptions }
    }

    /// Time off the processor since an earlier reading, in ns, and whether all of it was another thread's: none
    /// of it a wait.
    fn off_cpu_since(&self, earlier: &Self) -> (u64, bool) {
        let (wall_ns, cpu_ns) = (self.wall_ns - earlier.wall_ns, self.cpu_ns - earlier.cpu_ns);
        let is_preempted = self.preemptions > earlier.preemptions && self.waits == earlier.waits;
        (wall_ns.saturating_sub(cpu_ns), is_preempted)
    }
}

/// What logging adds to a pause and to the gap before it, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Overhead {
    gap_ns: u64,
    length_ns: u64,
}

/// A pause or gap from which on the CPU clock is read at its end. The system lets other threads run for longer.
const LONG_NS: u64 = 50_000;
/// Pauses of the timed pass that are kept in the trace.
const TIMED_PAUSES: usize = 1 << 16;
/// Maximum pauses listed with their kind and CPU time: the longest ones. The trace has all.
const LISTED_PAUSES: usize = 1 << 12;
/// Empty pauses of each sort that determine the overhead.
const EMPTY_PAUSES: usize = 1 << 10;

/// The pauses of one mutator's run.
#[derive(Debug)]
pub(super) struct PauseLog {
    /// Whether cascades are pauses: the pause pass.
    logs_cascades: bool,
    /// Monotonic time of the start of the run.
    origin_ns: u64,
    /// Pauses and cascades that have begun and not ended.
    depth: u32,
    /// Monotonic time of the begin of the cascade under way.
    cascade_ns: u64,
    /// Monotonic time of the end of the last pause.
    end_ns: u64,
    last_reading: Reading,
    /// Time in the gap before the pause under way that was another thread's.
    gap_preempted_ns: u64,
    trace: PauseTrace,
    longest: Vec<Pause>,
    /// Shorter pauses have been dropped from the list of the longest.
    listed_from_ns: u64,
    count: u64,
    total_ns: u64,
    collecting_ns: u64,
    collection_overhead: Overhead,
    cascade_overhead: Overhead,
    overhead_ns: u64,
    preempted_ns: u64,
    /// Length of the run on the time line of the trace, once it has been stopped.
    run_ns: u64,
}

impl PauseLog {
    /// The log of a timed pass.
    pub(super) fn new() -> Self {
        let untouched = Pause { start_ns: 1, wall_ns: 1, cpu_ns: Some(1), kind: PauseKind::Stw };
        let mut log = Self {
            logs_cascades: false,
            origin_ns: 0,
            depth: 0,
            cascade_ns: 0,
            end_ns: 0,
            last_reading: Reading::default(),
            gap_preempted_ns: 0,
            trace: PauseTrace::new(TIMED_PAUSES),
            longest: vec![untouched; LISTED_PAUSES],
            listed_from_ns: 0,
            count: 0,
            total_ns: 0,
            collecting_ns: 0,
            collection_overhead: Overhead::default(),
            cascade_overhead: Overhead::default(),
            overhead_ns: 0,
            preempted_ns: 0,
            run_ns: 0,
        };
        log.start();
        log
    }

    /// Turns it into the log of a pause pass, with room for `capacity` pauses.
    pub(super) fn log_every(&mut self, capacity: usize) {
        self.logs_cascades = true;
        self.trace = PauseTrace::new(capacity.max(EMPTY_PAUSES));
        self.collection_overhead = Overhead::default();
        self.cascade_overhead = Overhead::default();
        self.cascade_overhead = self.overhead_of(|log| {
            log.begin_cascade();
            log.end_cascade();
        });
        self.collection_overhead = self.overhead_of(|log| {
            let start = log.begin();
            log.end(start, PauseKind::Stw);
        });
        self.start();
    }

    /// Medians of the gap and the length of an empty pause.
    fn overhead_of(&mut self, empty_pause: impl Fn(&mut Self)) -> Overhead {
        self.start();
        (0..EMPTY_PAUSES).for_each(|_| empty_pause(self));
        let mut end_ns = 0;
        let (mut gaps, mut lengths): (Vec<u64>, Vec<u64>) = (self.trace.iter())
            .map(|(start_ns, length_ns)| {
                (start_ns - std::mem::replace(&mut end_ns, start_ns + length_ns), length_ns)
            })
            .unzip();
        let median = |values: &mut Vec<u64>| *values.select_nth_unstable(EMPTY_PAUSES / 2).1;
        Overhead { gap_ns: median(&mut gaps), length_ns: median(&mut lengths) }
    }

    /// Sets the clock to zero and forgets all pauses.
    pub(super) fn start(&mut self) {
        self.trace.clear();
        self.longest.clear();
        (self.count, self.total_ns, self.collecting_ns) = (0, 0, 0);
        (self.overhead_ns, self.preempted_ns, self.gap_preempted_ns) = (0, 0, 0);
        (self.depth, self.listed_from_ns) = (0, 0);
        self.last_reading = Reading::now();
        self.origin_ns = os::monotonic_ns();
        self.end_ns = self.origin_ns;
    }

    /// Ends the run, as if a pause began: the time line ends with the gap before it.
    pub(super) fn stop(&mut self) {
        let now_ns = self.pause_begins();
        self.preempted_ns += std::mem::take(&mut self.gap_preempted_ns);
        self.run_ns = now_ns - self.origin_ns - self.overhead_ns - self.preempted_ns;
    }

    pub(super) fn now_ns(&self) -> u64 {
        os::monotonic_ns() - self.origin_ns
    }

    pub(super) fn begin(&mut self) -> PauseStart {
        self.depth += 1;
        PauseStart { wall_ns: self.pause_begins() }
    }

    pub(super) fn end(&mut self, start: PauseStart, kind: PauseKind) {
        let now_ns = os::monotonic_ns();
        self.collecting_ns += now_ns - start.wall_ns;
        self.pause_ends(start.wall_ns, now_ns, kind);
    }

    #[inline(always)]
    pub(super) fn logs_cascades(&self) -> bool {
        self.logs_cascades
    }

    #[cold]
    #[inline(never)]
    pub(super) fn begin_cascade(&mut self) {
        self.depth += 1;
        if self.depth == 1 {
            self.cascade_ns = self.pause_begins();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn end_cascade(&mut self) {
        self.pause_ends(self.cascade_ns, os::monotonic_ns(), PauseKind::Cascade);
    }

    /// The begin of a pause that is not nested; before it, whether the system took a part of the gap.
    fn pause_begins(&mut self) -> u64 {
        let now_ns = os::monotonic_ns();
        let gap_ns = now_ns - self.end_ns;
        if !self.logs_cascades || self.depth > 1 || gap_ns < LONG_NS {
            return now_ns;
        }
        let (off_cpu_ns, is_preempted) = self.read_clocks();
        self.gap_preempted_ns = if is_preempted { off_cpu_ns.min(gap_ns) } else { 0 };
        os::monotonic_ns()
    }

    fn pause_ends(&mut self, start_ns: u64, now_ns: u64, kind: PauseKind) {
        self.depth -= 1;
        if self.depth > 0 {
            return;
        }
        let length_ns = now_ns - start_ns;
        let off_cpu = (self.logs_cascades && length_ns >= LONG_NS).then(|| self.read_clocks());
        self.record(start_ns, now_ns, off_cpu, kind);
    }

    /// Time off the processor since the last call. Since then no pause or gap but the last was long, so the
    /// last one contains it.
    fn read_clocks(&mut self) -> (u64, bool) {
        let reading = Reading::now();
        reading.off_cpu_since(&std::mem::replace(&mut self.last_reading, reading))
    }

    /// `off_cpu` is the time that the pause was off the processor, and whether that was another thread's.
    ///
    /// **Invariant:** pauses are disjoint and in order, since a nested one is a part of the outermost.
    fn record(
        &mut self,
        start_ns: u64,
        end_ns: u64,
        off_cpu: Option<(u64, bool)>,
        kind: PauseKind,
    ) {
        debug_assert!(self.end_ns <= start_ns, "a pause begins before the last one ends");
        let overhead = match kind {
            PauseKind::Cascade => self.cascade_overhead,
            _ => self.collection_overhead,
        };
        let (raw_gap_ns, raw_ns) = (start_ns - self.end_ns, end_ns - start_ns);
        let gap_preempted_ns = std::mem::take(&mut self.gap_preempted_ns);
        let preempted_ns = off_cpu.filter(|off_cpu| off_cpu.1).map_or(0, |(ns, _)| ns.min(raw_ns));
        let gap_ns = (raw_gap_ns - gap_preempted_ns).saturating_sub(overhead.gap_ns);
        let wall_ns = (raw_ns - preempted_ns).saturating_sub(overhead.length_ns);
        let cpu_ns = off_cpu.map(|(off_cpu_ns, _)| raw_ns.saturating_sub(off_cpu_ns).min(wall_ns));
        self.preempted_ns += gap_preempted_ns + preempted_ns;
        self.overhead_ns +=
            raw_gap_ns + raw_ns - gap_ns - wall_ns - gap_preempted_ns - preempted_ns;
        self.end_ns = end_ns;
        self.count += 1;
        self.total_ns += wall_ns;
        self.trace.push(gap_ns, wall_ns);
        if wall_ns >= self.listed_from_ns {
            self.list(Pause { start_ns: start_ns - self.origin_ns, wall_ns, cpu_ns, kind });
        }
    }

    fn list(&mut self, pause: Pause) {
        if self.longest.len() == LISTED_PAUSES {
            // Keeps the longer half, in order.
            let mut lengths: Vec<u64> = self.longest.iter().map(|pause| pause.wall_ns).collect();
            let (_, &mut median, _) = lengths.select_nth_unstable(LISTED_PAUSES / 2);
            self.listed_from_ns = median + 1;
            self.longest.retain(|pause| pause.wall_ns > median);
        }
        if pause.wall_ns >= self.listed_from_ns {
            self.longest.push(pause);
        }
    }

    pub(super) fn longest(&self) -> &[Pause] {
        &self.longest
    }

    pub(super) fn trace(&self) -> &PauseTrace {
        &self.trace
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn total_ns(&self) -> u64 {
        self.total_ns
    }

    pub(super) fn collecting_ns(&self) -> u64 {
        self.collecting_ns
    }

    pub(super) fn run_ns(&self) -> u64 {
        self.run_ns
    }

    pub(super) fn overhead_ns(&self) -> u64 {
        self.overhead_ns
    }

    pub(super) fn preempted_ns(&self) -> u64 {
        self.preempted_ns
    }

    /// By wall time to three digits: (upper bound in ns, count).
    pub(super) fn histogram(&self) -> Vec<(u64, u64)> {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 3_600_000_000_000, 3)
            .expect("an hour at three digits is a valid range");
        self.trace.iter().for_each(|(_, wall_ns)| histogram.saturating_record(wall_ns.max(1)));
        let counts = histogram.iter_recorded();
        counts.map(|v| (v.value_iterated_to(), v.count_at_value())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> PauseLog {
        let mut log = PauseLog::new();
        log.log_every(LISTED_PAUSES * 4);
        log
    }

    #[test]
    fn the_list_keeps_the_longest_pauses_and_the_trace_all() {
        let mut log = PauseLog::new();
        log.trace = PauseTrace::new(LISTED_PAUSES * 3);
        let total = LISTED_PAUSES as u64 * 3;
        for n in 0..total {
            let wall_ns = 1 + n * 7919 % total;
            let start_ns = log.end_ns + 10;
            log.record(start_ns, start_ns + wall_ns, None, PauseKind::Cascade);
        }
        assert!(log.longest().len() <= LISTED_PAUSES);
        let count: u64 = log.histogram().iter().map(|&(_, count)| count).sum();
        assert_eq!((count, log.count(), log.trace().dropped()), (total, total, 0));
        assert_eq!(log.longest().iter().map(|p| p.wall_ns).max(), Some(total));
        let listed_long = log.longest().iter().filter(|p| p.wall_ns > total - 100).count();
        assert_eq!(listed_long, 100, "none of the longest may be dropped");
        assert!(log.longest().is_sorted_by_key(|p| p.start_ns));
    }

    #[test]
    fn the_trace_has_every_gap_and_length_without_the_overhead() {
        let mut log = every();
        log.cascade_overhead = Overhead { gap_ns: 7, length_ns: 5 };
        let mut now_ns = log.origin_ns;
        for (gap_ns, length_ns) in [(100, 50), (6, 4), (1 << 40, 30), (20, 1 << 35)] {
            let start_ns = now_ns + gap_ns;
            now_ns = start_ns + length_ns;
            log.record(start_ns, now_ns, None, PauseKind::Cascade);
        }
        let expected =
            [(93, 45), (138, 0), (131 + (1 << 40), 25), (169 + (1 << 40), (1 << 35) - 5)];
        assert_eq!(log.trace().iter().collect::<Vec<_>>(), expected);
        assert_eq!((log.total_ns(), log.overhead_ns()), (65 + (1 << 35), 3 * 12 + 10));
    }

    #[test]
    fn a_nested_pause_is_a_part_of_the_outermost() {
        let mut log = every();
        log.begin_cascade();
        log.begin_cascade();
        log.end_cascade();
        let collection = log.begin();
        log.end(collection, PauseKind::Stw);
        log.end_cascade();
        let kinds: Vec<_> = log.longest().iter().map(|pause| pause.kind).collect();
        assert_eq!((kinds, log.count()), (vec![PauseKind::Cascade], 1));
    }

    #[test]
    fn what_the_system_took_is_neither_pause_nor_gap() {
        let mut log = every();
        (log.cascade_overhead, log.gap_preempted_ns) = (Overhead::default(), 300);
        let from_ns = log.origin_ns;
        // The first was preempted, the second waited.
        log.record(from_ns + 1000, from_ns + 3000, Some((1500, true)), PauseKind::Cascade);
        log.record(from_ns + 4000, from_ns + 6000, Some((1500, false)), PauseKind::Cascade);
        let expected = [(700, 500), (2200, 2000)];
        assert_eq!(log.trace().iter().collect::<Vec<_>>(), expected);
        let cpu_ns: Vec<_> = log.longest().iter().map(|pause| pause.cpu_ns).collect();
        assert_eq!(cpu_ns, [Some(500), Some(500)]);
        assert_eq!((log.preempted_ns(), log.overhead_ns()), (1800, 0));
    }

    #[test]
    fn the_run_ends_after_its_last_pause_on_the_same_time_line() {
        let mut log = every();
        for _ in 0..3 {
            log.begin_cascade();
            log.end_cascade();
        }
        log.stop();
        let (start_ns, length_ns) = log.trace().iter().last().unwrap();
        let tail_ns = log.run_ns() - (start_ns + length_ns);
        let removed_ns = log.overhead_ns() + log.preempted_ns();
        assert!(tail_ns > 0 && log.run_ns() + removed_ns <= log.now_ns());
    }

    #[test]
    fn a_wait_is_not_taken_for_the_time_of_another_thread() {
        let earlier = Reading { wall_ns: 100, cpu_ns: 10, waits: 3, preemptions: 5 };
        let later = |waits, preemptions| {
            let reading = Reading { wall_ns: 1100, cpu_ns: 410, waits, preemptions };
            reading.off_cpu_since(&earlier)
        };
        assert_eq!([later(3, 5), later(3, 6)], [(600, false), (600, true)]);
        assert_eq!([later(4, 5), later(4, 6)], [(600, false), (600, false)]);
    }

    #[test]
    fn long_pauses_know_their_cpu_time_in_the_pause_pass() {
        let (mut timed, mut every) = (PauseLog::new(), every());
        let long = |log: &mut PauseLog| {
            let start = log.begin();
            while os::monotonic_ns() - start.wall_ns < LONG_NS {}
            log.end(start, PauseKind::Stw);
            log.longest()[0].cpu_ns
        };
        assert_eq!((long(&mut timed), long(&mut every).is_some()), (None, true));
    }

    #[test]
    fn a_start_forgets_the_pauses_before_it() {
        let mut log = every();
        log.begin_cascade();
        log.end_cascade();
        log.start();
        assert_eq!((log.count(), log.total_ns(), log.overhead_ns()), (0, 0, 0));
        assert_eq!((log.longest().len(), log.trace().iter().count()), (0, 0));
    }
}
