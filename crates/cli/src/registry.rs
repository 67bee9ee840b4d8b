//! The interface between the command line and what it can run: collectors, workloads, suites, and the
//! execution of one cell in this process.
//!
//! A [`Provider`] implements all of it; the command line depends on no other part of the heap, the
//! collectors or the workloads. A crate with a collector of its own can bring its own provider.

use collectors::registry::settings_after;
use conformance::Report;
use heap::Parameter;
use record::{Cell, CollectorInfo, HeapSize, Sample, Size, Trial, WorkloadInfo};
use std::ops::Deref;

/// The collectors and workloads of a command line.
pub struct Registry(Box<dyn Provider>);

/// Provides collectors and workloads, and runs them in this process.
pub trait Provider {
    /// Collectors in the order of tables and charts.
    fn collectors(&self) -> &[CollectorInfo];
    /// The parameters that a collector reads.
    fn parameters(&self, collector: &str) -> &'static [Parameter] {
        let _ = collector;
        &[]
    }
    /// Built-in suites; the first one is the default.
    fn suites(&self) -> &[Suite];
    /// Workloads of a suite, in suite order. `suite` is the name of a built-in suite or the path
    /// of a suite file.
    ///
    /// # Errors
    /// If the suite file cannot be read: file, line and what was expected.
    fn workloads(&self, suite: &str, size: Size) -> anyhow::Result<Vec<WorkloadInfo>>;
    /// The collector that takes the census of workloads, if there is one that can.
    fn census(&self) -> Option<&str>;
    /// Checks that a collector can run a workload of a suite.
    ///
    /// # Errors
    /// The reason why it cannot, as printed after "n/a".
    fn applies(&self, collector: &str, suite: &str, workload: &str) -> Result<(), String>;
    /// The reason why a collector would reclaim nothing in a workload, if it would not: a run of several
    /// collectors leaves such a pair out.
    fn reclaims_nothing(&self, collector: &str, suite: &str, workload: &str) -> Option<String> {
        let _ = (collector, suite, workload);
        None
    }
    /// Runs one cell in this process, once.
    ///
    /// # Errors
    /// If the heap limit was reached, or the cell could not be run at all.
    fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError>;
    /// Whether the conformance kit can test the collectors.
    fn has_kit(&self) -> bool {
        false
    }
    /// Runs the kit's programs under a collector in this process; calls `begins` with each seed before
    /// its program starts.
    ///
    /// # Errors
    /// If the collector is unknown, or there is no kit.
    fn verify(&self, job: &conformance::Job, begins: fn(u64)) -> anyhow::Result<Report> {
        let _ = begins;
        anyhow::bail!("this registry has no conformance kit to test {}", job.collector)
    }
    /// The path of a collector's type, for a test that replays a program of the kit.
    fn type_path(&self, collector: &str) -> String {
        let _ = collector;
        "ItsType".to_owned()
    }
    /// Allocations between two collections of a workload under stress, chosen so that it takes seconds.
    fn collect_every(&self, suite: &str, workload: &str, size: Size) -> u64 {
        let _ = (suite, workload, size);
        1000
    }
    /// Whether there are faulty programs for the safety matrix.
    fn has_trials(&self) -> bool {
        false
    }
    /// Runs the faulty programs under a collector in this process, with `seeds` seeds each, from trial
    /// number `first` on; calls `done` with each trial before the next one begins.
    ///
    /// # Errors
    /// If there are no faulty programs, or their thread could not be started.
    fn run_trials(
        &self,
        collector: &str,
        seeds: u32,
        first: usize,
        done: &mut (dyn FnMut(Trial) + Send),
    ) -> anyhow::Result<()> {
        let _ = (seeds, first, done);
        anyhow::bail!("this registry has no faulty programs to run under {collector}")
    }
}

/// A suite, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Suite {
    /// Name.
    pub name: String,
    /// Its purpose in one line.
    pub summary: String,
    /// Names of its workloads, with their variants.
    pub workloads: Vec<String>,
}

/// One cell to be run in this process.
#[derive(Debug, Clone, PartialEq)]
pub struct CellJob {
    /// The cell.
    pub cell: Cell,
    /// Limit on the whole footprint, in bytes; `None` where the cell has none, or has a multiple of
    /// the live size and a collector that does not collect by itself.
    pub heap_limit_bytes: Option<u64>,
    /// Suite of the workload: the name of a built-in suite, or the path of a suite file.
    pub suite: String,
    /// Run it in checking mode, with a collection before every n-th allocation.
    pub collect_every: Option<u64>,
}

/// Why a cell gave no complete sample.
#[derive(Debug)]
pub enum CellError {
    /// The heap limit was reached with nothing left to reclaim.
    OutOfMemory {
        /// The bytes requested and held.
        reason: String,
        /// The measurements up to that point.
        partial: Option<Box<Sample>>,
    },
    /// The cell could not be run.
    Failed(anyhow::Error),
}

impl Deref for Registry {
    type Target = dyn Provider;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Registry {
    /// A registry over a provider.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self(Box::new(provider))
    }

    /// The collector with this name, or the one of which `name` is a variant.
    pub(crate) fn base_of(&self, name: &str) -> Option<&CollectorInfo> {
        let is_base =
            |c: &&CollectorInfo| c.name == name || settings_after(&c.name, name).is_some();
        self.collectors().iter().filter(is_base).max_by_key(|c| c.name.len())
    }

    /// The footprint limit of a cell in bytes; `None` where nothing bounds the collector.
    ///
    /// # Errors
    /// If the collector or workload is unknown, or the limit is a multiple and the workload has no
    /// recorded peak of live bytes.
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
                "{} has no recorded peak of live bytes, so the heap size {} has no meaning for it; \
                 give an amount such as --heap 64MiB",
                cell.workload,
                cell.heap
            ),
            Some(peak) => Ok(Some((multiple * peak as f64).ceil() as u64)),
        }
    }
}
