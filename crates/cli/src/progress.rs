//! Progress of a run: a bar on standard error if that is a terminal, otherwise nothing.

use crate::parse::mode_word;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runner::Event;

/// The bar, the cell that runs now, and the time that is left.
const TEMPLATE: &str = "{bar:24} {pos:>4}/{len}  {msg:44!} {eta:>6} left";

/// Shows the progress through a known number of processes.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Progress through `all` processes, of which `done` have been run already.
    pub(crate) fn new(all: usize, done: usize) -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(all as u64), target);
        // The template is a constant; should it ever be wrong, the plain bar does as well.
        let style = ProgressStyle::with_template(TEMPLATE);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(done as u64);
        bar.reset_eta();
        Self(bar)
    }

    /// One more process begins.
    pub(crate) fn starts(&self, what: String) {
        self.0.set_message(what);
    }

    /// It has ended.
    pub(crate) fn ended(&self) {
        self.0.inc(1);
    }

    /// Prints a line above the bar; on standard error where there is none.
    pub(crate) fn note(&self, line: &str) {
        match self.0.is_hidden() {
            true => eprintln!("{line}"),
            false => self.0.println(line),
        }
    }

    /// Follows a run. A defect is shown at once, so that the user can stop.
    pub(crate) fn follow(&self, event: Event<'_>) {
        match event {
            Event::Round(_) => {}
            Event::Starts(planned) => {
                // A run within a budget has more cells than its least.
                if self.0.length().is_some_and(|all| self.0.position() >= all) {
                    self.0.inc_length(1);
                }
                let mode = mode_word(planned.cell.mode);
                self.starts(format!("{} {mode}", planned.cell));
            }
            Event::Recorded(record) => {
                if record.outcome.is_defect() {
                    self.0.println(format!("{}: {}", record.cell, record.outcome));
                }
                self.ended();
            }
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
