//! The provider of this workspace: collectors of a collector registry, workloads of suite files.

use crate::execute::{Task, Timed, on_small_stack, run_cell};
use crate::registry::{CellError, CellJob, Provider, Registry, Suite};
use collectors::registry::{self, Entry, Family, Line};
use conformance::Report;
use heap::{Caps, Config, Parameter, os};
use record::{CollectorInfo, Colour, LineStyle, Sample, Size, Trial, WorkloadInfo};
use std::path::Path;

/// Maximum number of collections of a workload under stress, and of live bytes that they trace in all:
/// seconds, even where everything moves and every move is followed.
const STRESS_COLLECTIONS: u64 = 500;
const STRESS_BYTES: u64 = 256 << 20;

/// Collectors by name, each able to run every workload.
pub type Collectors = registry::Registry<Timed>;

impl Registry {
    /// The collectors and workloads of this workspace.
    pub fn built_in() -> Self {
        Self::of(registry::standard())
    }

    /// These collectors, over the workloads of this workspace.
    ///
    /// ```no_run
    /// let collectors = collectors::registry::standard();
    /// // let collectors = collectors.with::<MyCollector>(info);
    /// gcw::main(gcw::Registry::of(collectors));
    /// ```
    pub fn of(collectors: Collectors) -> Self {
        let infos = collectors.entries().iter().map(collector_info).collect();
        let read = vec![workloads::Suite::builtin(), workloads::Suite::scale()];
        let listed = |suite: &workloads::Suite| Suite {
            name: suite.name.clone(),
            summary: suite.summary.clone(),
            workloads: suite.workloads.iter().map(|workload| workload.name.clone()).collect(),
        };
        let suites = read.iter().map(listed).collect();
        Self::new(BuiltIn { collectors, infos, read, suites })
    }
}

struct BuiltIn {
    collectors: Collectors,
    infos: Vec<CollectorInfo>,
    /// The built-in suites, as parsed.
    read: Vec<workloads::Suite>,
    suites: Vec<Suite>,
}

impl BuiltIn {
    fn suite(&self, name: &str) -> anyhow::Result<workloads::Suite> {
        if let Some(suite) = self.read.iter().find(|suite| suite.name == name) {
            return Ok(suite.clone());
        }
        Ok(workloads::Suite::load(Path::new(name))?)
    }

    fn choose(&self, collector: &str) -> anyhow::Result<(&Entry<Timed>, Config)> {
        Ok(self.collectors.choose(collector)?)
    }
}

impl Provider for BuiltIn {
    fn collectors(&self) -> &[CollectorInfo] {
        &self.infos
    }

    fn parameters(&self, collector: &str) -> &'static [Parameter] {
        self.collectors.find(collector).map_or(&[], |entry| entry.factory.parameters)
    }

    fn suites(&self) -> &[Suite] {
        &self.suites
    }

    fn workloads(&self, suite: &str, size: Size) -> anyhow::Result<Vec<WorkloadInfo>> {
        let suite = self.suite(suite)?;
        Ok(suite.workloads.iter().filter_map(|w| workload_info(w, suite.seed, size)).collect())
    }

    fn census(&self) -> Option<&str> {
        // Any discipline would do. One that collects keeps the census small; one that has weak slots can
        // run every workload.
        let caps = |entry: &Entry<Timed>| entry.factory.caps;
        let collects = || self.collectors.entries().iter().filter(|entry| caps(entry).cycles);
        let all = collects().find(|entry| caps(entry).weak_slots);
        all.or_else(|| collects().next()).map(|entry| entry.info.name)
    }

    fn applies(&self, collector: &str, suite: &str, workload: &str) -> Result<(), String> {
        let (entry, config) = self.choose(collector).map_err(|e| e.to_string())?;
        if config.huge_pages() {
            os::huge_pages().map_err(|error| error.to_string())?;
        }
        let suite = self.suite(suite).map_err(|e| e.to_string())?;
        let workload = suite
            .find(workload)
            .ok_or_else(|| format!("there is no workload '{workload}' in suite {}", suite.name))?;
        let refusal = workload.entry().needs.refusal(entry.factory.caps);
        refusal.map_or(Ok(()), |reason| Err(reason.to_owned()))
    }

    fn reclaims_nothing(&self, collector: &str, suite: &str, workload: &str) -> Option<String> {
        let (entry, _) = self.choose(collector).ok()?;
        let declares_regions = self.suite(suite).ok()?.find(workload)?.entry().needs.regions;
        let frees_regions_only = entry.factory.caps == Caps { regions: true, ..Caps::NONE };
        let reason =
            "the program declares no regions, so nothing would be reclaimed before its end";
        (frees_regions_only && !declares_regions).then(|| reason.to_owned())
    }

    fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError> {
        let (entry, config) = self.choose(&job.cell.collector).map_err(CellError::Failed)?;
        let task = self.task(job, config).map_err(CellError::Failed)?;
        run_cell(entry, &task)
    }

    fn has_kit(&self) -> bool {
        true
    }

    fn verify(&self, job: &conformance::Job, begins: fn(u64)) -> anyhow::Result<Report> {
        let (entry, config) = self.choose(&job.collector)?;
        let job = conformance::Job { config, ..job.clone() };
        Ok(on_small_stack(|| conformance::verify(entry.factory, &job, begins))?)
    }

    fn type_path(&self, collector: &str) -> String {
        let chosen = self.choose(collector);
        chosen.map_or_else(|_| "ItsType".to_owned(), |(entry, _)| entry.type_path.clone())
    }

    fn collect_every(&self, suite: &str, workload: &str, size: Size) -> u64 {
        let suite = self.suite(suite).ok();
        let instance = suite.and_then(|s| s.find(workload)?.at(size_of_suite(size)).cloned());
        let Some(census) = instance.and_then(|instance| instance.census) else { return 1000 };
        let collections =
            (STRESS_BYTES / census.peak_live_bytes.max(1)).clamp(1, STRESS_COLLECTIONS);
        (census.objects / collections).max(1)
    }

    fn has_trials(&self) -> bool {
        true
    }

    fn run_trials(
        &self,
        collector: &str,
        seeds: u32,
        first: usize,
        done: &mut (dyn FnMut(Trial) + Send),
    ) -> anyhow::Result<()> {
        let (entry, config) = self.choose(collector)?;
        Ok(safety::run(entry.factory, &config, seeds, first, done)?)
    }
}

impl BuiltIn {
    fn task(&self, job: &CellJob, config: Config) -> anyhow::Result<Task> {
        let suite = self.suite(&job.suite)?;
        let name = &job.cell.workload;
        let workload = suite.find(name).ok_or_else(|| {
            anyhow::anyhow!("there is no workload '{name}' in suite {}", suite.name)
        })?;
        let instance = workload.at(size_of_suite(job.cell.size)).ok_or_else(|| {
            anyhow::anyhow!(
                "workload {name} has no size '{:?}' in suite {}",
                job.cell.size,
                suite.name
            )
        })?;
        Ok(Task {
            cell: job.cell.clone(),
            config,
            heap_limit_bytes: job.heap_limit_bytes,
            // The literals of a suite are those of its seed; the run's seed orders the blocks.
            program: workload.entry().prepare(&instance.parameters, suite.seed)?,
            expected: instance.answer.clone(),
            census: instance.census,
            collect_every: job.collect_every,
        })
    }
}

fn collector_info(entry: &Entry<Timed>) -> CollectorInfo {
    let info = entry.info;
    CollectorInfo {
        name: info.name.to_owned(),
        family: match info.family {
            Family::Control => record::Family::Control,
            Family::Ownership => record::Family::Ownership,
            Family::ReferenceCounting => record::Family::ReferenceCounting,
            Family::Tracing => record::Family::Tracing,
            Family::Concurrent => record::Family::Concurrent,
            Family::Generational => record::Family::Generational,
            Family::Moving => record::Family::Moving,
        },
        summary: info.summary.to_owned(),
        capabilities: capabilities(entry.factory.caps),
        colour: Colour { light: info.light.to_owned(), dark: info.dark.to_owned() },
        line: match info.line {
            Line::Solid => LineStyle::Solid,
            Line::Dashed => LineStyle::Dashed,
            Line::Dotted => LineStyle::Dotted,
        },
        bounded: entry.factory.caps.bounded,
    }
}

fn capabilities(caps: Caps) -> Vec<String> {
    let words = [
        (caps.counts, "counts"),
        (caps.defers, "defers"),
        (caps.drops, "drops"),
        (caps.parks, "parks"),
        (caps.cycles, "cycles"),
        (caps.bounded, "bounded"),
        (caps.needs_free, "needs-free"),
        (caps.weak, "weak"),
        (caps.weak_slots, "weak-slots"),
        (caps.ephemerons, "ephemerons"),
        (caps.finalizers, "finalizers"),
        (caps.regions, "regions"),
        (caps.shared, "shared"),
        (caps.moves, "moves"),
    ];
    words.into_iter().filter(|&(has, _)| has).map(|(_, word)| word.to_owned()).collect()
}

fn workload_info(workload: &workloads::Workload, seed: u64, size: Size) -> Option<WorkloadInfo> {
    let instance = workload.at(size_of_suite(size))?;
    Some(WorkloadInfo {
        name: workload.name.clone(),
        summary: workload.summary.clone(),
        analysis: workload.analysis.clone(),
        source: workload.source.clone(),
        seed,
        size,
        parameters: instance.parameters.0.clone(),
        peak_live_bytes: instance.census.map_or(0, |census| census.peak_live_bytes),
    })
}

fn size_of_suite(size: Size) -> workloads::Size {
    match size {
        Size::Small => workloads::Size::Small,
        Size::Default => workloads::Size::Default,
        Size::Large => workloads::Size::Large,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_census_can_be_taken_of_every_workload() {
        let registry = Registry::built_in();
        let census = registry.census().expect("there are collectors that collect");
        for workload in registry.workloads("core", Size::Small).expect("the suite is built in") {
            let refusal = registry.applies(census, "core", &workload.name);
            assert_eq!(refusal, Ok(()), "{} under {census}", workload.name);
        }
    }
}
