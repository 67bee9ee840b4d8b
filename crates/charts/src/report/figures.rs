//! Draws all figures of a report, in parallel, in the order of the page.

use crate::chart::scaling::Cost;
use crate::rendered_chart::{self, ChartFiles, Job, RenderedChart};
use crate::scene::{RunView, Scene};
use analysis::Measure;
use anyhow::Result;
use rayon::prelude::*;
use record::HeapSize;
use std::path::Path;

/// Figures of one run.
#[derive(Debug, Default)]
pub(crate) struct RunFigures {
    /// The overviews: time, then memory. Empty without rows.
    pub(crate) overviews: Vec<RenderedChart>,
    /// Costs over the number of live objects: time, then queues, of each program; empty without series.
    pub(crate) scaling: Vec<RenderedChart>,
    /// One entry per workload that has a row, in suite order.
    pub(crate) workloads: Vec<WorkloadFigures>,
    /// The safety matrix and the shares; empty without them.
    pub(crate) safety: Vec<RenderedChart>,
}

/// Figures of one workload.
#[derive(Debug)]
pub(crate) struct WorkloadFigures {
    /// Name of the workload.
    pub(crate) workload: String,
    /// The figures of each heap size.
    pub(crate) heaps: Vec<(HeapSize, Vec<RenderedChart>)>,
    /// Peak memory against CPU time, all heap sizes together; `None` where memory was not measured.
    pub(crate) scatter: Option<RenderedChart>,
}

/// The section of a figure.
enum Place {
    Overview,
    Scaling,
    Heap { workload: String, heap: HeapSize },
    Scatter { workload: String },
    Safety,
}

/// Draws all charts of all runs into `directory`.
///
/// # Errors
/// If a file cannot be written; the error names its path.
pub(crate) fn draw_all(
    views: &[RunView<'_>],
    dark_rules: &str,
    directory: &Path,
) -> Result<(Vec<RunFigures>, Vec<ChartFiles>)> {
    let mut figures = Vec::new();
    let mut files = Vec::new();
    for view in views {
        let prefix =
            if views.len() > 1 { format!("{}-", view.run.manifest.run_id) } else { String::new() };
        let scenes: Vec<Vec<Scene<'_>>> =
            view.run.manifest.workloads.iter().map(|w| view.scenes_of(w)).collect();
        let drawn: Vec<(Place, RenderedChart, ChartFiles)> = jobs(view, &scenes)
            .into_par_iter()
            .map(|(place, stem, job)| {
                let stem = file_name(&format!("{prefix}{stem}"));
                let (chart, files) = job.render(stem, dark_rules, directory)?;
                Ok((place, chart, files))
            })
            .collect::<Result<_>>()?;
        let mut run = RunFigures::default();
        for (place, chart, file) in drawn {
            files.push(file);
            run.put(place, chart);
        }
        figures.push(run);
    }
    Ok((figures, files))
}

/// All charts of one run: section, file name, and job.
fn jobs<'a>(view: &'a RunView<'a>, scenes: &'a [Vec<Scene<'a>>]) -> Vec<(Place, String, Job<'a>)> {
    let mut jobs = Vec::new();
    if let Some(heap) = view.summary.reference_heap() {
        for measure in [Measure::CpuTime, Measure::PeakFootprint] {
            let job = Job::Overview(view, measure, heap);
            jobs.push((Place::Overview, job.about().kind.to_owned(), job));
        }
    }
    for series in &view.scaling {
        let several = view.scaling.iter().filter(|other| other.program == series.program).count();
        let heap = if several > 1 { format!("-{}", series.heap) } else { String::new() };
        for cost in [Cost::Time, Cost::Queue] {
            let job = Job::Scaling(view.run, series, cost);
            jobs.push((
                Place::Scaling,
                format!("{}{heap}-{}", series.program, job.about().kind),
                job,
            ));
        }
    }
    for of_workload in scenes.iter().filter(|s| !s.is_empty()) {
        let workload = &of_workload[0].workload.name;
        let job = Job::Scatter(of_workload);
        let place = Place::Scatter { workload: workload.clone() };
        jobs.push((place, format!("{workload}-{}", job.about().kind), job));
        for scene in of_workload {
            let heap =
                if of_workload.len() > 1 { format!("-{}", scene.heap) } else { String::new() };
            for job in rendered_chart::of_scene(scene) {
                let place = Place::Heap { workload: workload.clone(), heap: scene.heap };
                jobs.push((place, format!("{workload}{heap}-{}", job.about().kind), job));
            }
        }
    }
    if let Ok(Some(safety)) = &view.safety {
        let run = view.run;
        for job in [Job::SafetyMatrix(run, safety), Job::SafetyShares(run, safety)] {
            jobs.push((Place::Safety, job.about().kind.to_owned(), job));
        }
    }
    let modes = &view.run.manifest.modes;
    jobs.retain(|(_, _, job)| job.about().mode.is_none_or(|mode| modes.contains(&mode)));
    jobs
}

impl RunFigures {
    /// The figures of a workload, added if this is its first figure.
    fn of(&mut self, workload: String) -> &mut WorkloadFigures {
        let known = self.workloads.iter().position(|figures| figures.workload == workload);
        let index = known.unwrap_or_else(|| {
            self.workloads.push(WorkloadFigures { workload, heaps: Vec::new(), scatter: None });
            self.workloads.len() - 1
        });
        &mut self.workloads[index]
    }

    fn put(&mut self, place: Place, chart: RenderedChart) {
        match place {
            Place::Overview => self.overviews.push(chart),
            Place::Scaling => self.scaling.push(chart),
            Place::Safety => self.safety.push(chart),
            Place::Scatter { workload } => self.of(workload).scatter = Some(chart),
            Place::Heap { workload, heap } => {
                let figures = self.of(workload);
                match figures.heaps.iter_mut().find(|(known, _)| *known == heap) {
                    Some((_, charts)) => charts.push(chart),
                    None => figures.heaps.push((heap, vec![chart])),
                }
            }
        }
    }
}

/// A name that every file system accepts.
fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    text.chars().map(plain).collect()
}
