//! The pauses that a collector logs, beside a clock that the kit reads itself.
//!
//! Every operation in which a collector may collect lies between two readings of the monotonic clock. Without a
//! bound on any time, so on a machine however busy, it must hold that
//!
//! * a collection that was counted has logged a pause;
//! * each pause began after the first reading, and all of them together are no longer than the operation.
//!
//! Whether they are long enough is checked where collections are long: see `player/honesty.rs`.

use heap::EventLog;

/// The state of the event log before an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    now_ns: u64,
    collections: u64,
    pauses: usize,
    paused_ns: u64,
}

/// An operation by the clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timed {
    /// Its time, ns.
    pub(crate) elapsed_ns: u64,
    /// The part of it that the pauses cover, ns.
    pub(crate) paused_ns: u64,
    /// Number of collections that began.
    pub(crate) collections: u64,
}

impl Reading {
    /// A reading now.
    pub(crate) fn of(log: &EventLog) -> Self {
        Self {
            now_ns: log.now_ns(),
            collections: log.collections().map(|(_, count)| count).sum(),
            pauses: log.pauses().len(),
            paused_ns: log.pause_total_ns(),
        }
    }

    /// The operation that began with this reading and ends now.
    ///
    /// # Errors
    /// If the log is wrong, in words.
    pub(crate) fn until_now(self, log: &EventLog) -> Result<Timed, String> {
        let after = Self::of(log);
        let timed = Timed {
            elapsed_ns: after.now_ns - self.now_ns,
            paused_ns: after.paused_ns - self.paused_ns,
            collections: after.collections - self.collections,
        };
        if timed.collections > 0 && after.paused_ns == self.paused_ns && after.pauses == self.pauses
        {
            let collections = timed.collections;
            return Err(format!("{collections} collections are counted, and no pause is logged"));
        }
        // A full list of pauses drops the shorter half.
        let mut new = log.pauses().iter().skip(self.pauses);
        if let Some(early) = new.find(|pause| pause.start_ns < self.now_ns) {
            let before_ns = self.now_ns - early.start_ns;
            return Err(format!(
                "a pause is logged that began {before_ns} ns before its operation"
            ));
        }
        if timed.paused_ns > timed.elapsed_ns {
            let Timed { paused_ns, elapsed_ns, .. } = timed;
            return Err(format!("pauses of {paused_ns} ns are logged in {elapsed_ns} ns"));
        }
        Ok(timed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heap::{Cause, PauseKind};

    #[test]
    fn a_collection_without_a_pause_is_noticed() {
        let mut log = EventLog::new();
        let before = Reading::of(&log);
        assert_eq!(before.until_now(&log).expect("nothing happened").collections, 0);
        log.collects(Cause::Requested);
        assert!(before.until_now(&log).is_err_and(|message| message.contains("no pause")));
        let pause = log.begin_pause();
        log.end_pause(pause, PauseKind::Stw);
        assert_eq!(before.until_now(&log).expect("it is logged").collections, 1);
    }

    #[test]
    fn a_pause_that_began_before_its_operation_is_noticed() {
        let mut log = EventLog::new();
        let pause = log.begin_pause();
        let start_ns = log.now_ns();
        while log.now_ns() == start_ns {}
        let before = Reading::of(&log);
        log.end_pause(pause, PauseKind::Stw);
        assert!(before.until_now(&log).is_err_and(|message| message.contains("before its")));
    }
}
