//! The workload suite, written once against [`heap::Mutator`].
//!
//! A program is prepared (parameters read, numbers drawn, keys made) before the clock starts and
//! outside the heap, then runs under a collector whose name it never learns. It leaves its final live
//! set rooted, so that the drop of that set is timed separately, as teardown.
//!
//! * [`Suite`]: workloads with their parameters, answers and prose, from a TOML file.
//! * [`find`] and [`PROGRAMS`]: the programs by name, and the collector capabilities each needs.
//! * One file per program and a line in the catalogue, the table at the end of this file;
//!   `gcw new workload NAME` writes both.
//!
//! **Invariant:** workloads never name a collector.

#![forbid(unsafe_code)]

#[macro_use]
mod catalogue;
mod bounded;
#[cfg(test)]
mod literals;
mod octane;
mod parameters;
mod program;
mod random;
mod suite;
mod zipf;

pub use bounded::Bounded;
pub use catalogue::{Entry, UnknownProgram, find};
pub use parameters::{Depth, ParameterError, Parameters};
pub use program::{Needs, Program};
pub use suite::{Census, Instance, Size, Suite, SuiteError, Workload};

// A line: the file, unless a line above names it; the name, with the variant after an `@`; a variant
// of `Prepared` and the type it holds; the needs of the program.
catalogue! {
    mod gcbench: "gcbench" => GcBench(gcbench::GcBench), OWNED;
    mod binary_trees: "binary-trees" => BinaryTrees(binary_trees::BinaryTrees), OWNED;
    "binary-trees@regions" => BinaryTreesInRegions(binary_trees::InRegions), IN_REGIONS;
    mod message_window: "message-window" => MessageWindow(message_window::MessageWindow), OWNED;
    mod splay: "splay" => Splay(splay::Splay), OWNED;
    mod lru_cache: "lru-cache" => LruCache(lru_cache::LruCache), OWNED;
    mod cycle_torture: "cycle-torture" => CycleTorture(cycle_torture::CycleTorture), SHARED;
    "cycle-torture@regions" => CycleTortureInRegions(cycle_torture::InRegions), IN_REGIONS;
    mod deep_chain: "deep-chain" => DeepChain(deep_chain::InOrder), OWNED;
    "deep-chain@shuffled" => ShuffledChain(deep_chain::Shuffled), OWNED;
    mod fragmentation: "fragmentation" => Fragmentation(fragmentation::Fragmentation), OWNED;
    mod mutation_storm: "mutation-storm" => MutationStorm(mutation_storm::MutationStorm), OWNED;
    mod weak_table: "weak-table" => WeakTable(weak_table::WeakTable), WEAK;
    mod live_tree: "live-tree" => LiveTree(live_tree::InOrder), COLLECTED;
    "live-tree@shuffled" => ShuffledTree(live_tree::Shuffled), COLLECTED;
    mod live_list: "live-list" => LiveList(live_list::LiveList), COLLECTED;
}
