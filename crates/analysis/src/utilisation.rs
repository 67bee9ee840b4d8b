//! Utilisation: the share of a window of time in which the program runs, at its worst.
//!
//! *MMU(w)*, minimum mutator utilisation (Cheng and Blelloch 2001, *A parallel, real-time garbage
//! collector*, section 1): the least utilisation of any window of length w inside the run. *BMU(w)*,
//! bounded mutator utilisation (Sachindran, Moss and Berger 2004, *MC2: high-performance garbage collection
//! for memory-constrained environments*, section 5): the least of any window of length w **or longer**. It
//! never falls with w, so that one number at one window can be ranked.
//!
//! Both are exact for a trace of pauses:
//!
//! 1. Slid over the run, a window of fixed length is at its worst where it begins with a pause, or at the end
//!    of the run: a worst window elsewhere slides to one of these and loses nothing. If its begin runs, slid
//!    later it neither gains (it is a worst one) nor loses until its begin meets a pause; if its begin is
//!    paused, slid earlier it gains there what it may lose at its end.
//! 2. A longer window at its worst begins with a pause and ends with one. The densest stretch from the start
//!    of a pause to the end of one, of length w or more, is the steepest line between two staircases: the
//!    lower convex hull of the starts yields it (as for segments of maximum density: Goldwasser, Kao and Lu
//!    2005, *Linear-time algorithms for computing maximum-density sequence segments*).
//!
//! Each window takes time linear in the number of pauses.

use record::Utilisation;
use std::cmp::Ordering;

/// Windows per factor of ten: the preferred numbers R10 of ISO 3, in ns from a microsecond on.
const STEPS_NS: [u64; 10] = [1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000];

/// The stated grid of windows: from 1 us to the length of the run, ten per factor of ten, and the run itself.
pub fn grid(total_ns: u64) -> Vec<u64> {
    let decades = std::iter::successors(Some(1), |decade: &u64| decade.checked_mul(10));
    let steps = decades.flat_map(|decade| STEPS_NS.map(|step_ns| step_ns.saturating_mul(decade)));
    let shorter = steps.take_while(|&window_ns| window_ns < total_ns);
    shorter.chain((total_ns > 0).then_some(total_ns)).collect()
}

/// MMU and BMU at each of these windows, for pauses (start, length) in ns in any order.
///
/// A pause counts as far as it lies in the run, and overlapping ones count once. Windows of no length, or
/// longer than the run, have no utilisation and are left out.
pub fn curve(
    pauses: impl IntoIterator<Item = (u64, u64)>,
    total_ns: u64,
    windows_ns: &[u64],
) -> Vec<Utilisation> {
    let trace = Trace::new(pauses, total_ns);
    let inside = windows_ns.iter().filter(|&&window_ns| (1..=total_ns).contains(&window_ns));
    inside.map(|&window_ns| trace.utilisation(window_ns)).collect()
}

/// Share of the run in which the program is paused, 0 to 1; 0 for a run of no length.
pub fn paused_share(pauses: impl IntoIterator<Item = (u64, u64)>, total_ns: u64) -> f64 {
    let paused_ns = Trace::new(pauses, total_ns).stops.last().map_or(0, Stop::paused_ns);
    paused_ns as f64 / total_ns.max(1) as f64
}

/// A longest interval without the program running.
#[derive(Debug, Clone, Copy)]
struct Stop {
    start_ns: u64,
    end_ns: u64,
    /// Time paused before it.
    before_ns: u64,
}

impl Stop {
    /// Time paused up to its end.
    fn paused_ns(&self) -> u64 {
        self.before_ns + self.end_ns - self.start_ns
    }
}

/// A share of paused time.
#[derive(Debug, Clone, Copy)]
struct Density {
    paused_ns: u64,
    length_ns: u64,
}

impl Density {
    /// Of a window that begins where `start` does and ends where `end` does.
    fn between(start: &Stop, end: &Stop) -> Self {
        Self {
            paused_ns: end.paused_ns() - start.before_ns,
            length_ns: end.end_ns - start.start_ns,
        }
    }

    fn cmp(self, other: Self) -> Ordering {
        let scaled = |a: Self, b: Self| u128::from(a.paused_ns) * u128::from(b.length_ns);
        scaled(self, other).cmp(&scaled(other, self))
    }

    fn utilisation(self) -> f64 {
        (self.length_ns - self.paused_ns) as f64 / self.length_ns as f64
    }
}

/// The pauses of a run. **Invariant:** stops lie inside the run, in order, with time between them.
struct Trace {
    stops: Vec<Stop>,
    total_ns: u64,
}

impl Trace {
    fn new(pauses: impl IntoIterator<Item = (u64, u64)>, total_ns: u64) -> Self {
        let intervals = pauses.into_iter().map(|(start_ns, length_ns)| {
            (start_ns, start_ns.saturating_add(length_ns).min(total_ns))
        });
        let mut intervals: Vec<(u64, u64)> =
            intervals.filter(|&(start_ns, end_ns)| start_ns < end_ns).collect();
        if !intervals.is_sorted() {
            intervals.sort_unstable();
        }
        let mut stops: Vec<Stop> = Vec::with_capacity(intervals.len());
        for (start_ns, end_ns) in intervals {
            match stops.last_mut() {
                Some(last) if start_ns <= last.end_ns => last.end_ns = last.end_ns.max(end_ns),
                last => {
                    let before_ns = last.map_or(0, |last| last.paused_ns());
                    stops.push(Stop { start_ns, end_ns, before_ns });
                }
            }
        }
        Self { stops, total_ns }
    }

    fn utilisation(&self, window_ns: u64) -> Utilisation {
        let worst = self.worst_of(window_ns);
        let densest = self.densest_from(window_ns);
        let densest = densest.filter(|densest| densest.cmp(worst).is_gt()).unwrap_or(worst);
        Utilisation { window_ns, mmu: worst.utilisation(), bmu: densest.utilisation() }
    }

    /// The window of this length with the most paused time.
    fn worst_of(&self, window_ns: u64) -> Density {
        let last_start_ns = self.total_ns - window_ns;
        let all_ns = self.stops.last().map_or(0, Stop::paused_ns);
        let last_ns = all_ns - self.paused_until()(last_start_ns);
        let mut paused_until = self.paused_until();
        let inside = self.stops.iter().take_while(|stop| stop.start_ns <= last_start_ns);
        let each = inside.map(|stop| paused_until(stop.start_ns + window_ns) - stop.before_ns);
        Density { paused_ns: each.fold(last_ns, u64::max), length_ns: window_ns }
    }

    /// Time paused before a point of time, for points in ascending order.
    fn paused_until(&self) -> impl FnMut(u64) -> u64 + '_ {
        let mut next = 0;
        move |at_ns| {
            while self.stops.get(next).is_some_and(|stop| stop.end_ns <= at_ns) {
                next += 1;
            }
            match self.stops.get(next) {
                Some(stop) => stop.before_ns + at_ns.saturating_sub(stop.start_ns),
                None => self.stops.last().map_or(0, Stop::paused_ns),
            }
        }
    }

    /// The densest window from the start of a stop to the end of one, at least this long.
    fn densest_from(&self, window_ns: u64) -> Option<Density> {
        // The lower convex hull of (start, time paused before it), from `head` on: the starts that may still
        // begin the densest window. A start is dropped at the front once the next one is as good: it could be
        // better again only in a window less dense than the one found by then.
        let (mut hull, mut head): (Vec<&Stop>, usize) = (Vec::new(), 0);
        let (mut starts, mut densest) = (self.stops.iter().peekable(), None);
        for end in &self.stops {
            while let Some(start) =
                starts.next_if(|start| start.start_ns.saturating_add(window_ns) <= end.end_ns)
            {
                while let [.., a, b] = hull[head..]
                    && !is_below(a, b, start)
                {
                    hull.pop();
                }
                hull.push(start);
            }
            while let [a, b, ..] = hull[head..]
                && Density::between(b, end).cmp(Density::between(a, end)).is_ge()
            {
                head += 1;
            }
            if let Some(start) = hull.get(head) {
                let density = Density::between(start, end);
                if densest.is_none_or(|densest| density.cmp(densest).is_gt()) {
                    densest = Some(density);
                }
            }
        }
        densest
    }
}

/// Whether `b` lies below the line from `a` to `c`.
fn is_below(a: &Stop, b: &Stop, c: &Stop) -> bool {
    let rise = |to: &Stop| u128::from(to.before_ns - a.before_ns);
    let run = |to: &Stop| u128::from(to.start_ns - a.start_ns);
    rise(b) * run(c) < rise(c) * run(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(pauses: &[(u64, u64)], total_ns: u64, window_ns: u64) -> (f64, f64) {
        let [point] = curve(pauses.iter().copied(), total_ns, &[window_ns])[..] else {
            panic!("one window")
        };
        (point.mmu, point.bmu)
    }

    /// Time paused before each ns, by marking every ns.
    fn paused_before(pauses: &[(u64, u64)], total_ns: u64) -> Vec<u64> {
        let is_paused =
            |ns| pauses.iter().any(|&(start, length)| (start..start + length).contains(&ns));
        let mut before = vec![0];
        (0..total_ns).for_each(|ns| before.push(before[ns as usize] + u64::from(is_paused(ns))));
        before
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The definitions, by trying every window: all its ends are whole numbers at its worst.
        #[test]
        fn equals_brute_force(
            total_ns in 1u64..80,
            pauses in prop::collection::vec((0u64..90, 0u64..12), 0..14),
        ) {
            let before = paused_before(&pauses, total_ns);
            let mmu = |length: u64| {
                let paused = |start: u64| before[(start + length) as usize] - before[start as usize];
                let worst = (0..=total_ns - length).map(paused).max().unwrap();
                (length - worst) as f64 / length as f64
            };
            let windows: Vec<u64> = (1..=total_ns).collect();
            for point in curve(pauses, total_ns, &windows) {
                let window_ns = point.window_ns;
                prop_assert_eq!(point.mmu, mmu(window_ns));
                let bounded = |last| (window_ns..=last).map(mmu).fold(1.0, f64::min);
                prop_assert_eq!(point.bmu, bounded(total_ns));
                // A longer window splits into parts of at most twice the length, one of them as bad.
                prop_assert_eq!(point.bmu, bounded(total_ns.min(2 * window_ns)));
            }
        }

        #[test]
        fn a_million_times_longer_is_the_same(
            pauses in prop::collection::vec((0u64..1000, 0u64..20), 0..40), window_ns in 1u64..1000,
        ) {
            const SCALE: u64 = 3_000_000_017;
            let long: Vec<_> = pauses.iter().map(|&(s, l)| (s * SCALE, l * SCALE)).collect();
            let (mmu, bmu) = at(&pauses, 1000, window_ns);
            let (long_mmu, long_bmu) = at(&long, 1000 * SCALE, window_ns * SCALE);
            prop_assert!((mmu - long_mmu).abs() < 1e-12 && (bmu - long_bmu).abs() < 1e-12);
        }
    }

    #[test]
    fn without_a_pause_the_program_always_runs() {
        assert_eq!(at(&[], 100, 100), (1.0, 1.0));
        assert_eq!(at(&[(5, 0), (100, 7)], 100, 1), (1.0, 1.0), "of no length, or after the end");
        assert_eq!(paused_share([], 100), 0.0);
        assert_eq!(paused_share([], 0), 0.0);
    }

    #[test]
    fn one_pause_may_be_the_whole_run() {
        assert_eq!(at(&[(0, 1000)], 100, 100), (0.0, 0.0));
        assert_eq!(paused_share([(0, 1000)], 100), 1.0);
    }

    #[test]
    fn overlapping_and_adjacent_pauses_are_one() {
        let pauses = [(30, 10), (10, 10), (15, 15), (12, 3)];
        assert_eq!(at(&pauses, 100, 30), (0.0, 0.0));
        assert_eq!(at(&pauses, 100, 31).0, 1.0 / 31.0);
        assert_eq!(paused_share(pauses, 100), 0.3);
    }

    #[test]
    fn a_longer_window_can_be_worse() {
        // Ten ms contain one pause, eleven two.
        let pauses = [(0, 1), (10, 1), (50, 1)];
        assert_eq!(at(&pauses, 100, 10), (0.9, 9.0 / 11.0));
    }

    #[test]
    fn windows_longer_than_the_run_have_no_utilisation() {
        assert_eq!(curve([(0, 1)], 100, &[0, 101]), []);
    }

    #[test]
    fn the_grid_has_ten_windows_per_decade_and_the_run() {
        let windows = grid(20_000_001);
        assert_eq!(windows.len(), 10 * 4 + 5);
        assert_eq!((windows[0], windows[43], windows[44]), (1000, 20_000_000, 20_000_001));
        assert!([1_000_000, 10_000_000].iter().all(|window_ns| windows.contains(window_ns)));
        assert!(windows.is_sorted());
        assert_eq!((grid(0), grid(7), grid(1000)), (vec![], vec![7], vec![1000]));
        assert!(grid(u64::MAX).len() > 100);
    }
}
