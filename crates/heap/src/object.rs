//! What an object is: references, header, declared shape, size class.

pub(crate) mod forward;
pub(crate) mod header;
pub(crate) mod shape;
pub mod size_class;
