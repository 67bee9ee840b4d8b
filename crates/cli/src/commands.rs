//! One file per subcommand: its options and its work.

pub(crate) mod cell;
pub(crate) mod completions;
pub(crate) mod duel;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod safety;
pub(crate) mod show;
pub(crate) mod verify;
pub(crate) mod verify_child;
