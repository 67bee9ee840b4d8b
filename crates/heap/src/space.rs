//! Spaces: one way of allocating and reclaiming each.

pub(crate) mod arena;
pub(crate) mod bump_space;
pub(crate) mod cells;
pub(crate) mod large;
pub(crate) mod lines;
pub(crate) mod movable;
pub(crate) mod object_space;
pub(crate) mod regions;
