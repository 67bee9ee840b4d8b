//! The layout of objects: header, declared shape, size class, forwarding.

pub(crate) mod forward;
pub(crate) mod header;
pub(crate) mod shape;
pub(crate) mod size_class;
