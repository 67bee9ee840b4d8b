//! `gcw verify-child`: the child's side of [`crate::supervise`]. Reads jobs from standard input, one JSON
//! line each, and prints [`Message`]s on standard output.
//!
//! A collector may print, too: each message is a line of its own, and the parent ignores all other
//! output. A panic prints nothing, but its location becomes part of the failure.

use crate::failure::{Exit, Failure};
use crate::registry::Registry;
use crate::supervise::Message;
use conformance::Detector;
use heap::os;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{panic, process, thread};

/// Serves until standard input ends, because the parent has; then ends this process, even in the middle
/// of a job.
pub(crate) fn verify_child(registry: &Registry) -> Result<Exit, Failure> {
    let panics = Panics::record();
    let (sender, jobs) = mpsc::channel();
    thread::spawn(move || {
        let jobs = io::stdin().lines().map_while(Result::ok);
        // The receiver waits for jobs as long as this process lives.
        jobs.for_each(|line| _ = sender.send(line));
        process::exit(0);
    });
    for line in jobs {
        let job = serde_json::from_str(&line).map_err(io::Error::from)?;
        panics.forget();
        let mut report = registry.verify(&job, |seed| {
            // Without an output there is no reader.
            let _ = send(&Message::Begins { seed, peak_resident_bytes: peak_resident_bytes() });
        })?;
        if let Some(failure) = report.failure.as_mut().filter(|f| f.detector == Detector::Run) {
            failure.message.push_str(&panics.place_of(&failure.message));
        }
        let report = Box::new(report);
        send(&Message::Done { report, peak_resident_bytes: peak_resident_bytes() })?;
    }
    Ok(Exit::Fine)
}

fn peak_resident_bytes() -> u64 {
    os::peak_resident_bytes().unwrap_or(0)
}

/// Prints a message. The empty line ends a line that the collector may have begun.
fn send(message: &Message) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{}", serde_json::to_string(message)?)?;
    out.flush()
}

/// The panics of a job: message and location.
#[derive(Clone, Debug, Default)]
struct Panics(Arc<Mutex<Vec<(String, String)>>>);

impl Panics {
    /// Records panics from now on instead of printing them.
    fn record() -> Self {
        let panics = Self::default();
        let recorded = panics.clone();
        panic::set_hook(Box::new(move |info| {
            let message = info.payload_as_str().unwrap_or("a panic").to_owned();
            let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
            recorded.with(|list| list.push((message, place.unwrap_or_default())));
        }));
        panics
    }

    fn forget(&self) {
        self.with(Vec::clear);
    }

    /// The location of the last panic with this message; empty if there was none.
    fn place_of(&self, message: &str) -> String {
        self.with(|list| {
            let found = list.iter().rfind(|(text, _)| text == message);
            found.map_or(String::new(), |(_, place)| place.clone())
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(String, String)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
