//! Scenes: the records of one workload at one heap size, all collectors.
//!
//! A collector that no limit binds has one row for all heap multiples and appears in the scene of
//! each of them.

use crate::canvas::{Ink, Stroke};
use crate::layout::failures::Absent;
use crate::layout::frame::Frame;
use analysis::{Conclusions, Measured, Row, Summary, format};
use record::{
    CollectorInfo, Environment, HeapSize, LivePoint, Manifest, Mode, Outcome, Record, Run, Safety,
    Sample, WorkloadInfo, read_safety,
};

/// A run with the results computed from it, once for all charts.
#[derive(Debug)]
pub(crate) struct RunView<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// Its rows.
    pub(crate) summary: Summary,
    /// Its verdicts, league and sentences.
    pub(crate) conclusions: Conclusions,
    /// Its scaling series: programs at several sizes.
    pub(crate) scaling: Vec<analysis::scaling::Series>,
    /// The safety matrix of its directory, if there is one, or the reason why it cannot be read.
    pub(crate) safety: Result<Option<Safety>, String>,
}

/// One workload at one heap size.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// The run it belongs to.
    pub(crate) run: &'a Run,
    /// The workload.
    pub(crate) workload: &'a WorkloadInfo,
    /// The heap size.
    pub(crate) heap: HeapSize,
    /// Collectors that have a row, in registry order.
    pub(crate) series: Vec<Series<'a>>,
    /// Exact live bytes from the census; empty without one.
    pub(crate) live: &'a [LivePoint],
}

/// One collector in a scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series<'a> {
    /// The collector.
    pub(crate) collector: &'a CollectorInfo,
    /// Its numbers.
    pub(crate) row: &'a Row,
    /// The memory record to draw: the one with the median peak, or a failed one with a timeline.
    pub(crate) memory: Option<&'a Record>,
    /// The record whose pauses are drawn: that of the first block.
    pub(crate) paused: Option<&'a Record>,
}

impl<'a> RunView<'a> {
    /// Computes the rows of a run.
    pub(crate) fn new(run: &'a Run) -> Self {
        Self {
            run,
            summary: analysis::summarise(run),
            conclusions: analysis::conclude(run),
            scaling: analysis::scaling::series(run),
            safety: read_safety(&run.directory),
        }
    }

    /// All collectors of the charts; the safety matrix may have more than the run.
    pub(crate) fn collectors(&self) -> impl Iterator<Item = &CollectorInfo> {
        let tried = self.safety.iter().flatten().flat_map(|safety| &safety.collectors);
        self.run.manifest.collectors.iter().chain(tried)
    }

    /// Heap sizes with scenes of their own: the requested ones; unlimited only if it is the only one.
    pub(crate) fn heaps(&self) -> Vec<HeapSize> {
        let mut heaps = self.summary.heaps.clone();
        if heaps.len() > 1 {
            heaps.retain(|heap| *heap != HeapSize::Unlimited);
        }
        heaps
    }

    /// The scenes of one workload, in the order of the heap sizes.
    pub(crate) fn scenes_of(&'a self, workload: &'a WorkloadInfo) -> Vec<Scene<'a>> {
        self.heaps()
            .into_iter()
            .map(|heap| Scene::new(self, workload, heap))
            .filter(|scene| !scene.series.is_empty())
            .collect()
    }
}

impl<'a> Scene<'a> {
    fn new(view: &'a RunView<'a>, workload: &'a WorkloadInfo, heap: HeapSize) -> Self {
        let records = || view.run.records.iter().filter(|r| r.cell.workload == workload.name);
        let row_of = |collector: &CollectorInfo| {
            let at = |heap| view.summary.row_at(&workload.name, &collector.name, heap);
            at(heap).or_else(|| at(HeapSize::Unlimited))
        };
        let series_of = |collector| {
            let row = row_of(collector)?;
            let is_own =
                |r: &&Record| r.cell.collector == collector.name && r.cell.heap == row.heap;
            let own: Vec<&Record> = records().filter(is_own).collect();
            Some(Series { collector, row, memory: drawn_memory(&own), paused: drawn_pauses(&own) })
        };
        let series = view.run.manifest.collectors.iter().filter_map(series_of).collect();
        let live = records()
            .filter(|r| r.cell.mode == Mode::Census)
            .filter_map(|r| r.sample.as_ref())
            .map(|s| s.live.as_slice())
            .find(|live| !live.is_empty())
            .unwrap_or_default();
        Self { run: view.run, workload, heap, series, live }
    }

    /// The heap limit in force, if one binds a collector here.
    pub(crate) fn limit_bytes(&self) -> Option<u64> {
        let asked =
            |s: &Series<'_>| (s.row.heap == self.heap).then_some(s.row.heap_limit_bytes).flatten();
        self.series.iter().find_map(asked)
    }

    /// The heap limit in words.
    pub(crate) fn heap_words(&self) -> String {
        let written = |bytes: u64| format!(" = {}", format::bytes(bytes as f64));
        match self.heap {
            HeapSize::LiveMultiple(x) => {
                let limit = self.limit_bytes().map(written).unwrap_or_default();
                format!("heap limit {x}× peak live{limit} where it binds")
            }
            HeapSize::Bytes(bytes) => format!("heap limit {}{}", self.heap, written(bytes)),
            HeapSize::Unlimited => "no heap limit".to_owned(),
        }
    }

    /// The line below a title: workload, repeats and heap limit.
    pub(crate) fn facts(&self, repeats: &str) -> String {
        let (name, size) = (&self.workload.name, size_word(self.workload));
        format!("{name} ({size}) · {repeats} · {}", self.heap_words())
    }

    /// The repeats of the time mode in words.
    pub(crate) fn time_repeats(&self) -> String {
        n_of(self.series.iter().map(|s| s.row.n).filter(|n| *n > 0))
    }

    /// The repeats whose pauses are known, in words.
    pub(crate) fn pause_repeats(&self) -> String {
        let repeats = self.series.iter().filter_map(|s| Some(s.row.pauses.known()?.repeats));
        n_of(repeats)
    }

    /// The frame of a chart over this scene.
    pub(crate) fn frame(&self, title: &str, reading: String, repeats: &str) -> Frame {
        Frame {
            title: title.to_owned(),
            reading,
            facts: self.facts(repeats),
            source: source(self.run),
        }
    }

    /// Collectors that `shown` rejects, with their outcome words.
    pub(crate) fn absent(&self, shown: impl Fn(&Series<'a>) -> bool) -> Vec<Absent> {
        self.series.iter().filter(|s| !shown(s)).map(Series::absent).collect()
    }
}

impl<'a> Series<'a> {
    /// Colour, dashes and width of its line.
    pub(crate) fn stroke(&self) -> Stroke {
        Stroke { ink: self.ink(), width_px: 1.75, line: self.collector.line }
    }

    /// Its colour.
    pub(crate) fn ink(&self) -> Ink {
        Ink::of(self.collector)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'a str {
        &self.collector.name
    }

    /// The sample of the memory record.
    pub(crate) fn memory_sample(&self) -> Option<&'a Sample> {
        self.memory.and_then(|r| r.sample.as_ref())
    }

    /// The sample whose pauses are drawn.
    pub(crate) fn pause_sample(&self) -> Option<&'a Sample> {
        self.paused.and_then(|r| r.sample.as_ref())
    }

    /// The reason why it cannot be shown.
    pub(crate) fn absent(&self) -> Absent {
        let (word, reason) = match &self.row.outcome {
            Outcome::Ok => ("n/a".to_owned(), "not measured in this mode".to_owned()),
            failed => (failed.word().to_owned(), failed.reason()),
        };
        Absent { collector: self.collector.name.clone(), word, reason }
    }
}

/// The outcome word of a missing quantity; `None` for a known one.
pub(crate) fn word_of<T>(row: &Row, measured: &Measured<T>) -> Option<String> {
    measured.known().is_none().then(|| match &row.outcome {
        Outcome::Ok => "n/a".to_owned(),
        failed => failed.word().to_owned(),
    })
}

/// Numbers of repeats in words: `n = 6 to 10`.
pub(crate) fn n_of(repeats: impl Iterator<Item = usize> + Clone) -> String {
    match (repeats.clone().min(), repeats.max()) {
        (Some(low), Some(high)) if low < high => format!("n = {low} to {high}"),
        (_, high) => format!("n = {}", high.unwrap_or(0)),
    }
}

/// The source line of a chart: run, date, machine and commit.
pub(crate) fn source(run: &Run) -> String {
    let Manifest { run_id, started, environment, .. } = &run.manifest;
    let date = started.split('T').next().unwrap_or_default();
    let Environment { cpu, cpus, commit, .. } = environment;
    format!("run {run_id} · {date} · {cpu}, {cpus} CPUs · commit {commit}")
}

/// The input size of a workload as a word.
pub(crate) fn size_word(workload: &WorkloadInfo) -> &'static str {
    match workload.size {
        record::Size::Small => "small",
        record::Size::Default => "default",
        record::Size::Large => "large",
    }
}

fn drawn_memory<'a>(records: &[&'a Record]) -> Option<&'a Record> {
    let has_timeline = |r: &&Record| r.sample.as_ref().is_some_and(|s| !s.footprint.is_empty());
    let with_timeline =
        || records.iter().copied().filter(|r| r.cell.mode == Mode::Memory).filter(has_timeline);
    let mut finished: Vec<&Record> = with_timeline().filter(|r| r.outcome == Outcome::Ok).collect();
    finished.sort_by_key(|r| r.sample.as_ref().and_then(|s| s.peak_footprint_bytes));
    finished.get(finished.len().saturating_sub(1) / 2).copied().or_else(|| with_timeline().next())
}

/// The first one with all its pauses: of the pause pass, or a timed one of a run without.
fn drawn_pauses<'a>(records: &[&'a Record]) -> Option<&'a Record> {
    let finished =
        records.iter().copied().filter(|r| r.outcome == Outcome::Ok && r.sample.is_some());
    let has_pauses = |r: &&Record| matches!(r.cell.mode, Mode::Pauses | Mode::Time);
    finished.filter(has_pauses).min_by_key(|r| (r.cell.mode == Mode::Time, r.block, r.twin))
}
