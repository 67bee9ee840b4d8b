//! The registry: a value that lists the disciplines, so that another crate's `main` can bring its own.
//!
//! Those of this crate stand in the table of `lib.rs`, one line each. Names, colours and capabilities
//! in the command line, the charts and the tests all come from there.

use heap::{Caps, Collector};
use std::any::type_name;

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
    /// Stop-the-world tracing that moves objects: copying, compacting.
    Moving,
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
    /// Path of its type, as another crate names it.
    pub type_path: String,
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
        let (type_path, run) = (type_path(type_name::<C>()), H::run::<C> as fn(&_) -> _);
        let entry = Entry { info, caps: C::CAPS, type_path, run };
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

/// The path at the root of its crate, from where types are exported, of a path through its modules.
fn type_path(through_modules: &str) -> String {
    let arguments = through_modules.find('<').unwrap_or(through_modules.len());
    let (path, arguments) = through_modules.split_at(arguments);
    match (path.split_once("::"), path.rsplit_once("::")) {
        (Some((root, _)), Some((_, name))) => format!("{root}::{name}{arguments}"),
        _ => through_modules.to_owned(),
    }
}

/// The collectors of this crate, in the order of their table.
pub fn standard<H: Harness>() -> Registry<H> {
    crate::all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_they_are_exported() {
        assert_eq!(type_path(type_name::<crate::Rc<true>>()), "collectors::Rc<true>");
        assert_eq!(type_path(type_name::<crate::MarkSweep>()), "collectors::MarkSweep");
        assert_eq!(type_path("mine::gc::Mine<mine::gc::Fast>"), "mine::Mine<mine::gc::Fast>");
    }
}
