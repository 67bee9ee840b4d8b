//! A request to stop, raised from a signal handler's thread and heard by whoever waits.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a waiting parent can be woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The child has ended and can be reaped.
    ChildEnded,
    /// The run is to stop.
    Interrupted,
}

/// A request to stop a run. Clones share one state; once raised it stays raised.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    raised: bool,
    listener: Option<Sender<Wake>>,
}

impl Interrupt {
    /// A request that is not yet raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop: the child that runs now is ended at once.
    pub fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        state.tell();
    }

    /// Whether the run was asked to stop.
    pub fn is_raised(&self) -> bool {
        self.state().raised
    }

    /// Wakes `listener` when raised, at once if it already is. Replaces an earlier listener.
    pub(crate) fn wake(&self, listener: Sender<Wake>) {
        let mut state = self.state();
        state.listener = Some(listener);
        if state.raised {
            state.tell();
        }
    }

    /// The state stays meaningful whatever a panicking thread left behind: two plain fields.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self) {
        if let Some(listener) = self.listener.take() {
            // A listener that has gone away has nothing left to stop.
            let _ = listener.send(Wake::Interrupted);
        }
    }
}
