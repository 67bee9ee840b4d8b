//! Memory-management disciplines over the sandboxed heap: one file each, and a registry.
//!
//! Every file reads top to bottom: the algorithm in numbered phases, its barrier, what it cannot do.
//! **Invariant:** collectors never name a workload, and contain no unsafe code.

#![forbid(unsafe_code)]

mod manual;
mod mark_sweep;
mod no_gc;
mod ownership;
mod rc;
mod rc_weak;
mod region;
pub mod registry;

pub use manual::Manual;
pub use mark_sweep::MarkSweep;
pub use no_gc::NoGc;
pub use ownership::Ownership;
pub use rc::Rc;
pub use rc_weak::RcWeak;
pub use region::Region;
