//! Costs over the number of live objects: collection time per live object, and memory of queues.
//!
//! A *series* is a program at several sizes: workloads with a parameter `live_objects` whose names
//! differ in their last part only, as `live-tree-1M` and `live-tree-10M`.
//!
//! Such a program requests collections in phases called `collect`. The cost of a collection is the sum
//! of the pauses that begin in its phase, in CPU time of the pausing thread where that was read: on a
//! shared machine it is disturbed less than wall time. A process counts once, by the median of its
//! collections, because they share one memory layout.

use crate::estimate::median_of_sorted;
use crate::{Estimate, Measured};
use record::{HeapSize, Mode, Outcome, Record, Run, Sample};
use serde::Serialize;

/// The parameter with the number of live objects.
const LIVE_OBJECTS: &str = "live_objects";
/// The phases in which the program requests collections.
const COLLECT: &str = "collect";

/// A program at several sizes, at one heap size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The common part of its workloads' names.
    pub program: String,
    /// Requested heap size.
    pub heap: HeapSize,
    /// One curve per collector that has a point, in registry order.
    pub curves: Vec<Curve>,
    /// Collectors without a point, each with the reason.
    pub missing: Vec<(String, String)>,
}

/// One collector on such a program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Collector, as in [`record::Cell::collector`].
    pub collector: String,
    /// Points in order of their live objects.
    pub points: Vec<Point>,
}

/// One collector on one workload, all repeats.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Objects live during the collections.
    pub live_objects: u64,
    /// Collection time over live objects, in ns: one value per repeat.
    pub per_object_ns: Measured<Estimate>,
    /// Peak size of the queues over all repeats.
    pub queue_peak_bytes: Measured<u64>,
}

impl Curve {
    /// The largest over the smallest median time per object: 1 for an exactly linear cost. `None` with
    /// fewer than two points, or if the smallest is 0.
    pub fn spread(&self) -> Option<f64> {
        let medians = self.points.iter().filter_map(|p| Some(p.per_object_ns.known()?.median));
        let medians: Vec<f64> = medians.collect();
        let low = medians.iter().copied().fold(f64::INFINITY, f64::min);
        let high = medians.iter().copied().fold(0.0, f64::max);
        (medians.len() > 1 && low > 0.0).then(|| high / low)
    }
}

/// All series of a run that have more than one point, in suite order and the order of heap sizes.
pub fn series(run: &Run) -> Vec<Series> {
    let manifest = &run.manifest;
    let mut programs: Vec<&str> = Vec::new();
    for workload in manifest.workloads.iter().filter(|w| w.parameters.contains_key(LIVE_OBJECTS)) {
        let program = program_of(&workload.name);
        if !programs.contains(&program) {
            programs.push(program);
        }
    }
    let of = |program: &str, heap| {
        let (mut curves, mut missing) = (Vec::new(), Vec::new());
        for collector in &manifest.collectors {
            match points(run, program, &collector.name, heap) {
                Ok(points) => curves.push(Curve { collector: collector.name.clone(), points }),
                Err(reason) => missing.push((collector.name.clone(), reason)),
            }
        }
        Series { program: program.to_owned(), heap, curves, missing }
    };
    let all = programs.iter().flat_map(|p| manifest.heaps.iter().map(|&heap| of(p, heap)));
    all.filter(|series| series.curves.iter().any(|curve| curve.points.len() > 1)).collect()
}

/// `live-tree` for `live-tree-10M`.
fn program_of(workload: &str) -> &str {
    workload.rsplit_once('-').map_or(workload, |(program, _)| program)
}

/// The points of a collector; without any, the reason: the first outcome that is not a success.
fn points(run: &Run, program: &str, collector: &str, heap: HeapSize) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut reason = None;
    for workload in run.manifest.workloads.iter().filter(|w| program_of(&w.name) == program) {
        let Some(&live_objects) = workload.parameters.get(LIVE_OBJECTS) else { continue };
        let is_meant = |record: &&Record| {
            let cell = &record.cell;
            // A collector that no limit binds is run once, without one.
            let fits = cell.heap == heap || cell.heap == HeapSize::Unlimited;
            (cell.workload.as_str(), cell.collector.as_str()) == (&workload.name, collector)
                && fits
                && cell.mode == Mode::Time
        };
        let records: Vec<&Record> = run.records.iter().filter(is_meant).collect();
        if let Some(failed) = records.iter().find(|r| r.outcome != Outcome::Ok) {
            reason.get_or_insert_with(|| failed.outcome.to_string());
            continue;
        }
        let samples: Vec<&Sample> = records.iter().filter_map(|r| r.sample.as_ref()).collect();
        if !samples.is_empty() {
            points.push(point(&samples, live_objects));
        }
    }
    points.sort_by_key(|point| point.live_objects);
    if points.is_empty() {
        return Err(reason.unwrap_or_else(|| "not run in time mode".to_owned()));
    }
    Ok(points)
}

fn point(samples: &[&Sample], live_objects: u64) -> Point {
    let per_object = |s: &&Sample| Some(collection_ns(s)? / live_objects.max(1) as f64);
    let costs: Option<Vec<f64>> = samples.iter().map(per_object).collect();
    let reason = || "no collection stopped the program".to_owned();
    Point {
        live_objects,
        per_object_ns: Measured::known_or(costs.and_then(Estimate::of), reason),
        queue_peak_bytes: queue_peak(samples),
    }
}

/// The peak size of the queues over these samples.
pub(crate) fn queue_peak(samples: &[&Sample]) -> Measured<u64> {
    let reason = || "no queue, or not reported by the program".to_owned();
    Measured::known_or(samples.iter().filter_map(|s| s.queue_peak_bytes).max(), reason)
}

/// The median cost of the requested collections; `None` if none stopped the program.
fn collection_ns(sample: &Sample) -> Option<f64> {
    let ends = sample.phases.iter().skip(1).map(|&(_, at_ns)| at_ns).chain([u64::MAX]);
    let phases = sample.phases.iter().zip(ends).filter(|((name, _), _)| name == COLLECT);
    let mut costs: Vec<f64> = phases
        .filter_map(|(&(_, begin_ns), end_ns)| {
            let own = sample.pauses.iter().filter(|p| (begin_ns..end_ns).contains(&p.start_ns));
            own.map(|p| p.cpu_ns.unwrap_or(p.wall_ns)).reduce(|a, b| a + b).map(|ns| ns as f64)
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    median_of_sorted(&costs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use record::{Pause, WorkloadInfo};

    const HEAP: HeapSize = fixture::HEAPS[0];

    fn pause(start_ns: u64, cpu_ns: u64) -> Pause {
        fixture::pause(start_ns, 10 * cpu_ns, Some(cpu_ns))
    }

    /// Two collections of `cost` and 3 x `cost`, the second one in two pauses, and a pause in between.
    fn sample(cost: u64) -> Sample {
        let phases = [("build", 0), ("collect", 100), ("garbage", 200), ("collect", 300)];
        Sample {
            phases: phases.map(|(name, at_ns)| (name.to_owned(), at_ns)).to_vec(),
            pauses: vec![
                pause(50, 7),
                pause(100, cost),
                pause(250, 1_000_000),
                pause(300, cost),
                pause(400, 2 * cost),
            ],
            queue_peak_bytes: Some(cost),
            ..fixture::sample()
        }
    }

    fn run(points: &[(&str, u64, u64)]) -> Run {
        let mut run = fixture::run_of(Vec::new());
        run.manifest.workloads = points
            .iter()
            .map(|&(name, live_objects, _)| WorkloadInfo {
                name: name.to_owned(),
                parameters: [(LIVE_OBJECTS.to_owned(), live_objects)].into(),
                ..run.manifest.workloads[0].clone()
            })
            .collect();
        for &(name, _, cost) in points {
            for (block, cost) in [cost, cost + 2].into_iter().enumerate() {
                let record =
                    fixture::record(name, "mark-sweep", HEAP, Mode::Time, block as u32, 200);
                run.records.push(Record { sample: Some(sample(cost)), ..record });
            }
        }
        run
    }

    #[test]
    fn a_collection_costs_the_pauses_of_its_phase() {
        assert_eq!(collection_ns(&sample(40)), Some(80.0), "the median of 40 and 120");
        let idle = Sample { pauses: vec![pause(50, 7)], ..sample(40) };
        assert_eq!(collection_ns(&idle), None);
        assert_eq!(collection_ns(&fixture::sample()), None);
    }

    #[test]
    fn a_program_at_several_sizes_is_a_curve() {
        let run = run(&[("tree-10", 10, 100), ("tree-1", 1, 5), ("bush-1", 1, 1)]);
        let all = series(&run);
        assert_eq!(all.len(), 1, "one point is no series: {all:?}");
        let tree = &all[0];
        assert_eq!((tree.program.as_str(), tree.heap), ("tree", HEAP));
        let found: Vec<_> = tree.curves[0]
            .points
            .iter()
            .map(|p| (p.live_objects, p.per_object_ns.known().unwrap().median))
            .collect();
        // Twice the cost, of two repeats, one of which costs two more.
        assert_eq!(found, [(1, 12.0), (10, 20.2)]);
        assert_eq!(tree.curves[0].points[1].queue_peak_bytes, Measured::Known(102));
        assert!((tree.curves[0].spread().unwrap() - 20.2 / 12.0).abs() < 1e-9);
        let names: Vec<_> = tree.missing.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["no-gc", "rc"]);
    }

    #[test]
    fn a_failure_is_no_point_and_gives_its_reason() {
        let mut run = run(&[("tree-1", 1, 5), ("tree-10", 10, 100), ("tree-99", 99, 100)]);
        run.records[5].outcome = Outcome::OutOfMemory { reason: "full".to_owned() };
        assert_eq!(series(&run)[0].curves[0].points.len(), 2);
        for record in &mut run.records {
            record.cell.collector = if record.block == 0 { "rc" } else { "mark-sweep" }.to_owned();
            if record.block == 0 {
                record.outcome = Outcome::NotApplicable { reason: "no collections".to_owned() };
            }
        }
        let missing = &series(&run)[0].missing;
        assert_eq!(missing[1], ("rc".to_owned(), "n/a: no collections".to_owned()));
    }
}
