//! The charts: one file each, one plain function each, from records to shapes.
//!
//! Every function draws with a [`crate::canvas::Pen`] of a given width, wide or narrow, from the
//! top down, and gives the height it needed.

pub(crate) mod footprint;
pub(crate) mod heat_map;
pub(crate) mod memory;
pub(crate) mod pauses;
pub(crate) mod percentiles;
pub(crate) mod safety;
pub(crate) mod scaling;
pub(crate) mod scatter;
pub(crate) mod time;
