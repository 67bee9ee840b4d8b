//! A request to stop, raised from a signal handler's thread and heard by whoever waits.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a waiting parent can be woken by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The child has said a line.
    Said(String),
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
    listeners: Vec<(u64, Sender<Wake>)>,
    /// Number of the next listener.
    next: u64,
}

/// Whoever has one is told of the request.
#[derive(Debug)]
pub(crate) struct Listening {
    interrupt: Interrupt,
    number: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.interrupt.state().listeners.retain(|(number, _)| *number != self.number);
    }
}

impl Interrupt {
    /// A request that is not yet raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop: the children that run now are ended at once.
    pub fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        state.tell();
    }

    /// Whether the run was asked to stop.
    pub fn is_raised(&self) -> bool {
        self.state().raised
    }

    /// Wakes `listener` when raised, at once if it already is, for as long as the value returned lives.
    pub(crate) fn wake(&self, listener: Sender<Wake>) -> Listening {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.listeners.push((number, listener));
        if state.raised {
            state.tell();
        }
        Listening { interrupt: self.clone(), number }
    }

    /// The state stays meaningful whatever a panicking thread left behind: plain fields.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self) {
        for (_, listener) in self.listeners.drain(..) {
            // A listener that has gone away has nothing left to stop.
            let _ = listener.send(Wake::Interrupted);
        }
    }
}
