//! The catalogue: every program by name. The table itself is in `lib.rs`.

use crate::parameters::{ParameterError, Parameters};
use crate::program::Needs;
use crate::{PROGRAMS, Prepared};

/// Expands a table of programs into their modules, list and dispatch.
macro_rules! catalogue {
    ($(
        $(mod $module:ident:)? $name:literal => $variant:ident($program:ty), $needs:ident;
    )+) => {
        $($(mod $module;)?)+

        /// A prepared program; it can run any number of times.
        #[derive(Debug)]
        pub enum Prepared {
            $(#[doc = concat!("`", $name, "`.")] $variant($program),)+
        }

        /// All programs, by name.
        pub const PROGRAMS: &[Entry] = &[$(Entry {
            name: $name,
            needs: Needs::$needs,
            check: |parameters| {
                parameters.read::<<$program as Program>::Parameters>().map(drop)
            },
            prepare: |parameters, seed| {
                Ok(Prepared::$variant(Program::prepare(parameters.read()?, seed)))
            },
        }),+];

        impl Prepared {
            /// Runs the program and returns its answer.
            ///
            /// # Errors
            /// If the heap limit is reached.
            pub fn run<C: heap::Collector, P: heap::Probe>(
                &self,
                m: &mut heap::Mutator<C, P>,
            ) -> Result<String, heap::OutOfMemory> {
                match self {
                    $(Self::$variant(program) => program.run(m),)+
                }
            }
        }
    };
}

/// One program of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name, with the variant after an `@`.
    pub name: &'static str,
    /// Requirements on the collector.
    pub needs: Needs,
    pub(crate) check: fn(&Parameters) -> Result<(), ParameterError>,
    pub(crate) prepare: fn(&Parameters, u64) -> Result<Prepared, ParameterError>,
}

impl Entry {
    /// Reads the parameters without preparing anything.
    ///
    /// # Errors
    /// If they do not fit the program.
    pub fn check(&self, parameters: &Parameters) -> Result<(), ParameterError> {
        (self.check)(parameters)
    }

    /// Prepares the program; random numbers are drawn from the seed.
    ///
    /// # Errors
    /// If the parameters do not fit the program.
    pub fn prepare(&self, parameters: &Parameters, seed: u64) -> Result<Prepared, ParameterError> {
        (self.prepare)(parameters, seed)
    }
}

/// No program has this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no program '{name}'; there are {}", known.join(", "))]
pub struct UnknownProgram {
    /// The requested name.
    pub name: String,
    /// All names.
    pub known: Vec<&'static str>,
}

/// The program of this name.
///
/// # Errors
/// If there is none; the error lists all names.
pub fn find(name: &str) -> Result<&'static Entry, UnknownProgram> {
    PROGRAMS.iter().find(|entry| entry.name == name).ok_or_else(|| UnknownProgram {
        name: name.to_owned(),
        known: PROGRAMS.iter().map(|entry| entry.name).collect(),
    })
}
