//! The registry: a value that lists the disciplines, so that another crate's `main` can bring its own.
//!
//! Adding a collector is one file and one line in [`standard`]. Names, colours and capabilities in
//! the command line, the charts and the tests all come from here.

use crate::{Manual, MarkSweep, NoGc, Ownership, Rc, RcWeak, Region};
use heap::{Caps, Collector};

/// The family whose hue a collector wears in charts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// No collector at all.
    Control,
    /// Regions, explicit free, ownership.
    Ownership,
    /// Reference counting.
    ReferenceCounting,
    /// Stop-the-world tracing that does not move objects.
    Tracing,
}

/// How a collector's line is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// A full line.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

/// What is known of a collector without running it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Info {
    /// Name, with parameters after a bar.
    pub name: &'static str,
    /// One line: what it is.
    pub summary: &'static str,
    /// Family.
    pub family: Family,
    /// Colour on a light page, `#rrggbb`.
    pub light: &'static str,
    /// Colour on a dark page, `#rrggbb`.
    pub dark: &'static str,
    /// Line style.
    pub line: Line,
}

/// What is to be done with a collector type once it has been chosen by name.
///
/// The crate that brings both collectors and programs together implements it; all monomorphic code
/// comes from there.
pub trait Harness {
    /// What to run.
    type Job;
    /// What it yields.
    type Report;

    /// Runs a job under collector `C`.
    fn run<C: Collector>(job: &Self::Job) -> Self::Report;
}

/// One registered collector.
pub struct Entry<H: Harness> {
    /// What it is.
    pub info: Info,
    /// What it can do.
    pub caps: Caps,
    /// Runs a job under it.
    pub run: fn(&H::Job) -> H::Report,
}

/// The collectors, in the order in which they are listed and drawn.
pub struct Registry<H: Harness> {
    entries: Vec<Entry<H>>,
}

impl<H: Harness> Registry<H> {
    /// No collectors.
    pub fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a collector. One of the same name is replaced.
    #[must_use]
    pub fn with<C: Collector>(mut self, info: Info) -> Self {
        let entry = Entry { info, caps: C::CAPS, run: H::run::<C> };
        match self.entries.iter_mut().find(|e| e.info.name == info.name) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
        self
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry<H>] {
        &self.entries
    }

    /// The entry of this name.
    pub fn find(&self, name: &str) -> Option<&Entry<H>> {
        self.entries.iter().find(|entry| entry.info.name == name)
    }
}

/// The collectors of this crate.
pub fn standard<H: Harness>() -> Registry<H> {
    use Family::{Control, Ownership as Owned, ReferenceCounting, Tracing};
    use Line::{Dashed, Solid};
    let info = |name, family, (light, dark), line, summary| Info {
        name,
        summary,
        family,
        light,
        dark,
        line,
    };
    Registry::empty()
        .with::<NoGc>(info(
            "no-gc",
            Control,
            ("#6E7781", "#9AA4AF"),
            Solid,
            "bump allocation, nothing is ever reclaimed: the control",
        ))
        .with::<Region>(info(
            "region",
            Owned,
            ("#7CCBA6", "#8FE3C0"),
            Solid,
            "bump allocation in regions that the program ends",
        ))
        .with::<Manual>(info(
            "manual",
            Owned,
            ("#009E73", "#2CC295"),
            Dashed,
            "malloc and free: frees where the author says",
        ))
        .with::<Ownership>(info(
            "ownership",
            Owned,
            ("#00664A", "#12A178"),
            Solid,
            "one owner each, dropped with it: Box",
        ))
        .with::<Rc>(info(
            "rc",
            ReferenceCounting,
            ("#D55E00", "#F08A4B"),
            Solid,
            "every stored or rooted reference counted, back links too",
        ))
        .with::<Rc<true>>(info(
            "rc|count-loads",
            ReferenceCounting,
            ("#8F3F00", "#C8622A"),
            Dashed,
            "rc that also counts every reference it loads",
        ))
        .with::<RcWeak>(info(
            "rc-weak",
            ReferenceCounting,
            ("#EE9A4D", "#FFC08A"),
            Solid,
            "strong and weak counts: Rc and Weak",
        ))
        .with::<MarkSweep>(info(
            "mark-sweep",
            Tracing,
            ("#0072B2", "#4DA3E0"),
            Solid,
            "stop-the-world tracing, lazy sweep, does not move",
        ))
}
