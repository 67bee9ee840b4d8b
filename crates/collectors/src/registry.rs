//! The registry: a value that lists the collectors, so that another crate's `main` can add its own.
//!
//! Those of this crate are in the table of `lib.rs`, one line each. The command line, the charts and the
//! tests take all names, colours and capabilities from the registry.

use heap::{Collector, CollectorFactory, Config, WrongSetting};
use std::fmt;

/// The family of a collector, which sets its hue in charts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// No collector.
    Control,
    /// Regions, explicit free, ownership.
    Ownership,
    /// Reference counting.
    ReferenceCounting,
    /// Stop-the-world tracing that does not move objects.
    Tracing,
    /// Incremental and concurrent tracing.
    Concurrent,
    /// Generational and mark-region collectors.
    Generational,
    /// Stop-the-world tracing that moves objects: copying, compacting.
    Moving,
}

/// Line style of a collector in charts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// Solid.
    Solid,
    /// Dashed.
    Dashed,
    /// Dotted.
    Dotted,
}

/// Facts about a collector that are known without running it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Info {
    /// Name; the part after a bar selects the type and is not a parameter.
    pub name: &'static str,
    /// One line of description.
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

/// Code to compile for each collector type, so that a collector chosen by name runs statically dispatched.
///
/// The crate that combines collectors and programs implements it; all monomorphic code is generated there.
pub trait Harness {
    /// Input of a run.
    type Job;
    /// Result of a run.
    type Report;

    /// Runs a job under collector `C`.
    fn run<C: Collector>(job: &Self::Job) -> Self::Report;
}

/// Compiles nothing for a collector: for callers that need only its [`CollectorFactory`].
impl Harness for () {
    type Job = ();
    type Report = ();

    fn run<C: Collector>((): &()) {}
}

/// One registered collector.
pub struct Entry<H: Harness> {
    /// Name, description and appearance.
    pub info: Info,
    /// Capabilities, parameters and constructor.
    pub factory: CollectorFactory,
    /// Path of its type for another crate.
    pub type_path: String,
    /// [`Harness::run`] of this type.
    pub run: fn(&H::Job) -> H::Report,
}

/// Error of a name that selects no collector.
#[derive(Clone, PartialEq, Debug)]
pub enum WrongName {
    /// No collector has this name.
    Unknown(String),
    /// The collector of this name has no such parameter or value.
    Setting(&'static str, WrongSetting),
}

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no collector '{name}'"),
            Self::Setting(name, wrong) => write!(f, "wrong parameter of {name}: {wrong}"),
        }
    }
}

impl std::error::Error for WrongName {}

/// The part of `name` after a collector's name and a bar: its parameters.
pub fn settings_after<'a>(collector: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(collector)?.strip_prefix('|')
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

    /// Adds a collector, or replaces the one of the same name.
    #[must_use]
    pub fn with<C: Collector>(mut self, info: Info) -> Self {
        let factory = CollectorFactory::of::<C>();
        let type_path = type_path(factory.type_name);
        let entry = Entry { info, factory, type_path, run: H::run::<C> };
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

    /// The entry and the parameters of a name such as `mark-sweep|growth-1.5`.
    ///
    /// # Errors
    /// If no entry has the name, or the parameters are wrong.
    pub fn choose(&self, name: &str) -> Result<(&Entry<H>, Config), WrongName> {
        if let Some(entry) = self.find(name) {
            return Ok((entry, Config::default()));
        }
        let rest = |entry: &&Entry<H>| settings_after(entry.info.name, name).is_some();
        let entry = self.entries.iter().filter(rest).max_by_key(|entry| entry.info.name.len());
        let entry = entry.ok_or_else(|| WrongName::Unknown(name.to_owned()))?;
        let settings = settings_after(entry.info.name, name).unwrap_or_default();
        let config = Config::read(entry.factory.parameters, settings);
        Ok((entry, config.map_err(|wrong| WrongName::Setting(entry.info.name, wrong))?))
    }
}

/// The path of a type at the root of its crate, which exports it, from its path through modules.
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
    use std::any::type_name;

    #[test]
    fn a_name_chooses_a_line_of_the_table_and_parameters() {
        let registry = standard::<()>();
        let chosen = |name: &str| {
            let (entry, config) = registry.choose(name)?;
            Ok::<_, WrongName>((entry.info.name, config.to_string()))
        };
        assert_eq!(chosen("mark-sweep"), Ok(("mark-sweep", String::new())));
        assert_eq!(chosen("rc|count-loads"), Ok(("rc|count-loads", String::new())));
        let two = chosen("mark-sweep|sizer-membalancer|prefetch-0");
        assert_eq!(two, Ok(("mark-sweep", "prefetch-0|sizer-membalancer".to_owned())));
        assert!(matches!(chosen("mark"), Err(WrongName::Unknown(_))));
        for wrong in ["mark-sweep|", "mark-sweep|growth-0.5", "rc|count-loads|growth-2", "rc|load"]
        {
            assert!(matches!(chosen(wrong), Err(WrongName::Setting(..))), "{wrong}");
        }
    }

    #[test]
    fn types_are_named_as_they_are_exported() {
        assert_eq!(type_path(type_name::<crate::Rc<true>>()), "collectors::Rc<true>");
        assert_eq!(type_path(type_name::<crate::MarkSweep>()), "collectors::MarkSweep");
        assert_eq!(type_path("mine::gc::Mine<mine::gc::Fast>"), "mine::Mine<mine::gc::Fast>");
    }
}
