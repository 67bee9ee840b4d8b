//! `gcw verify-child`: the child's side of [`crate::supervise`]. Jobs are read from standard input, one
//! JSON line each, and what becomes of them is said on standard output.
//!
//! A collector may print what it likes: a line of the protocol begins a line, and whatever else stands
//! on the output is ignored. A panic prints nothing, but its place becomes part of the failure.

use crate::failure::{Exit, Failure};
use crate::registry::Registry;
use crate::supervise::Said;
use conformance::Detector;
use heap::os;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{panic, process, thread};

/// Serves until standard input ends, and with it whoever asks; then ends this process, whatever it is
/// busy with.
pub(crate) fn verify_child(registry: &Registry) -> Result<Exit, Failure> {
    let panics = Panics::watch();
    let (send, jobs) = mpsc::channel();
    thread::spawn(move || {
        let jobs = io::stdin().lines().map_while(Result::ok);
        // The other end waits for jobs as long as this process lives.
        jobs.for_each(|line| _ = send.send(line));
        process::exit(0);
    });
    for line in jobs {
        let job = serde_json::from_str(&line).map_err(io::Error::from)?;
        panics.forget();
        let mut report = registry.verify(&job, |seed| {
            // Without an output there is nobody to be told.
            let _ = say(&Said::Begins { seed, peak_resident_bytes: peak_resident_bytes() });
        })?;
        if let Some(failure) = report.failure.as_mut().filter(|f| f.detector == Detector::Run) {
            failure.message.push_str(&panics.place_of(&failure.message));
        }
        let report = Box::new(report);
        say(&Said::Done { report, peak_resident_bytes: peak_resident_bytes() })?;
    }
    Ok(Exit::Fine)
}

fn peak_resident_bytes() -> u64 {
    os::peak_resident_bytes().unwrap_or(0)
}

/// An empty line before it, for somebody may have printed half a line.
fn say(said: &Said) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n{}", serde_json::to_string(said)?)?;
    out.flush()
}

/// The panics of a job: message and place.
#[derive(Clone, Debug, Default)]
struct Panics(Arc<Mutex<Vec<(String, String)>>>);

impl Panics {
    /// Remembers panics from now on instead of printing them.
    fn watch() -> Self {
        let panics = Self::default();
        let heard = panics.clone();
        panic::set_hook(Box::new(move |info| {
            let message = info.payload_as_str().unwrap_or("a panic").to_owned();
            let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
            heard.with(|list| list.push((message, place.unwrap_or_default())));
        }));
        panics
    }

    fn forget(&self) {
        self.with(Vec::clear);
    }

    /// Where the last panic with this message was; nothing if it was none.
    fn place_of(&self, message: &str) -> String {
        self.with(|list| {
            let found = list.iter().rfind(|(said, _)| said == message);
            found.map_or(String::new(), |(_, place)| place.clone())
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(String, String)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
