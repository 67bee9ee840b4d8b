//! One cell of the experiment's matrix, and the record of its child process.

use crate::{Outcome, Sample};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The input size of a workload. The workload's suite file gives the parameters of each size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// At most about 50 ms of work.
    Small,
    /// The published parameters, about half a second.
    Default,
    /// A gigabyte or more allocated.
    Large,
}

/// The measurement of a cell. The modes are never mixed in one chart series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Prefaulted memory: wall and CPU time; no clock is read inside a cascade.
    Time,
    /// Prefaulted memory: every pause, and the utilisation of the program.
    Pauses,
    /// Lazily committed memory: the footprint timeline and resident set.
    Memory,
    /// An independent traversal of the reachable objects at every sample: exact live bytes and object
    /// statistics, no times.
    Census,
}

impl Mode {
    /// All modes: the default of a run.
    pub const ALL: [Self; 4] = [Self::Time, Self::Pauses, Self::Memory, Self::Census];
}

/// The limit on the whole footprint of a cell, metadata included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeapSize {
    /// A multiple of the workload's recorded peak of live bytes. It binds collectors that collect
    /// when the limit is reached; the others run without a limit and are shown at their peak.
    LiveMultiple(f64),
    /// An absolute limit for every collector.
    Bytes(u64),
    /// No limit except the size of the reservation.
    Unlimited,
}

impl fmt::Display for HeapSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        match *self {
            Self::LiveMultiple(x) => write!(f, "{x}x"),
            Self::Bytes(b) if b % MIB == 0 => write!(f, "{}MiB", b / MIB),
            Self::Bytes(b) if b % 1024 == 0 => write!(f, "{}KiB", b / 1024),
            Self::Bytes(b) => write!(f, "{b}B"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl FromStr for HeapSize {
    type Err = String;

    /// Reads `2.5x`, `64MiB`, `512KiB`, `2GiB`, `4096B` or `unlimited`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "'{text}' is not a heap size; write a multiple of the live size such as 2.5x, \
                 an amount such as 64MiB (KiB, MiB, GiB or B), or 'unlimited'"
            )
        };
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        if let Some(multiple) = text.strip_suffix('x') {
            let value: f64 = multiple.parse().map_err(|_| wrong())?;
            return if value.is_finite() && value > 0.0 {
                Ok(Self::LiveMultiple(value))
            } else {
                Err(wrong())
            };
        }
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
        for (suffix, factor) in units {
            if let Some(number) = text.strip_suffix(suffix) {
                let value: u64 = number.parse().map_err(|_| wrong())?;
                let bytes = value.checked_mul(factor).ok_or_else(wrong)?;
                return if bytes > 0 { Ok(Self::Bytes(bytes)) } else { Err(wrong()) };
            }
        }
        Err(wrong())
    }
}

/// One measurement: one collector on one workload at one heap size in one mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Registry name with parameters, such as `rc` or `rc|count-loads`; `native:NAME` for an
    /// external program.
    pub collector: String,
    /// Workload name with its variant, such as `binary-trees` or `binary-trees@regions`.
    pub workload: String,
    /// Input size.
    pub size: Size,
    /// Requested footprint limit.
    pub heap: HeapSize,
    /// The mode.
    pub mode: Mode,
}

impl fmt::Display for Cell {
    /// `mark-sweep/gcbench@2.5x`, the form that `gcw duel` reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.collector, self.workload, self.heap)
    }
}

/// A calibration of more than this multiple of the median of a run shows a disturbed machine.
pub const DISTURBED: f64 = 1.3;

/// One line of `samples.jsonl`: a planned cell and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`crate::SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// The cell.
    pub cell: Cell,
    /// Number of the randomised complete block (0-based): every cell of a workload once.
    pub block: u32,
    /// Whether it is the second run of the reference in its block: the control, which must not differ
    /// from the first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub twin: bool,
    /// Time of a fixed chase of pointers just before the cell, in ns: a high one shows a disturbed
    /// machine. Only for timed cells; absent in runs of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_ns: Option<u64>,
    /// Position of the cell in the actual order of execution (0-based).
    pub order: u32,
    /// Seed of the workload's random numbers.
    pub seed: u64,
    /// Start of the child process, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time of the child process, spawn to exit, in ns; 0 where no process ran.
    pub process_wall_ns: u64,
    /// The outcome of the cell.
    pub outcome: Outcome,
    /// The child's measurements: present for [`Outcome::Ok`] and [`Outcome::WrongAnswer`], and for an
    /// out-of-memory row up to its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

fn is_false(value: &bool) -> bool {
    !value
}
