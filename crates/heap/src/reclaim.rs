//! Reclamation beyond a sweep: counts, cascades, promotion, concurrent sweeping.

pub(crate) mod cascade;
pub(crate) mod count;
pub(crate) mod dead_list;
pub(crate) mod nursery;
pub(crate) mod snapshot;
