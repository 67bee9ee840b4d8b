//! Pauses: the intervals in which a mutator does not run its own code, on account of memory management.
//!
//! 1. *Timed pass*: only pauses of collections are logged, for the sizing policies need their time. A
//!    cascade, a drop or free and all that follows from it, reads no clock: it tests one flag.
//! 2. *Pause pass*: every pause is logged, a cascade from its first object on, and nested ones as a part
//!    of the outermost. The program and the collector are the very code of the timed pass.
//! 3. Reading clocks lengthens short pauses and the gaps between them several times. What an empty pause and
//!    an empty gap measure is determined before the run, and subtracted from each.

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
    /// Wall time in ns.
    pub wall_ns: u64,
    /// CPU time of the pausing thread in ns; `None` in the timed pass, and for cascades of fewer than 4,096
    /// objects.
    pub cpu_ns: Option<u64>,
    /// Kind.
    pub kind: PauseKind,
}

/// A pause of a collection that has begun.
#[derive(Clone, Copy, Debug)]
#[must_use = "a pause that is not ended is not recorded"]
pub struct PauseStart {
    wall_ns: u64,
    /// Read in the pause pass only: it costs half a microsecond.
    cpu_ns: Option<u64>,
}

/// The outermost cascade that has begun.
#[derive(Debug, Default)]
struct OpenCascade {
    wall_ns: u64,
    objects: u32,
    /// Monotonic and CPU time once it was found to be long.
    second_ns: Option<(u64, u64)>,
}

/// What logging adds to a pause and to the gap before it, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Overhead {
    gap_ns: u64,
    length_ns: u64,
}

/// Objects from which on a cascade reads the CPU clock: some tens of microseconds.
const CASCADE_CPU_OBJECTS: u32 = 4096;
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
    open: OpenCascade,
    /// Monotonic time of the end of the last pause.
    end_ns: u64,
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
}

impl PauseLog {
    /// The log of a timed pass.
    pub(super) fn new() -> Self {
        let untouched = Pause { start_ns: 1, wall_ns: 1, cpu_ns: Some(1), kind: PauseKind::Stw };
        let mut log = Self {
            logs_cascades: false,
            origin_ns: 0,
            depth: 0,
            open: OpenCascade::default(),
            end_ns: 0,
            trace: PauseTrace::new(TIMED_PAUSES),
            longest: vec![untouched; LISTED_PAUSES],
            listed_from_ns: 0,
            count: 0,
            total_ns: 0,
            collecting_ns: 0,
            collection_overhead: Overhead::default(),
            cascade_overhead: Overhead::default(),
            overhead_ns: 0,
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
        (self.count, self.total_ns, self.collecting_ns, self.overhead_ns) = (0, 0, 0, 0);
        (self.depth, self.listed_from_ns) = (0, 0);
        self.origin_ns = os::monotonic_ns();
        self.end_ns = self.origin_ns;
    }

    pub(super) fn now_ns(&self) -> u64 {
        os::monotonic_ns() - self.origin_ns
    }

    pub(super) fn begin(&mut self) -> PauseStart {
        self.depth += 1;
        let cpu_ns = self.logs_cascades.then(os::thread_cpu_ns);
        PauseStart { wall_ns: os::monotonic_ns(), cpu_ns }
    }

    pub(super) fn end(&mut self, start: PauseStart, kind: PauseKind) {
        let now_ns = os::monotonic_ns();
        let cpu_ns = start.cpu_ns.map(|start_ns| os::thread_cpu_ns().saturating_sub(start_ns));
        self.collecting_ns += now_ns - start.wall_ns;
        self.depth -= 1;
        if self.depth == 0 {
            self.record(start.wall_ns, now_ns, cpu_ns, kind);
        }
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
            self.open = OpenCascade { wall_ns: os::monotonic_ns(), ..OpenCascade::default() };
        }
    }

    /// Counts reclaimed objects of the open cascade.
    pub(super) fn reclaimed(&mut self, objects: u32) {
        let open = &mut self.open;
        open.objects = open.objects.saturating_add(objects);
        if open.objects >= CASCADE_CPU_OBJECTS && open.second_ns.is_none() {
            open.second_ns = Some((os::monotonic_ns(), os::thread_cpu_ns()));
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn end_cascade(&mut self) {
        let now_ns = os::monotonic_ns();
        self.depth -= 1;
        if self.depth > 0 {
            return;
        }
        let OpenCascade { wall_ns, second_ns, .. } = self.open;
        // Assumes that the thread ran undisturbed until the CPU clock was read.
        let cpu_ns = second_ns.map(|(second_wall_ns, second_cpu_ns)| {
            second_wall_ns - wall_ns + os::thread_cpu_ns().saturating_sub(second_cpu_ns)
        });
        self.record(wall_ns, now_ns, cpu_ns, PauseKind::Cascade);
    }

    /// **Invariant:** pauses are disjoint and in order, since a nested one is a part of the outermost.
    fn record(&mut self, start_ns: u64, end_ns: u64, cpu_ns: Option<u64>, kind: PauseKind) {
        let overhead = match kind {
            PauseKind::Cascade => self.cascade_overhead,
            _ => self.collection_overhead,
        };
        debug_assert!(self.end_ns <= start_ns, "a pause begins before the last one ends");
        let gap_ns = (start_ns - self.end_ns).saturating_sub(overhead.gap_ns);
        let wall_ns = (end_ns - start_ns).saturating_sub(overhead.length_ns);
        self.overhead_ns += end_ns - self.end_ns - gap_ns - wall_ns;
        self.end_ns = end_ns;
        self.count += 1;
        self.total_ns += wall_ns;
        self.trace.push(gap_ns, wall_ns);
        if wall_ns >= self.listed_from_ns {
            // The CPU clock is read around the other one.
            let cpu_ns = cpu_ns.map(|cpu_ns| cpu_ns.min(wall_ns));
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

    pub(super) fn overhead_ns(&self) -> u64 {
        self.overhead_ns
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
    fn a_long_cascade_knows_its_cpu_time_and_a_collection_always() {
        let mut log = every();
        log.begin_cascade();
        log.reclaimed(CASCADE_CPU_OBJECTS - 1);
        log.end_cascade();
        log.begin_cascade();
        (0..2).for_each(|_| log.reclaimed(CASCADE_CPU_OBJECTS / 2));
        log.end_cascade();
        let collection = log.begin();
        log.end(collection, PauseKind::Stw);
        let read: Vec<bool> = log.longest().iter().map(|pause| pause.cpu_ns.is_some()).collect();
        assert_eq!(read, [false, true, true]);
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
