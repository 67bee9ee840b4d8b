//! The built-in universe: the collectors and workloads of this workspace.
//!
//! **To be replaced:** it is empty until the crates `collectors` and `workloads` are joined to it.

use crate::{CellError, CellJob, Registry, Suite, Universe};
use record::{CollectorInfo, Sample, Size, WorkloadInfo};

impl Registry {
    /// The collectors and workloads of this workspace.
    pub fn built_in() -> Self {
        Self::new(BuiltIn)
    }
}

struct BuiltIn;

impl Universe for BuiltIn {
    fn collectors(&self) -> &[CollectorInfo] {
        &[]
    }

    fn suites(&self) -> &[Suite] {
        &[]
    }

    fn workloads(&self, suite: &str, _: Size) -> anyhow::Result<Vec<WorkloadInfo>> {
        anyhow::bail!("{suite}: this build holds no workloads")
    }

    fn census(&self) -> Option<&str> {
        None
    }

    fn applies(&self, _: &str, _: &str) -> Result<(), String> {
        Err("this build holds no collectors".to_owned())
    }

    fn run_cell(&self, job: &CellJob) -> Result<Sample, CellError> {
        Err(CellError::Failed(anyhow::anyhow!("{}: this build holds no collectors", job.cell)))
    }
}
