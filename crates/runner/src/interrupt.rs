//! A request to stop, raised by a signal handler's thread and received by every waiting parent.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reason why a waiting parent wakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The child printed a line.
    Line(String),
    /// The child ended and can be reaped.
    ChildEnded,
    /// The run was asked to stop.
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

/// A registered listener; dropping it removes the registration.
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

    /// Asks the run to stop: running children are ended at once.
    pub fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        state.wake_all();
    }

    /// Whether the run was asked to stop.
    pub fn is_raised(&self) -> bool {
        self.state().raised
    }

    /// Wakes `listener` when raised, at once if already raised, while the returned value exists.
    pub(crate) fn wake(&self, listener: Sender<Wake>) -> Listening {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.listeners.push((number, listener));
        if state.raised {
            state.wake_all();
        }
        Listening { interrupt: self.clone(), number }
    }

    /// A poisoned lock is usable: the fields are plain and valid in every state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake_all(&mut self) {
        for (_, listener) in self.listeners.drain(..) {
            // A dropped receiver has nothing left to stop.
            let _ = listener.send(Wake::Interrupted);
        }
    }
}
