//! Profiles: preset sizes of the matrix.

use record::{HeapSize, Mode, Size};
use std::time::Duration;

/// Thoroughness of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Seconds: a check that everything works. Small inputs, one repeat.
    Smoke,
    /// At most 90 seconds: conclusions that a second run reproduces. Small inputs, one heap size, at least
    /// ten repeats and as many as a minute allows.
    Quick,
    /// Most of an hour: numbers to rely on. Default inputs, three heap sizes, ten repeats.
    Full,
    /// A quarter of an hour, for `gcw run scale`: collections of up to 100 million live objects in 8 GB of
    /// heap, in time mode only. Large inputs, one heap size, three repeats.
    Scale,
}

/// The settings of a profile; an option of its own overrides each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) size: Size,
    pub(crate) repeats: u32,
    /// Time of the timed blocks; `None` for exactly `repeats`.
    pub(crate) budget: Option<Duration>,
    pub(crate) heaps: Vec<HeapSize>,
    pub(crate) timeout: Duration,
    pub(crate) modes: Vec<Mode>,
}

/// Default heap size of a cell: the middle of the multiples in use.
pub(crate) const HEAP_DEFAULT: HeapSize = HeapSize::LiveMultiple(2.5);
/// Time of the timed blocks of a run within a budget.
pub(crate) const BUDGET_DEFAULT: Duration = Duration::from_secs(60);

impl Profile {
    /// The word on the command line and in the manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Full => "full",
            Self::Scale => "scale",
        }
    }

    /// Its settings.
    pub(crate) fn settings(self) -> Settings {
        let budget = (self == Self::Quick).then_some(BUDGET_DEFAULT);
        let (size, repeats, multiples, timeout_s, modes): (_, _, &[f64], _, &[Mode]) = match self {
            Self::Smoke => (Size::Small, 1, &[2.5], 20, &Mode::ALL),
            Self::Quick => (Size::Small, 10, &[2.5], 30, &Mode::ALL),
            Self::Full => (Size::Default, 10, &[1.5, 2.0, 3.0], 300, &Mode::ALL),
            Self::Scale => (Size::Large, 3, &[2.5], 300, &[Mode::Time]),
        };
        let heaps = multiples.iter().map(|&x| HeapSize::LiveMultiple(x)).collect();
        let (timeout, modes) = (Duration::from_secs(timeout_s), modes.to_vec());
        Settings { size, repeats, budget, heaps, timeout, modes }
    }
}
