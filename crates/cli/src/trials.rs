//! The faulty programs of the safety matrix as a job of a collector, see [`safety::run`].
//!
//! They run on a thread of their own, and whoever asked sees each trial on his. The next one waits for
//! that: a trial may end this process, and which one it was is known by what was seen before.

use crate::execute::{Done, Job};
use heap::{Collector, Config};
use record::Trial;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::{io, thread};

/// Trials to be run.
pub struct Trials {
    config: Config,
    seeds: u32,
    first: usize,
    /// Where they go, and where it is said that they were seen; nothing once they have been run.
    ends: Mutex<Option<(Sender<Trial>, Receiver<()>)>>,
}

impl Trials {
    pub(crate) fn run<C: Collector>(&self) -> io::Result<()> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (send, seen) = ends.ok_or_else(|| io::Error::other("these trials have been run"))?;
        safety::run::<C>(&self.config, self.seeds, self.first, &mut move |trial| {
            // If nobody listens any more, nobody waits for the rest either.
            let _ = send.send(trial);
            let _ = seen.recv();
        })
    }
}

/// Runs trials from number `first` on by the entry of a collector, and shows each to `done`.
///
/// # Errors
/// If no thread can be started for them.
pub(crate) fn run_with(
    entry: fn(&Job) -> Done,
    config: Config,
    seeds: u32,
    first: usize,
    done: &mut dyn FnMut(Trial),
) -> io::Result<()> {
    let (send, trials) = mpsc::channel();
    let (seen, wait) = mpsc::channel();
    let job = Job::Trials(Trials { config, seeds, first, ends: Mutex::new(Some((send, wait))) });
    thread::scope(|scope| {
        // The job goes with its thread, and with it the sender: then there are no more trials.
        let worker = scope.spawn(move || entry(&job));
        for trial in trials {
            done(trial);
            let _ = seen.send(());
        }
        match worker.join() {
            Ok(Done::Trials(result)) => result,
            Ok(_) => Err(io::Error::other("a job of trials was run as another job")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
