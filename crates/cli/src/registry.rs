//! The door between the command line and the programs it can run: collectors, workloads, suites,
//! and the execution of one cell in this process.
//!
//! Everything behind the door is a [`Universe`]; the command line knows nothing else of heaps,
//! collectors or workloads. A crate with a collector of its own brings its own universe.

use collectors::registry::settings_after;
use conformance::Report;
use heap::Parameter;
use record::{Cell, CollectorInfo, HeapSize, Sample, Size, Trial, WorkloadInfo};

/// What can be run.
pub struct Registry(Box<dyn Universe>);

/// The in-process side of a registry.
pub trait Universe {
    /// Collectors in the order of tables and charts.
    fn collectors(&self) -> &[CollectorInfo];
    /// The parameters that one of the collectors reads.
    fn parameters(&self, collector: &str) -> &'static [Parameter] {
        let _ = collector;
        &[]
    }
    /// Built-in suites; the first one is run if none is named.
    fn suites(&self) -> &[Suite];
    /// Workloads of a suite, in suite order. `suite` is the name of a built-in suite or the path
    /// of a suite file.
    ///
    /// # Errors
    /// If the suite file cannot be read: file, line, what was expected.
    fn workloads(&self, suite: &str, size: Size) -> anyhow::Result<Vec<WorkloadInfo>>;
    /// The collector that takes the census of a workload, if there is one that can.
    fn census(&self) -> Option<&str>;
    /// Whether a collector can run a workload of a suite.
    ///
    /// # Errors
    /// The reason why it cannot, as printed after "n/a".
    fn applies(&self, collector: &str, suite: &str, workload: &str) -> Result<(), String>;
    /// Runs one cell in this process, once.
    ///
    /// # Errors
    /// If the heap limit was reached, or the cell could not be run at all.
    fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError>;
    /// Whether its collectors can be played by the conformance kit.
    fn has_kit(&self) -> bool {
        false
    }
    /// Plays the kit's programs under a collector in this process; `begins` is told of each seed before
    /// its program is played.
    ///
    /// # Errors
    /// If the collector is unknown, or this registry has no kit.
    fn verify(&self, job: &conformance::Job, begins: fn(u64)) -> anyhow::Result<Report> {
        let _ = begins;
        anyhow::bail!("this registry has no conformance kit to play under {}", job.collector)
    }
    /// The type of a collector as a test names it that plays a program of the kit again.
    fn type_path(&self, collector: &str) -> Option<String> {
        let _ = collector;
        None
    }
    /// Allocations between two collections of a workload under stress, so that it takes seconds.
    fn collect_every(&self, suite: &str, workload: &str, size: Size) -> u64 {
        let _ = (suite, workload, size);
        1000
    }
    /// Whether it brings faulty programs, for the safety matrix.
    fn has_trials(&self) -> bool {
        false
    }
    /// Runs the faulty programs under a collector in this process, with so many seeds, from trial
    /// number `first` on; `done` sees each before the next one begins.
    ///
    /// # Errors
    /// If there are none, or no thread could be started for them.
    fn run_trials(
        &self,
        collector: &str,
        seeds: u32,
        first: usize,
        done: &mut (dyn FnMut(Trial) + Send),
    ) -> anyhow::Result<()> {
        let _ = (seeds, first, done);
        anyhow::bail!("this registry brings no faulty programs to try under {collector}")
    }
}

/// A suite, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suite {
    /// Name.
    pub name: String,
    /// One line: what it is for.
    pub summary: String,
    /// Names of its workloads, with their variants.
    pub workloads: Vec<String>,
}

/// One cell to be run in this process.
#[derive(Debug, Clone, PartialEq)]
pub struct CellJob {
    /// The cell.
    pub cell: Cell,
    /// Limit on the whole footprint, in bytes; none where the cell has none, or has a multiple of
    /// the live size and a collector that does not collect by itself.
    pub heap_limit_bytes: Option<u64>,
    /// Name of the built-in suite, or path of the suite file, that the workload is taken from.
    pub suite: String,
    /// Run it in checking mode, and collect before every so many allocations.
    pub collect_every: Option<u64>,
}

/// Why a cell gave no whole sample.
#[derive(Debug)]
pub enum CellError {
    /// The heap limit was reached with nothing left to reclaim.
    OutOfMemory {
        /// What was asked for and what was held.
        reason: String,
        /// What was measured up to there.
        partial: Option<Box<Sample>>,
    },
    /// The cell could not be run.
    Failed(anyhow::Error),
}

impl Registry {
    /// A registry over a universe.
    pub fn new(universe: impl Universe + 'static) -> Self {
        Self(Box::new(universe))
    }

    /// Collectors in the order of tables and charts.
    pub fn collectors(&self) -> &[CollectorInfo] {
        self.0.collectors()
    }

    /// The collector of this name, or the one of which this is the name of a variant.
    pub fn base_of(&self, name: &str) -> Option<&CollectorInfo> {
        let is_meant =
            |c: &&CollectorInfo| c.name == name || settings_after(&c.name, name).is_some();
        self.collectors().iter().filter(is_meant).max_by_key(|c| c.name.len())
    }

    /// The parameters that one of the collectors reads.
    pub fn parameters(&self, collector: &str) -> &'static [Parameter] {
        self.0.parameters(collector)
    }

    /// Built-in suites; the first one is run if none is named.
    pub fn suites(&self) -> &[Suite] {
        self.0.suites()
    }

    /// Workloads of a suite, in suite order.
    ///
    /// # Errors
    /// If the suite file cannot be read: file, line, what was expected.
    pub fn workloads(&self, suite: &str, size: Size) -> anyhow::Result<Vec<WorkloadInfo>> {
        self.0.workloads(suite, size)
    }

    /// The collector that takes the census of a workload, if there is one that can.
    pub fn census(&self) -> Option<&str> {
        self.0.census()
    }

    /// Whether a collector can run a workload of a suite.
    ///
    /// # Errors
    /// The reason why it cannot, as printed after "n/a".
    pub fn applies(&self, collector: &str, suite: &str, workload: &str) -> Result<(), String> {
        self.0.applies(collector, suite, workload)
    }

    /// Whether its collectors can be played by the conformance kit.
    pub fn has_kit(&self) -> bool {
        self.0.has_kit()
    }

    /// Plays the kit's programs under a collector in this process, see [`Universe::verify`].
    ///
    /// # Errors
    /// If the collector is unknown, or this registry has no kit.
    pub fn verify(&self, job: &conformance::Job, begins: fn(u64)) -> anyhow::Result<Report> {
        self.0.verify(job, begins)
    }

    /// The type of a collector as a test names it that plays a program of the kit again.
    pub fn type_path(&self, collector: &str) -> String {
        self.0.type_path(collector).unwrap_or_else(|| "ItsType".to_owned())
    }

    /// Allocations between two collections of a workload under stress, so that it takes seconds.
    pub fn collect_every(&self, suite: &str, workload: &str, size: Size) -> u64 {
        self.0.collect_every(suite, workload, size)
    }

    /// Whether it brings faulty programs, for the safety matrix.
    pub fn has_trials(&self) -> bool {
        self.0.has_trials()
    }

    /// Runs the faulty programs under a collector in this process, see [`Universe::run_trials`].
    ///
    /// # Errors
    /// If there are none, or no thread could be started for them.
    pub fn run_trials(
        &self,
        collector: &str,
        seeds: u32,
        first: usize,
        done: &mut (dyn FnMut(Trial) + Send),
    ) -> anyhow::Result<()> {
        self.0.run_trials(collector, seeds, first, done)
    }

    /// Runs one cell in this process, once.
    ///
    /// # Errors
    /// If the heap limit was reached, or the cell could not be run at all.
    pub fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError> {
        self.0.run_cell(job)
    }

    /// The footprint limit of a cell in bytes; `None` where nothing binds the collector.
    ///
    /// # Errors
    /// If the collector or workload is unknown, or a multiple was asked of a workload whose peak of
    /// live bytes is not recorded.
    pub(crate) fn heap_limit(&self, cell: &Cell, suite: &str) -> anyhow::Result<Option<u64>> {
        let multiple = match cell.heap {
            HeapSize::Unlimited => return Ok(None),
            HeapSize::Bytes(bytes) => return Ok(Some(bytes)),
            HeapSize::LiveMultiple(multiple) => multiple,
        };
        let collector = self
            .base_of(&cell.collector)
            .ok_or_else(|| anyhow::anyhow!("unknown collector '{}'", cell.collector))?;
        if !collector.bounded {
            return Ok(None);
        }
        let workloads = self.workloads(suite, cell.size)?;
        let peak = workloads.iter().find(|w| w.name == cell.workload).map(|w| w.peak_live_bytes);
        match peak {
            None => anyhow::bail!("unknown workload '{}' in suite {suite}", cell.workload),
            Some(0) => anyhow::bail!(
                "{} has no recorded peak of live bytes, so {} of it means nothing; name an amount \
                 such as --heap 64MiB",
                cell.workload,
                cell.heap
            ),
            Some(peak) => Ok(Some((multiple * peak as f64).ceil() as u64)),
        }
    }
}
