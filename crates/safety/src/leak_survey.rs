//! Surveys of a heap, and the leaks that they show.

use heap::Reachable;
use record::LeakPoint;

/// One survey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survey {
    /// Bytes allocated so far.
    pub(crate) allocated_bytes: u64,
    pub(crate) live: Reachable,
    /// Objects not reclaimed, live or dead.
    pub(crate) unreclaimed: Reachable,
}

impl Survey {
    /// Objects neither reachable nor reclaimed.
    pub(crate) fn leaked(&self) -> Reachable {
        excess(self.unreclaimed, self.live)
    }

    /// Reachable objects beyond `control`, those that are reachable without the mistake.
    pub(crate) fn retained(&self, control: Reachable) -> Reachable {
        excess(self.live, control)
    }

    /// A point of the curve of leaked bytes.
    pub(crate) fn point(&self, leaked: Reachable) -> LeakPoint {
        LeakPoint { allocated_bytes: self.allocated_bytes, leaked_bytes: leaked.bytes }
    }
}

fn excess(of: Reachable, over: Reachable) -> Reachable {
    Reachable {
        objects: of.objects.saturating_sub(over.objects),
        bytes: of.bytes.saturating_sub(over.bytes),
    }
}
