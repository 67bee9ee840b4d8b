//! The catalogue: every program under its name. Adding a program is one file and one line here.

use crate::parameters::{ParameterError, Parameters};
use crate::program::{Needs, Program};
use crate::{
    binary_trees, cycle_torture, deep_chain, fragmentation, gcbench, lru_cache, message_window,
    mutation_storm, splay,
};
use heap::{Collector, Mutator, OutOfMemory, Probe};

macro_rules! catalogue {
    ($($name:literal => $variant:ident($program:ty), $needs:expr;)+) => {
        /// A program, prepared: its numbers are drawn, and it can be run again and again.
        #[derive(Debug)]
        pub enum Prepared {
            $(#[doc = concat!("`", $name, "`.")] $variant($program),)+
        }

        /// All programs, by name.
        pub const PROGRAMS: &[Entry] = &[$(Entry {
            name: $name,
            needs: $needs,
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
            pub fn run<C: Collector, P: Probe>(
                &self,
                m: &mut Mutator<C, P>,
            ) -> Result<String, OutOfMemory> {
                match self {
                    $(Self::$variant(program) => program.run(m),)+
                }
            }
        }
    };
}

catalogue! {
    "gcbench" => GcBench(gcbench::GcBench), Needs::OWNED;
    "binary-trees" => BinaryTrees(binary_trees::BinaryTrees), Needs::OWNED;
    "binary-trees@regions" => BinaryTreesInRegions(binary_trees::InRegions), Needs::OWNED;
    "message-window" => MessageWindow(message_window::MessageWindow), Needs::OWNED;
    "splay" => Splay(splay::Splay), Needs::OWNED;
    "lru-cache" => LruCache(lru_cache::LruCache), Needs::OWNED;
    "cycle-torture" => CycleTorture(cycle_torture::CycleTorture), Needs::SHARED;
    "cycle-torture@regions" => CycleTortureInRegions(cycle_torture::InRegions), Needs::OWNED;
    "deep-chain" => DeepChain(deep_chain::InOrder), Needs::OWNED;
    "deep-chain@shuffled" => ShuffledChain(deep_chain::Shuffled), Needs::OWNED;
    "fragmentation" => Fragmentation(fragmentation::Fragmentation), Needs::OWNED;
    "mutation-storm" => MutationStorm(mutation_storm::MutationStorm), Needs::OWNED;
}

/// One program of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name, with the variant after an `@`.
    pub name: &'static str,
    /// What it needs of a collector.
    pub needs: Needs,
    check: fn(&Parameters) -> Result<(), ParameterError>,
    prepare: fn(&Parameters, u64) -> Result<Prepared, ParameterError>,
}

impl Entry {
    /// Reads the parameters without preparing anything.
    ///
    /// # Errors
    /// If they do not fit the program.
    pub fn check(&self, parameters: &Parameters) -> Result<(), ParameterError> {
        (self.check)(parameters)
    }

    /// Prepares the program: whatever is random is drawn from the seed.
    ///
    /// # Errors
    /// If the parameters do not fit the program.
    pub fn prepare(&self, parameters: &Parameters, seed: u64) -> Result<Prepared, ParameterError> {
        (self.prepare)(parameters, seed)
    }
}

/// There is no program of this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no program '{name}'; there are {}", known.join(", "))]
pub struct UnknownProgram {
    /// The name that was asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

/// The program of this name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn find(name: &str) -> Result<&'static Entry, UnknownProgram> {
    PROGRAMS.iter().find(|entry| entry.name == name).ok_or_else(|| UnknownProgram {
        name: name.to_owned(),
        known: PROGRAMS.iter().map(|entry| entry.name).collect(),
    })
}
